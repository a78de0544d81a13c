"""Let other threads see what the frame loop sees, without the loop ever waiting for them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from edgeface.core.protocols import Camera
from edgeface.core.types import AnyEvent, Event, Frame, Gap
from edgeface.errors import CameraError, ControlError

RATE_SECONDS = 2.0
"""The rate of frames is counted anew so often."""

CHECK_SECONDS = 0.25
"""Who waits for a frame is asked so often whether they still want it."""

REST_SECONDS = 0.1
"""Who looks on lets the loop have the processor for so long before they take another frame."""

PATIENCE_SECONDS = 15.0
"""A loop that makes its parts anew shows nothing for some seconds; one that shows nothing for so long hangs."""


class View:
    """A `Camera` of what the loop sees: each time the newest frame, or gap, that was not taken yet.

    `check` is called at least four times a second and may raise, to end it. `rest` is called between two frames.
    """

    def __init__(self, check: Callable[[], None], rest: Callable[[float], None]) -> None:
        self._check, self._rest = check, rest
        self._newest: Frame | Gap | None = None
        self._ended = False
        self._changed = threading.Condition()

    def show(self, seen: Frame | Gap) -> None:
        """Put this in the place of what was not taken yet; for the loop."""
        with self._changed:
            self._newest = seen
            self._changed.notify()

    def end(self) -> None:
        """Let `frames` raise. A second call does nothing."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def frames(self) -> Iterator[Frame | Gap]:
        """Yield for ever. Raise ControlError when the daemon ends, CameraError when its loop shows nothing any more."""
        while True:
            yield self._take()
            self._rest(REST_SECONDS)

    def close(self) -> None:
        """Do nothing: the camera is the loop's."""

    def _take(self) -> Frame | Gap:
        for _ in range(round(PATIENCE_SECONDS / CHECK_SECONDS)):
            self._check()
            with self._changed:
                self._changed.wait_for(lambda: self._newest or self._ended, CHECK_SECONDS)
                seen, self._newest = self._newest, None
                if self._ended:
                    raise ControlError("the daemon ended meanwhile", hint="try again when it runs")
                if seen:
                    return seen
        raise CameraError(f"the daemon shows no frame for {PATIENCE_SECONDS:g} s", hint="see its journal")


class Window:
    """What the frame loop shows: its frames, how fast they come, and the last event. It is a `Sink` for the latter.

    The loop only sets references, and takes a lock only while somebody looks on.
    """

    def __init__(self, monotonic: Callable[[], float], rest: Callable[[float], None]) -> None:
        self._monotonic, self._rest = monotonic, rest
        self._lock = threading.Lock()
        self._views: tuple[tuple[str, View], ...] = ()
        self._cameras: tuple[str, ...] = ("",)
        self._ended = False
        self._counted, self._since = 0, monotonic()
        self.frames_per_second: float | None = None
        """As the loop takes them, of all cameras together; None: not counted yet."""
        self.last_event: Event | None = None

    def begin(self, cameras: Sequence[str]) -> None:
        """Hear what the cameras are called from now on; a single one may have no name."""
        self._cameras = tuple(cameras)

    def over(self, camera: Camera, name: str = "") -> Camera:
        """Return the camera that shows here whatever it gives."""
        return _Shown(camera, lambda seen: self._show(name, seen))

    def emit(self, event: AnyEvent) -> None:
        """Remember who came or went last."""
        if isinstance(event, Event):
            self.last_event = event

    def close(self) -> None:
        """Do nothing: the window outlives the sinks of one watch."""

    def end(self) -> None:
        """End all views, and those to come."""
        with self._lock:
            self._ended = True
            for _, view in self._views:
                view.end()

    @contextmanager
    def view(self, check: Callable[[], None], camera: str = "") -> Iterator[View]:
        """Look on, from the next frame of a camera, or of the first. Raise ControlError when none is called so."""
        name = camera or self._cameras[0]
        if name not in self._cameras:
            known = ", ".join(filter(None, self._cameras))
            hint = f"choose one of {known}" if known else "the daemon has one camera, without a name"
            raise ControlError(f"the daemon has no camera called {camera!r:.60}", hint=hint)
        view = View(check, self._rest)
        with self._lock:
            self._views = (*self._views, (name, view))
            if self._ended:
                view.end()
        try:
            yield view
        finally:
            with self._lock:
                self._views = tuple(other for other in self._views if other[1] is not view)

    def _show(self, name: str, seen: Frame | Gap) -> None:
        self._counted += isinstance(seen, Frame)
        waited = self._monotonic() - self._since
        if waited >= RATE_SECONDS:
            self.frames_per_second = self._counted / waited
            self._counted, self._since = 0, self._since + waited
        for camera, view in self._views:
            if camera == name:
                view.show(seen)


class _Shown:
    """A `Camera` whose frames are shown before they are given."""

    def __init__(self, camera: Camera, show: Callable[[Frame | Gap], None]) -> None:
        self._camera, self._show = camera, show

    def frames(self) -> Iterator[Frame | Gap]:
        for seen in self._camera.frames():
            self._show(seen)
            yield seen

    def close(self) -> None:
        self._camera.close()

"""Open and read a source in a thread, so that a driver that hangs never stops the loop."""

import atexit
import threading
from collections.abc import Callable

from edgeface.core.types import Frame
from edgeface.drivers.cameras.source import Source
from edgeface.errors import CameraError, EdgefaceError

JOIN_SECONDS = 2.0


class SourceReader:
    """One opening of a source; `open_source` is called, and the source closed, by the thread that reads it.

    `ring` is called by that thread when there is a frame, and at the end. `close` waits for the thread for at most
    `join_seconds`.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        *,
        ring: Callable[[], None] | None = None,
        join_seconds: float = JOIN_SECONDS,
    ) -> None:
        self._open_source, self._ring, self._join_seconds = open_source, ring or _nobody, join_seconds
        self._slot: Frame | None = None
        self._error: EdgefaceError | None = None
        self._ended = False
        self._stopping = False
        self._period_seconds = 0.0
        self._source: Source | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="camera reader", daemon=True)
        atexit.register(self._end, JOIN_SECONDS)
        self._thread.start()

    @property
    def hangs(self) -> bool:
        """Tell whether the thread has not ended yet: its source may still hold the device."""
        return self._thread.is_alive()

    def poll(self, timeout_seconds: float) -> Frame | None:
        """Return the newest frame not yet taken, None when none came in time.

        Raise CameraError when the source failed or ended, MissingExtra when its package is not installed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._slot or self._ended, timeout_seconds)
            frame, self._slot = self._slot, None
            if frame is None and self._error:
                raise self._error
            if frame is None and self._ended:
                raise CameraError("the camera ended", hint="check its cable or network")
            return frame

    def pace(self, period_seconds: float) -> None:
        """Take frames so far apart from now on; 0: as they come."""
        with self._changed:
            self._period_seconds = period_seconds
            if self._source is not None:
                self._source.pace(period_seconds)
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread; one that hangs in its driver is left to end by itself. A second call does nothing."""
        self._end(self._join_seconds)
        if not self.hangs:
            atexit.unregister(self._end)

    def _end(self, seconds: float) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(seconds)

    def _run(self) -> None:
        error = None
        try:
            if not self._stopping:
                with self._open_source() as source:
                    self._read(source)
        except EdgefaceError as failure:
            error = failure
        finally:
            with self._changed:
                self._error, self._ended = error, True
                self._changed.notify_all()
            self._ring()
            atexit.unregister(self._end)

    def _read(self, source: Source) -> None:
        with self._changed:
            self._source = source
            source.pace(self._period_seconds)
        for frame in source.frames():
            if self._stopping:
                return
            with self._changed:
                self._slot = frame
                self._changed.notify_all()
            self._ring()
            with self._changed:
                self._rest()

    def _rest(self) -> None:
        """Wait until the next frame is due, unless the pace changes meanwhile."""
        if self._period_seconds:
            pace = self._period_seconds
            self._changed.wait_for(lambda: self._stopping or self._period_seconds != pace, pace)


def _nobody() -> None:
    """Ring for nobody."""


def one_at_a_time(
    open_source: Callable[[], Source],
    name: str,
    *,
    ring: Callable[[], None] | None = None,
    join_seconds: float = JOIN_SECONDS,
) -> Callable[[], SourceReader]:
    """Return what opens a source anew, and refuses with CameraError while the last opening still hangs."""
    last: list[SourceReader] = []

    def open_reader() -> SourceReader:
        if last and last[0].hangs:
            raise CameraError(f"camera {name} hangs in its driver", hint="unplug it and plug it in again")
        last[:] = [SourceReader(open_source, ring=ring, join_seconds=join_seconds)]
        return last[0]

    return open_reader

"""Take what several cameras give in turn, in one loop, so that none waits for another."""

import threading
from collections.abc import Callable, Iterator, Mapping

from edgeface.app.supervise import POLL_SECONDS, CameraHealth, SupervisedCamera
from edgeface.core.protocols import Camera
from edgeface.core.types import Frame, Gap


class Bell:
    """Wakes the loop when a camera has something; any thread may ring it."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        """Wake the loop, now or when it begins to wait."""
        self._rung.set()

    def wait(self, seconds: float) -> None:
        """Wait until it rings, at most for so long."""
        if self._rung.wait(seconds):
            self._rung.clear()


class Several:
    """The frames and gaps of several cameras by their names; it ends when all of them have ended.

    Cameras under supervision must not wait for a frame (`poll_seconds=0`), and ring when there is one. `excuse` hears
    with which camera, and for how many seconds, the loop was busy: that is no lateness of the others. Each gives a gap
    about every quarter of a second while it has nothing better, as it does alone.
    """

    def __init__(
        self,
        cameras: Mapping[str, Camera],
        *,
        now: Callable[[], float],
        wait: Callable[[float], None],
        excuse: Callable[[str, float], None],
    ) -> None:
        self._cameras, self._now, self._wait, self._excuse = cameras, now, wait, excuse

    def frames(self) -> Iterator[tuple[str, Frame | Gap]]:
        """Yield each camera's name with what it gives, in turn. Raise CameraError as a camera does."""
        streams = {name: camera.frames() for name, camera in self._cameras.items()}
        told = dict.fromkeys(streams, float("-inf"))
        while streams:
            idle = True
            for name, stream in list(streams.items()):
                seen = next(stream, None)
                if seen is None:
                    del streams[name]
                elif isinstance(seen, Frame) or self._now() - told[name] >= POLL_SECONDS:
                    idle = idle and isinstance(seen, Gap)
                    told[name] = self._now()
                    yield name, seen
                    self._excuse(name, self._now() - told[name])
            if streams and idle:
                self._wait(POLL_SECONDS)


def excuses(cameras: Mapping[str, Camera]) -> Callable[[str, float], None]:
    """Return what tells every supervised camera but one that the loop was busy with that one."""

    def excuse(busy_with: str, seconds: float) -> None:
        for name, camera in cameras.items():
            if name != busy_with and isinstance(camera, SupervisedCamera):
                camera.excuse(seconds)

    return excuse


def worst_of(healths: Mapping[str, CameraHealth]) -> CameraHealth:
    """Return the health of several cameras in one: that of a faulty one before a starting one, with all their names."""
    for state in ("faulty", "starting"):
        found = {name: health for name, health in healths.items() if health.state == state}
        if found:
            said = [f"{name}: {health.detail}" if health.detail else name for name, health in found.items()]
            return CameraHealth(state, next(iter(found.values())).reason, ", ".join(said))
    return CameraHealth("ok", detail=", ".join(healths))

"""Keep a live camera going: notice its faults, reopen it, and tell what state it is in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from edgeface.app.clock import SteadyClock
from edgeface.core.types import CameraEvent, CameraReason, CameraState, Frame, Gap
from edgeface.core.vitals import Vitals
from edgeface.errors import CameraError

POLL_SECONDS = 0.25
"""The loop beats at least so often, whatever the camera does."""

SILENT_SECONDS = 1.5
"""A camera that gives nothing for so long, beyond what was asked of it, is stalled."""

OPEN_SECONDS = 15.0
"""A camera that is opening may be silent for so long: a network stream takes up to 10 s."""

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
"""Before a camera is opened again; each wait is twice the one before."""

STEADY_SECONDS = 10.0
"""After so long without a fault the next one begins with the shortest wait again."""

FAULTS: dict[CameraReason, str] = {
    "black": "every picture is black",
    "frozen": "it repeats one picture",
    "size": "the size of its pictures changed",
    "slow": "it gives less than two frames a second",
    "stalled": "no picture comes",
}


class Reading(Protocol):
    """One opening of a camera, read by a thread of its own."""

    def poll(self, timeout_seconds: float) -> Frame | None:
        """Return the newest frame not yet taken, None when none came in time. Raise CameraError when it failed."""
        ...

    def pace(self, period_seconds: float) -> None:
        """Take frames so far apart from now on; 0: as they come."""
        ...

    def close(self) -> None:
        """Let go of the camera within about 2 s, even when its driver hangs. A second call does nothing."""
        ...


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """What is known of a camera."""

    state: CameraState = "starting"
    reason: CameraReason | None = None
    detail: str = ""
    """For people."""
    since: float = 0.0
    """Seconds since the Unix epoch, UTC."""
    faults: int = 0
    """How often it went from ok, or from starting, to faulty."""
    openings: int = 0
    size: tuple[int, int] | None = None
    """Width and height of its last picture."""


class SupervisedCamera:
    """A live camera that does not end: `frames` gives a `Gap` at least every quarter of a second when it sees nothing.

    Nothing is given of black and of frozen pictures, as who is on them is not there. A camera whose driver is silent
    is closed at once and opened again after 1, 2, 4 ... 60 s; one whose pictures are wrong is watched meanwhile, so
    that a light switched on is seen at once. With `must_open` a camera that fails before its first good picture raises
    CameraError instead. With `poll_seconds=0` it never waits and gives gaps without end: for a loop of several cameras.
    """

    def __init__(
        self,
        name: str,
        open_reading: Callable[[], Reading],
        *,
        clock: SteadyClock,
        wait: Callable[[float], None],
        tell: Callable[[CameraEvent], None],
        must_open: bool = False,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.name, self.closed = name, False
        self.health = CameraHealth(since=clock())
        self._open_reading, self._clock, self._wait, self._tell = open_reading, clock, wait, tell
        self._must_open, self._poll_seconds = must_open, poll_seconds
        self._period_seconds = 0.0
        self._reading: Reading | None = None
        self._vitals = Vitals()
        self._asked, self._excused = self._clock(), 0.0
        self._heard: float | None = None
        self._faulty_seconds = float("-inf")
        self._retry_seconds: float | None = clock()
        self._wait_seconds = FIRST_WAIT_SECONDS

    def __enter__(self) -> "SupervisedCamera":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SupervisedCamera({self.name!r}, {'closed' if self.closed else 'open'})"

    @property
    def fps(self) -> None:
        """Unknown: it may change with each opening."""
        return

    def pace(self, period_seconds: float) -> None:
        """Take frames so far apart from now on, to spare work; 0: as they come. Gaps go on as before."""
        if period_seconds != self._period_seconds:
            self._period_seconds = period_seconds
            if self._reading is not None:
                self._reading.pace(period_seconds)

    def close(self) -> None:
        """Let go of the camera. A second call does nothing."""
        self.closed = True
        self._release()

    def frames(self) -> Iterator[Frame | Gap]:
        """Yield the newest frame each time, or a gap, until it is closed."""
        while not self.closed:
            self._check_clock()
            frame = self._next()
            yield frame or Gap(self._clock())
            if frame:
                # What the loop did meanwhile is not the camera's silence.
                self._asked, self._excused = self._clock(), 0.0

    def excuse(self, seconds: float) -> None:
        """Hear that the loop was busy with another camera for so long: a frame that waited meanwhile is not late."""
        self._excused += seconds

    def _next(self) -> Frame | None:
        if self._retry_seconds is not None and self._clock() >= self._retry_seconds:
            self._reopen()
        if self._reading is None:
            self._wait(self._poll_seconds)
            return None
        try:
            frame = self._reading.poll(self._poll_seconds)
        except CameraError as error:
            if self._must_open and self.health.state == "starting":
                raise
            self._lose("unavailable" if self._heard is None else "lost", str(error))
            return None
        if frame is None:
            self._judge_silence()
            return None
        return self._judge(frame)

    def _reopen(self) -> None:
        self._release()
        self._retry_seconds, self._heard, self._vitals = None, None, Vitals()
        self.health = replace(self.health, openings=self.health.openings + 1)
        self._asked, self._excused = self._clock(), 0.0
        try:
            self._reading = self._open_reading()
            self._reading.pace(self._period_seconds)
        except CameraError as error:
            self._lose("unavailable", str(error))

    def _judge_silence(self) -> None:
        patience = OPEN_SECONDS if self._heard is None else SILENT_SECONDS
        waited = self._waited(self._clock())
        if waited >= patience:
            self._lose("stalled", FAULTS["stalled"])
        elif self._vitals.wait(waited - self._excused):
            self._fault("slow", FAULTS["slow"])

    def _judge(self, frame: Frame) -> Frame | None:
        now = self._clock()
        waited = 0.0 if self._heard is None else max(0.0, self._waited(now) - self._excused)
        self._heard = self._asked = now
        self._excused = 0.0
        fault = self._vitals.update(frame, waited)
        height, width = frame.image.shape[:2]
        self.health = replace(self.health, size=(width, height))
        if fault:
            self._fault(fault, FAULTS[fault])
        elif self._vitals.healthy:
            self._recover()
        return None if fault in ("black", "frozen") else frame

    def _waited(self, now: float) -> float:
        """Return for how long the camera is silent, beyond what was asked of it."""
        return max(0.0, now - self._asked - self._period_seconds)

    def _lose(self, reason: CameraReason, detail: str) -> None:
        self._fault(reason, detail)  # told first: letting go of a driver that hangs takes its time
        self._release()

    def _fault(self, reason: CameraReason, detail: str) -> None:
        now = self._clock()
        if self._retry_seconds is None:
            if now - self._faulty_seconds >= STEADY_SECONDS and self.health.state != "faulty":
                self._wait_seconds = FIRST_WAIT_SECONDS
            self._retry_seconds = now + self._wait_seconds
            self._wait_seconds = min(self._wait_seconds * 2, LONGEST_WAIT_SECONDS)
        self._faulty_seconds = now
        self._become("faulty", reason, detail)

    def _recover(self) -> None:
        self._retry_seconds = None
        self._become("ok", None, "")

    def _become(self, state: CameraState, reason: CameraReason | None, detail: str) -> None:
        before = self.health
        if (before.state, before.reason) == (state, reason):
            return
        faults = before.faults + (state == "faulty" and before.state != "faulty")
        since = self._clock.date(self._clock())
        self.health = replace(before, state=state, reason=reason, detail=detail, since=since, faults=faults)
        self._tell(CameraEvent(state, reason, detail, self.name, self._clock()))

    def _check_clock(self) -> None:
        seconds = self._clock.jumped()
        if seconds is not None:
            detail = f"the system's clock was set by {seconds:+.0f} s"
            self._tell(CameraEvent(self.health.state, "clock", detail, self.name, self._clock()))

    def _release(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.close()

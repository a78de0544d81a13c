"""Decide which frames are worth a search for faces, and how often the next one is wanted."""

from dataclasses import dataclass

from edgeface.core.motion import Motion, Stir
from edgeface.core.types import Frame


@dataclass(frozen=True, slots=True)
class DutyLimits:
    """When to look, and when to rest."""

    check_seconds: float = 2.0
    """At the latest after so long a frame is searched although nothing differs."""
    follow_seconds: float = 1.5
    """For so long after a face was found every frame is searched: the patience of a track."""
    idle_after_seconds: float = 10.0
    """When nothing has differed for so long, frames are taken more rarely."""
    idle_period_seconds: float = 0.2
    """Then one in so many seconds."""


class Duty:
    """Lets a frame be searched when something differs in it, a face is being followed or somebody is here.

    While somebody is here every frame is searched that is taken, as without a duty: who stands still, becomes
    background and turns away for a while is found again by the same looks, and has not left. When nobody is here and
    nothing differs, one frame every `check_seconds` is searched all the same.
    """

    def __init__(self, motion: Motion, limits: DutyLimits | None = None) -> None:
        self._motion, self._limits = motion, limits or DutyLimits()
        self._stirred: float | None = None
        self._searched = self._followed = float("-inf")
        self._idle = False
        self.stir = Stir(differs=True, moves=False)
        """What was going on in the last frame."""

    @property
    def period_seconds(self) -> float:
        """How far apart the next frames may be; 0: as they come."""
        return self._limits.idle_period_seconds if self._idle else 0.0

    def wants(self, frame: Frame, *, occupied: bool) -> bool:
        """Tell whether a frame, the next in time, is to be searched; `occupied`: somebody is here."""
        now, self.stir = frame.seconds, self._motion.update(frame)
        if self.stir or self._stirred is None or now < self._stirred:
            self._stirred = now
        self._idle = now - self._stirred >= self._limits.idle_after_seconds
        return bool(self.stir) or occupied or self._follows(now) or self._is_due(now)

    def searched(self, frame: Frame, *, found: bool) -> None:
        """Hear that a frame was searched, and whether there was a face."""
        self._searched = frame.seconds
        if found:
            self._followed = frame.seconds

    def _follows(self, now: float) -> bool:
        return abs(now - self._followed) <= self._limits.follow_seconds

    def _is_due(self, now: float) -> bool:
        return not 0 <= now - self._searched < self._limits.check_seconds

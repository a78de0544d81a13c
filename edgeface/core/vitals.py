"""Tell from its pictures whether a camera sees: not black, not frozen, of one size, and often enough."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgeface.core.types import Frame, Image

Fault = Literal["black", "frozen", "size", "slow"]

STEP = 8
"""Every so many rows and columns are looked at."""


@dataclass(frozen=True, slots=True)
class VitalLimits:
    """From where on a picture counts as a fault."""

    black_level: int = 4
    """Grey level of 255 that no sample of a black picture exceeds; a covered lens still shows noise of 5 and more."""
    patience_seconds: float = 1.5
    """A picture must be black or the same for so long: a fault is then noticed within 2 s at 5 fps and more."""
    late_seconds: float = 0.6
    """A frame that was waited for longer is late, as below 1.7 fps; so are two in a row of a slow camera."""


class Vitals:
    """Follows one opening of a camera.

    A frozen picture equals the one before it in every sample. No sensor gives that, as its noise differs; a decoder
    that repeats its last picture does.
    """

    def __init__(self, limits: VitalLimits | None = None) -> None:
        self._limits = limits or VitalLimits()
        self._before: Image | None = None
        self._size: tuple[int, ...] | None = None
        self._lit_seconds = self._moved_seconds = 0.0
        self._late = 0
        self.healthy = False
        """True while nothing speaks against the last frame: lit, new, of the usual size, in time."""

    def update(self, frame: Frame, waited_seconds: float) -> Fault | None:
        """Take in the next frame and how long it was waited for; return what is wrong by now, the worst first."""
        samples = frame.image[::STEP, ::STEP].copy()
        now, black = frame.seconds, int(samples.max(initial=0)) <= self._limits.black_level
        first, same = self._before is None, self._before is not None and np.array_equal(samples, self._before)
        self._size = self._size or frame.image.shape
        if first or not black:
            self._lit_seconds = now
        if first or not same:
            self._moved_seconds = now
        self._before = samples
        self._late = self._late + 1 if waited_seconds > self._limits.late_seconds and not first else 0
        resized = frame.image.shape != self._size
        self.healthy = not (first or black or same or resized or self._late)
        if now - self._lit_seconds >= self._limits.patience_seconds:
            return "black"
        if now - self._moved_seconds >= self._limits.patience_seconds:
            return "frozen"
        if resized:
            return "size"
        return "slow" if self._late >= 2 else None

    def wait(self, waited_seconds: float) -> Fault | None:
        """Return "slow" when no frame came for so long and the last one was late already."""
        return "slow" if self._late and waited_seconds > self._limits.late_seconds else None

"""Tell from a few points of each frame whether anything is there that was not, without looking for faces."""

import math
from dataclasses import dataclass

import numpy as np

from edgeface.core.cuts import Thumbnail, thumbnail
from edgeface.core.types import Frame

LEAST_CELLS = 2
"""So many cells of the thumbnail must differ: one that does by itself is noise. At 1280x720 a cell is 40 px wide, and
somebody whose face the detector can find there covers several."""

BACKGROUND_SECONDS = 10.0
"""Time constant of the background: a coat of another grey on a chair is part of it after 20 to 30 s."""

RECENT_SECONDS = 1.0
"""Time constant of what the picture was like just now."""

SPREAD_SECONDS = 60.0
"""Time constant of how much a cell varies by itself; at first it is the mean so far."""

SPREADS = 5.0
"""A cell must differ by so many times its mean variation, four standard deviations of what is normally distributed:
night noise, a tree in the wind and a screen are then no news after a minute."""

MOST_LEVELS = 20.0
"""A cell that differs by so many grey levels always does: a busy corridor must not become normal."""

MOST_SPREAD = 2 * MOST_LEVELS / SPREADS
"""A larger change is somebody, and says as much about how a cell varies by itself."""

LONGEST_SECONDS = 30.0
"""After a longer pause, or when the clock is set back, nothing is known."""


@dataclass(frozen=True, slots=True)
class Stir:
    """What is going on in a frame."""

    differs: bool
    """Something is there that was not there before, moving or not."""
    moves: bool
    """It also was not there, or not like this, a second ago."""

    def __bool__(self) -> bool:
        return self.differs or self.moves


class Motion:
    """Compares each frame with a slow background, in grey levels of 255, after taking out what they all share.

    A camera that adjusts its exposure changes every cell alike, which is no motion. `least_levels` is the least
    difference of a cell.
    """

    def __init__(self, least_levels: float = 8.0) -> None:
        self._least_levels = least_levels
        self._background: Thumbnail | None = None
        self._recent: Thumbnail | None = None
        self._spread: Thumbnail | None = None
        self._seconds = self._start_seconds = 0.0

    def update(self, frame: Frame) -> Stir:
        """Take in the next frame; the first of all differs."""
        now, past = thumbnail(frame.sought), frame.seconds - self._seconds
        self._seconds = frame.seconds
        known = 0 <= past <= LONGEST_SECONDS
        if not known or self._background is None or self._recent is None or self._spread is None:
            self._background, self._recent, self._spread = now.copy(), now.copy(), np.zeros_like(now)
            self._start_seconds = frame.seconds
            return Stir(differs=True, moves=False)
        change = _without_exposure(now - self._background)
        limit = np.clip(SPREADS * self._spread, self._least_levels, max(MOST_LEVELS, self._least_levels))
        stir = Stir(differs=_stirs(change, limit), moves=_stirs(_without_exposure(now - self._recent), limit))
        self._background += _share(past, BACKGROUND_SECONDS) * (now - self._background)
        self._recent += _share(past, RECENT_SECONDS) * (now - self._recent)
        settled = min(SPREAD_SECONDS, frame.seconds - self._start_seconds)
        self._spread += _share(past, settled) * (np.minimum(np.abs(change), MOST_SPREAD) - self._spread)
        return stir


def _without_exposure(change: Thumbnail) -> Thumbnail:
    return change - np.float32(np.median(change))


def _stirs(change: Thumbnail, limit: Thumbnail) -> bool:
    return int(np.count_nonzero(np.abs(change) > limit)) >= LEAST_CELLS


def _share(past_seconds: float, time_constant_seconds: float) -> np.float32:
    return np.float32(-math.expm1(-past_seconds / time_constant_seconds) if time_constant_seconds else 0.0)

"""Search a frame for faces: closely where something new may be, and coarsely to follow who is known."""

import math
from dataclasses import dataclass

from edgeface.core.protocols import Detector
from edgeface.core.types import Face, Frame

LEAST_FOLLOWED_PX = 32
"""Width, in the coarse picture, of the smallest face that is followed: YuNet finds 99 % of those from 40 px high on."""


@dataclass(frozen=True, slots=True)
class Coarse:
    """How faces are followed."""

    detector: Detector
    """Searches a copy of the picture."""
    long_side: int
    """Pixels of the longer side of that copy."""
    close_seconds: float = 0.5
    """After so long the whole picture is searched closely in any case."""


class Searcher:
    """Finds the faces of a stream, most of the time at a fraction of what a close search takes.

    A coarse search does where all faces of the last frame were large and nobody wants a close look. When it sees fewer
    faces than there were, or more, the frame is searched closely after all; and now and then in any case, for whoever
    is small and new.
    """

    def __init__(self, close: Detector, coarse: Coarse | None = None) -> None:
        self._close, self._coarse = close, coarse
        self._faces: list[Face] = []
        self._closely_seconds = -math.inf

    def search(self, frame: Frame, *, closely: bool) -> list[Face]:
        """Return the faces of the next frame, largest first; with `closely` they are good to be looked at."""
        if self._coarse is not None and not closely and self._may_follow(frame, self._coarse):
            found = self._coarse.detector.detect(frame.image)
            if len(found) == len(self._faces):
                self._faces = found
                return found
        self._closely_seconds = frame.seconds
        self._faces = self._close.detect(frame.image)
        return self._faces

    def _may_follow(self, frame: Frame, coarse: Coarse) -> bool:
        scale = min(1.0, coarse.long_side / max(frame.image.shape[:2]))
        large = all(face.box.width * scale >= LEAST_FOLLOWED_PX for face in self._faces)
        return bool(self._faces) and large and 0 <= frame.seconds - self._closely_seconds < coarse.close_seconds

"""Search a frame for faces: closely where something new may be, and coarsely to follow who is known."""

import math
from dataclasses import dataclass

import numpy as np

from edgeface.core.protocols import Detector
from edgeface.core.types import Box, Face, Frame

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
            found = _faces(self._coarse.detector, frame)
            if len(found) == len(self._faces):
                self._faces = found
                return found
        self._closely_seconds = frame.seconds
        self._faces = _faces(self._close, frame)
        return self._faces

    def _may_follow(self, frame: Frame, coarse: Coarse) -> bool:
        scale = min(1.0, coarse.long_side / max(frame.image.shape[:2]))
        large = all(face.box.width * scale >= LEAST_FOLLOWED_PX for face in self._faces)
        return bool(self._faces) and large and 0 <= frame.seconds - self._closely_seconds < coarse.close_seconds


def _faces(detector: Detector, frame: Frame) -> list[Face]:
    """Return the faces sought in a frame's small picture, if it has one, in the pixels of its image."""
    found = detector.detect(frame.sought)
    (height, width), (small_height, small_width) = frame.image.shape[:2], frame.sought.shape[:2]
    if (height, width) == (small_height, small_width):
        return found
    return [_enlarged(face, width / small_width, height / small_height) for face in found]


def _enlarged(face: Face, across: float, down: float) -> Face:
    box = face.box
    landmarks = face.landmarks * np.array([across, down], np.float32)
    return Face(Box(box.left * across, box.top * down, box.width * across, box.height * down), landmarks, face.score)

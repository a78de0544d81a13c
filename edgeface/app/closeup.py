"""Find a face's landmarks anew where it has more pixels than in the picture that was searched."""

from dataclasses import dataclass

import numpy as np

from edgeface.core.protocols import Detector
from edgeface.core.types import Box, Face, Image, Landmarks

REACH = 2.2
"""Side of the part of the picture that is searched, in longer sides of the face's box: detectors want surroundings."""

MAX_STRAY = 0.25
"""Another middle than this far from the face's own, in widths of its box, is another face's."""


@dataclass(frozen=True, slots=True)
class CloseUp:
    """How landmarks are found anew."""

    detector: Detector
    """Searches a small picture of one face."""
    side: int
    """Pixels that it makes use of, along each side; of more it searches a copy."""
    searched_px: int
    """So many pixels along the longer side had the copy of the picture in which the face was found."""

    def landmarks(self, image: Image, face: Face) -> Landmarks:
        """Return the face's landmarks, found anew where a closer look shows more of it and finds the same face."""
        part = max(face.box.width, face.box.height) * REACH
        if min(1.0, self.side / part) <= min(1.0, self.searched_px / max(image.shape[:2])):
            return face.landmarks
        middle = _middle(face.box)
        corner = np.maximum(np.floor(middle - part / 2), 0).astype(int)
        end = np.ceil(middle + part / 2).astype(int)
        found = self.detector.detect(image[corner[1] : end[1], corner[0] : end[0]])
        strays = [float(np.hypot(*(_middle(each.box) + corner - middle))) / face.box.width for each in found]
        nearest = min(range(len(found)), key=strays.__getitem__, default=None)
        if nearest is None or strays[nearest] > MAX_STRAY:
            return face.landmarks
        return found[nearest].landmarks + corner.astype(np.float32)


def _middle(box: Box) -> np.ndarray:
    """Return the centre of a box, (2,): x and y in pixels."""
    return np.array([box.left + box.width / 2, box.top + box.height / 2])

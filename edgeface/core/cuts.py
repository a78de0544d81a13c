"""Notice where a film cuts to another scene, so that no name stays behind for whoever stands there next."""

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Frame, Image

HEIGHT, WIDTH = 18, 32
SAMPLES = 4
"""Points along each side of a cell: enough for its mean, and far fewer than a frame has."""

CUT = 30.0
"""Mean difference of two thumbnails, in grey levels of 255, from which on they show two scenes. On a television
scene with five cuts and a handheld film of a crowd, cuts gave 43 to 47, and two frames of one shot at most 7 from
one to the next and 23 from 0.6 s to 0.6 s (tests/bench/visits/cuts.py)."""

CUT_SECONDS = 0.6
"""Frames farther apart differ by themselves, as pictures in a folder do, and are not compared. A device that is slowed
to two frames a second is still told of cuts."""

SCENE_SECONDS = 1.5
"""No scene is shorter: a light that flickers would keep every vote from ending."""

Thumbnail = npt.NDArray[np.float32]
"""(18, 32) grey levels, 0 to 255."""


class Cuts:
    """Compares each frame with the one before it.

    A light that is switched on looks like a cut, and so does somebody who steps before the lens between two frames:
    let a cut cost nothing that a few looks do not bring back.
    """

    def __init__(self) -> None:
        self._before: tuple[Thumbnail, float] | None = None
        self._cut_seconds = -np.inf

    def update(self, frame: Frame) -> bool:
        """Take in the next frame; tell whether it shows another scene than the last one."""
        before, now = self._before, (thumbnail(frame.sought), frame.seconds)
        self._before = now
        if before is None or not 0 <= now[1] - before[1] <= CUT_SECONDS:
            return False
        if 0 <= now[1] - self._cut_seconds < SCENE_SECONDS:
            return False
        if float(np.abs(now[0] - before[0]).mean()) < CUT:
            return False
        self._cut_seconds = now[1]
        return True


def thumbnail(image: Image) -> Thumbnail:
    """Return the mean grey of each cell of an image, from a few of its points."""
    rows, columns = (_places(length, cells) for length, cells in zip(image.shape, (HEIGHT, WIDTH), strict=False))
    grey = image[rows[:, np.newaxis], columns].mean(axis=2, dtype=np.float32)
    return grey.reshape(HEIGHT, SAMPLES, WIDTH, SAMPLES).mean(axis=(1, 3))


def _places(length: int, cells: int) -> npt.NDArray[np.intp]:
    points = cells * SAMPLES
    return ((2 * np.arange(points) + 1) * length // (2 * points)).astype(np.intp)

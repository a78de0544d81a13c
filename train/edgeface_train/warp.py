"""Bend aligned faces smoothly into those of other people: a longer nose, wider eyes, another jaw.

What lies in a blend of two people is between them; a bent one has what neither has. The chip stays aligned: the part of
the bending that a similarity transform of the five landmarks undoes is taken out.
Source of the fields, coarse random displacements made smooth by interpolation: Simard et al. 2003, "Best practices for
convolutional neural networks applied to visual document analysis", section 2. There they keep the label; here a teacher
is asked for a new one.
"""

import cv2
import numpy as np
import numpy.typing as npt

from edgeface.core.align import CHIP_SIZE, TEMPLATE
from edgeface.core.types import Image

NODES = 4
"""Displacements a side that are drawn: four bend a face, eight crumple it."""

NO_MAP = np.empty(0, np.float32)
"""Where one array holds both coordinates, OpenCV wants no second one."""

Warps = npt.NDArray[np.float32]
"""(n, 2, NODES, NODES) displacements (x, y) in pixels, spread evenly over a chip; zeros leave it alone."""


def unbent(count: int) -> Warps:
    """Return the displacements that leave so many chips alone."""
    return np.zeros((count, 2, NODES, NODES), np.float32)


def draw_warps(count: int, most: float, rng: np.random.Generator) -> Warps:
    """Draw displacements of which each chip's deviation is anything from nothing to `most` pixels."""
    strengths = rng.uniform(0, most, (count, 1, 1, 1))
    return (strengths * rng.normal(size=(count, 2, NODES, NODES))).astype(np.float32)


def warp(chips: Image, warps: Warps) -> Image:
    """Return (n, size, size, 3) chips bent by their displacements, aligned as before."""
    size = chips.shape[1]
    landmarks = TEMPLATE + np.float32((size - CHIP_SIZE) / 2)
    nearest = np.rint(landmarks).astype(int)
    undone = np.linalg.pinv(_similarities(landmarks).reshape(-1, 4))
    places = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1).astype(np.float32)
    motions = _similarities(places).reshape(-1, 4)
    out = chips.copy()
    for number in np.flatnonzero(warps.any(axis=(1, 2, 3))):
        nodes = warps[number].transpose(1, 2, 0)
        field = cv2.resize(nodes, (size, size), interpolation=cv2.INTER_CUBIC)
        similar = undone @ field[nearest[:, 1], nearest[:, 0]].ravel()
        sources = places + field - (motions @ similar).reshape(field.shape)
        out[number] = cv2.remap(chips[number], sources, NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return out


def _similarities(places: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return (..., 2, 4): how the shifts, the scale and the turn of a similarity transform move places (..., 2)."""
    x, y = places[..., 0], places[..., 1]
    none, whole = np.zeros_like(x), np.ones_like(x)
    rows = [np.stack([whole, none, x, -y], axis=-1), np.stack([none, whole, y, x], axis=-1)]
    return np.stack(rows, axis=-2)

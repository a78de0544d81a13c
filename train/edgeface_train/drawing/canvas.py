"""Paint soft-edged shapes, given as fields over the picture, without drawing a single jagged line."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.floating]
"""(height, width)"""
Picture = npt.NDArray[np.floating]
"""(height, width, 3), red, green, blue, 0 to 1."""


def paint(picture: Picture, cover: Plane, colour: Sequence[float] | Plane) -> None:
    """Blend a colour, or a picture of colours, into a picture in place; `cover` is 0 to 1."""
    picture += (np.asarray(colour, np.float32) - picture) * cover[..., np.newaxis]


def darken(picture: Picture, amount: Plane) -> None:
    """Multiply by 1 - amount in place; shadows keep more red than blue, as skin does."""
    picture *= 1 - amount[..., np.newaxis] * np.array([0.85, 1.0, 1.05], np.float32)


def cover(distance: Plane, pixel: float) -> Plane:
    """Return 1 where a signed distance is negative, 0 where positive, with an edge one `pixel` wide."""
    return np.clip(0.5 - distance / pixel, 0, 1)


def cover_field(field: Plane) -> Plane:
    """Return the same for any field that is negative inside, whatever its slope."""
    rows, columns = np.gradient(field)
    return np.clip(0.5 - field / (np.hypot(rows, columns) + 1e-6), 0, 1).astype(np.float32)


def blob(u: Plane, v: Plane, at: tuple[float, float], spread: tuple[float, float]) -> Plane:
    """Return a Gaussian hill of height 1."""
    return np.exp(-(((u - at[0]) / spread[0]) ** 2) - ((v - at[1]) / spread[1]) ** 2)


def ramp(low: float, high: float, x: Plane) -> Plane:
    """Return 0 below `low`, 1 above `high` and a smooth step between (`low` may be the greater)."""
    share = np.clip((x - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def window(u: Plane, v: Plane, across: tuple[float, float], down: tuple[float, float]) -> tuple[slice, slice]:
    """Return the part of the picture that shows a rectangle of the head, to paint there alone."""
    inside = (u > across[0]) & (u < across[1]) & (v > down[0]) & (v < down[1])
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def segment(u: Plane, v: Plane, start: tuple[float, float], end: tuple[float, float]) -> Plane:
    """Return the distance to a straight line between two points."""
    along_u, along_v = end[0] - start[0], end[1] - start[1]
    share = ((u - start[0]) * along_u + (v - start[1]) * along_v) / (along_u**2 + along_v**2)
    share = np.clip(share, 0, 1)
    return np.hypot(u - start[0] - share * along_u, v - start[1] - share * along_v)


def grain(rng: np.random.Generator, cells: tuple[int, int], size: int = 256) -> Plane:
    """Return a (size, size) texture of smooth noise, -1 to 1, of so many cells down and across."""
    coarse = rng.uniform(-1, 1, cells).astype(np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float32)


def sample(texture: Plane, across: Plane, down: Plane) -> Plane:
    """Look a texture up at coordinates of which 0 to 1 is one of its repetitions, every second one mirrored."""
    height, width = texture.shape
    columns = np.abs((across + 1) % 2 - 1) * (width - 1)
    rows = np.abs((down + 1) % 2 - 1) * (height - 1)
    mapped = cv2.remap(texture, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR)
    return mapped.astype(np.float32)

"""Compare every photo or person with everybody else, block by block, so that memory does not grow with their number."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Vector

_ROWS, _COLUMNS = 1024, 8192
"""Cosines held at once, 32 MB of float32."""


def nearest_other(
    vectors: Vector, owners: npt.NDArray, centres: Vector, centre_owners: npt.NDArray
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Return for each vector the position of the nearest centre of another owner, and the cosine to it.

    Where everybody else has no centre, the position is -1 and the cosine -1.
    """
    which = np.full(len(vectors), -1, np.intp)
    best = np.full(len(vectors), -1, np.float32)
    for rows, columns, similar in _tiles(vectors, centres):
        similar[_same(owners[rows], centre_owners[columns])] = -np.inf
        place = similar.argmax(axis=1)
        value = similar[np.arange(len(place)), place]
        better = value > best[rows]
        best[rows] = np.where(better, value, best[rows])
        which[rows] = np.where(better, place + columns.start, which[rows])
    return which, best


def near_centres(
    left: Vector, right: Vector, at_least: float
) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float32]]]:
    """Yield blocks of (position in left, position in right, cosine) of all pairs that are at least so near."""
    for rows, columns, similar in _tiles(left, right):
        row, column = np.nonzero(similar >= at_least)
        yield row + rows.start, column + columns.start, similar[row, column]


def _same(left: npt.NDArray, right: npt.NDArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the positions (in left, in right) of all equal values, without comparing each with each."""
    order = np.argsort(right, kind="stable")
    first = np.searchsorted(right[order], left, "left")
    count = np.searchsorted(right[order], left, "right") - first
    rows = np.repeat(np.arange(len(left)), count)
    steps = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    return rows, order[first[rows] + steps]


def _tiles(left: Vector, right: Vector) -> Iterator[tuple[slice, slice, Vector]]:
    for top in range(0, len(left), _ROWS):
        rows = slice(top, min(top + _ROWS, len(left)))
        for start in range(0, len(right), _COLUMNS):
            columns = slice(start, min(start + _COLUMNS, len(right)))
            yield rows, columns, left[rows] @ right[columns].T

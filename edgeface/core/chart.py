"""A figure as plain shapes, so that whoever has a way to draw can draw it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
"""(n, 2) of x to the right and y upwards, each 0 to 1 within the axes."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One line, or one outline that is filled."""

    points: Points
    colour: tuple[int, int, int]
    """RGB."""
    filled: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A figure with its axes."""

    series: list[Series]
    below: list[tuple[float, str]]
    """Ticks of the horizontal axis: place from 0 to 1, and text."""
    beside: list[tuple[float, str]]
    label: str
    """What the horizontal axis shows."""


def steps(edges: npt.NDArray, heights: npt.NDArray) -> Points:
    """Return the outline of a histogram over (n + 1,) edges in 0 to 1, of (n,) heights, from baseline to baseline."""
    x = np.repeat(np.asarray(edges, np.float64), 2)
    y = np.concatenate([[0.0], np.repeat(np.asarray(heights, np.float64), 2), [0.0]])
    return np.column_stack([x, y])

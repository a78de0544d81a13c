"""Notice when an embedding collapses: everybody at one point, the loss stuck at the margin."""

from collections.abc import Sequence

import numpy as np

from edgeface.core.types import Vector

COLLAPSE_EPOCHS = 3


def spread(vectors: Vector) -> float:
    """Return the mean squared distance over all pairs of unit vectors: 2 - 2 |mean|^2, 0 when they are one point."""
    middle = vectors.mean(axis=0, dtype=np.float64)
    return float(2.0 - 2.0 * np.dot(middle, middle))


def collapsed(history: Sequence[tuple[float, float]], margin: float | None) -> bool:
    """Tell whether the last epochs, as (loss, spread), show a collapse: one point, and a loss stuck at the margin."""
    if len(history) < COLLAPSE_EPOCHS:
        return False
    one_point = all(distance < 0.01 for _, distance in history)
    stuck = margin is None or all(abs(loss - margin) < 0.05 * margin for loss, _ in history)
    return one_point and stuck

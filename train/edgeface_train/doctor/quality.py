"""Show how sharp, how bright and how large the faces of a data set are, and how many a device would refuse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeface.core.quality import ENROLL_LIMITS, LIVE_LIMITS, Limits
from edgeface_train.doctor.scan import Seen

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BARS = 20


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of one figure over the photos."""

    name: str
    photos: int
    """That have the figure."""
    quantiles: dict[str, float]
    edges: list[float]
    """Of the histogram's bars, from the 1st to the 99th percentile."""
    bars: list[int]


def spreads(seen: Sequence[Seen], columns: Mapping[str, npt.NDArray]) -> list[Spread]:
    """Return the spread of sharpness, of brightness, and of each column of a manifest (NaN: no figure)."""
    own = {
        "sharpness": np.array([chip.sharpness for chip in seen]),
        "brightness": np.array([chip.brightness for chip in seen]),
    }
    return [spread(name, values) for name, values in {**own, **columns}.items()]


def spread(name: str, values: npt.NDArray) -> Spread:
    """Return the spread of a figure; NaN does not count."""
    known = values[~np.isnan(values)]
    marks = np.quantile(known, QUANTILES)
    bars, edges = np.histogram(known, BARS, (marks[0], marks[-1]) if marks[0] < marks[-1] else None)
    return Spread(
        name,
        len(known),
        {f"{quantile:g}": round(float(mark), 4) for quantile, mark in zip(QUANTILES, marks, strict=True)},
        [round(float(edge), 4) for edge in edges],
        bars.tolist(),
    )


def poor(seen: Sequence[Seen]) -> dict[str, int]:
    """Count the photos that a device would refuse to enrol, or not let vote when live, for light or sharpness."""
    return {
        f"{name}_{use}": sum(_fails(chip, name, limits) for chip in seen)
        for use, limits in (("enrol", ENROLL_LIMITS), ("live", LIVE_LIMITS))
        for name in ("dark", "bright", "blurred")
    }


def _fails(chip: Seen, name: str, limits: Limits) -> bool:
    if name == "blurred":
        return chip.sharpness < limits.min_sharpness
    return chip.brightness < limits.min_brightness if name == "dark" else chip.brightness > limits.max_brightness

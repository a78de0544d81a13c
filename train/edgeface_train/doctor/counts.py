"""Count photos by person: how many people there are to learn from, and how much a few of them weigh."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

EDGES = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)
"""Each is the least number of photos of a bar of the histogram; the last bar has no end."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How photos are spread over people."""

    people: int
    photos: int
    alone: int
    """People with one photo: they serve as negatives only."""
    largest_share: float
    """Of all photos, those of the largest 1 % of people (at least one person)."""
    histogram: dict[str, int]
    """People by number of photos: "1", "2", "3-4" ... "500+"; empty bars at the end are left out."""
    largest: dict[str, int]
    """Photos of the ten people with the most."""


def count_photos(people: npt.NDArray, names: Sequence[str]) -> Counts:
    """Count; `people` is the number of each photo's person in `names`."""
    counts = np.bincount(people, minlength=len(names))
    order: list[int] = np.argsort(-counts, kind="stable").tolist()
    leading = max(1, round(len(names) / 100))
    bars = np.histogram(counts, [*EDGES, np.inf])[0]
    shown = np.flatnonzero(bars).max() + 1
    return Counts(
        people=len(names),
        photos=len(people),
        alone=int((counts == 1).sum()),
        largest_share=float(counts[order[:leading]].sum() / len(people)),
        histogram={_bar(place): int(bars[place]) for place in range(shown)},
        largest={names[person]: int(counts[person]) for person in order[:10]},
    )


def _bar(place: int) -> str:
    if place == len(EDGES) - 1:
        return f"{EDGES[-1]}+"
    first, last = EDGES[place], EDGES[place + 1] - 1
    return str(first) if first == last else f"{first}-{last}"

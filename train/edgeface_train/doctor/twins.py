"""Find people who stand in a data set twice, under two names."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Vector
from edgeface_train.doctor.levels import Levels, robust_bound
from edgeface_train.doctor.modes import Modes
from edgeface_train.doctor.neighbours import near_centres, nearest_other

DEVIATIONS = 3
"""Robust standard deviations above the median similarity of people to the person nearest to them."""
_PHOTOS = 500
"""Of a person, at most so many photos are compared with another's; evenly spread."""


@dataclass(frozen=True, slots=True)
class Twin:
    """Two names that look like one person."""

    left: int
    """Number of the person with more photos."""
    right: int
    centres: float
    """Cosine of the centres of both."""
    photos: float
    """Median cosine of a photo of one with a photo of the other."""


def find_twins(
    vectors: Vector, people: npt.NDArray, modes: Modes, levels: Levels, *, between: npt.NDArray | None = None
) -> list[Twin]:
    """Return the pairs of people that are one, the nearest first.

    Only people whose largest mode has more than half of their photos are compared. The centres of these modes are
    nearer than people come to their nearest other, by three robust standard deviations, and the median pair of
    their photos is as near as three in four pairs of one person's photos are. `between` gives each person a side:
    only people of different sides are compared.
    """
    main = main_modes(modes)
    centres, size = modes.centres[main], np.bincount(people)
    bound = twin_bound(centres)
    firm = 2 * modes.size[main] > size
    sides = np.arange(len(centres)) if between is None else between
    photos_of = _photos_by_person(people)
    found = []
    for left, right, similar in near_centres(centres, centres, bound):
        once = (left < right) & firm[left] & firm[right] & (sides[left] != sides[right])
        for one, other, value in zip(left[once], right[once], similar[once], strict=True):
            median = float(np.median(vectors[photos_of(one)] @ vectors[photos_of(other)].T))
            if median >= levels.pair:
                larger, smaller = sorted((int(one), int(other)), key=lambda person: -size[person])
                found.append(Twin(larger, smaller, float(value), median))
    return sorted(found, key=lambda twin: -twin.centres)


def twin_bound(centres: Vector) -> float:
    """Return how near the centres of two people must be to be one person's, from how near everybody's nearest is."""
    numbers = np.arange(len(centres))
    return min(1.0, robust_bound(nearest_other(centres, numbers, centres, numbers)[1], DEVIATIONS))


def main_modes(modes: Modes) -> npt.NDArray[np.intp]:
    """Return the position of each person's largest mode."""
    return np.unique(modes.person, return_index=True)[1]


def merge_groups(twins: Iterable[Twin], size: npt.NDArray) -> list[list[int]]:
    """Join twins to groups in which everybody is everybody's twin, the nearest first; no chain of lookalikes.

    `size` is the number of photos of each person; the first of a group has the most.
    """
    ordered = sorted(twins, key=lambda twin: -twin.centres)
    known = {frozenset((twin.left, twin.right)) for twin in ordered}
    group_of: dict[int, list[int]] = {}
    for twin in ordered:
        left = group_of.setdefault(twin.left, [twin.left])
        right = group_of.setdefault(twin.right, [twin.right])
        if left is right or any(frozenset((one, other)) not in known for one in left for other in right):
            continue
        left.extend(right)
        group_of.update(dict.fromkeys(right, left))
    groups = {id(group): group for group in group_of.values() if len(group) > 1}
    return [sorted(group, key=lambda person: (-size[person], person)) for group in groups.values()]


def _photos_by_person(people: npt.NDArray) -> Callable[[int], npt.NDArray[np.intp]]:
    order = np.argsort(people, kind="stable")
    starts = np.searchsorted(people[order], np.arange(people.max() + 2))

    def photos(person: int) -> npt.NDArray[np.intp]:
        all_of_them = order[starts[person] : starts[person + 1]]
        return all_of_them[:: -(-len(all_of_them) // _PHOTOS)]

    return photos

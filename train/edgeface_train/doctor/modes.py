"""Part each person's photos into groups that agree, and say which of them are that person."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeface.core.prepare import normalise
from edgeface.core.types import Vector

_STEPS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """Sub-centres of every person: looks such as young and old, and groups that do not belong there."""

    centres: Vector
    """(m, size), unit length."""
    person: npt.NDArray[np.int32]
    """(m,) of each mode."""
    size: npt.NDArray[np.int64]
    """(m,) photos of each mode."""
    body: npt.NDArray[np.bool_]
    """(m,) the mode is its person: it is the largest one, or near to that."""
    of: npt.NDArray[np.int32]
    """(n,) the mode of each photo."""
    own: npt.NDArray[np.float32]
    """(n,) cosine of each photo with the nearest body mode of its person, its own share taken out; NaN where the
    person has no other photo."""


def find_modes(vectors: Vector, people: npt.NDArray, radius: float) -> Modes:
    """Part the photos of each person by mean shift: a mode holds what is within `radius` (a cosine) of its mean."""
    order = np.argsort(people, kind="stable")
    _, starts = np.unique(people[order], return_index=True)
    of = np.empty(len(people), np.int32)
    own = np.full(len(people), np.nan, np.float32)
    centres, person, size, body = [], [], [], []
    for members in np.split(order, starts[1:]):
        groups = mean_shift(vectors[members], radius)
        means = np.stack([normalise(vectors[members[group]].sum(axis=0)) for group in groups])
        linked = _body(means, [len(group) for group in groups], radius)
        for place, group in enumerate(groups):
            of[members[group]] = len(centres) + place
        own[members] = _own(vectors[members], groups, means, linked)
        centres.extend(means)
        person += [people[members[0]]] * len(groups)
        size += [len(group) for group in groups]
        body.extend(linked)
    return Modes(np.stack(centres), np.array(person, np.int32), np.array(size, np.int64), np.array(body, bool), of, own)


def mean_shift(vectors: Vector, radius: float) -> list[npt.NDArray[np.intp]]:
    """Return groups of positions, the largest first; every vector is in one.

    A group starts at the vector nearest to the mean of those not yet in a group, takes in all of them within
    `radius` of its mean, moves to their mean, and so on until it stays.
    Source: Cheng 1995, "Mean shift, mode seeking, and clustering", with a flat kernel on the sphere.
    """
    left = np.arange(len(vectors))
    groups = []
    while len(left):
        rest = vectors[left]
        centre = rest[np.argmax(rest @ rest.sum(axis=0))]
        inside = rest @ centre >= radius
        for _ in range(_STEPS):
            moved = rest @ normalise(rest[inside].sum(axis=0)) >= radius
            if not moved.any() or np.array_equal(moved, inside):
                break
            inside = moved
        if not inside.any():  # nothing is as near as `radius`, not even a vector to itself
            inside = np.arange(len(left)) == np.argmax(rest @ centre)
        groups.append(left[inside])
        left = left[~inside]
    return sorted(groups, key=len, reverse=True)


def _body(means: Vector, sizes: list[int], radius: float) -> npt.NDArray[np.bool_]:
    """Say which groups are the person: the largest, and others of two photos or more that are near to it."""
    return (np.arange(len(means)) == 0) | ((means @ means[0] >= radius) & (np.array(sizes) >= 2))


def _own(
    vectors: Vector, groups: list[npt.NDArray[np.intp]], means: Vector, body: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Return each vector's cosine to the nearest body group, leaving the vector itself out of that group's mean."""
    similar = vectors @ means.T
    for place, group in enumerate(groups):
        if len(group) == 1:
            similar[group, place] = np.nan
            continue
        others = normalise(vectors[group].sum(axis=0) - vectors[group])
        similar[group, place] = np.einsum("nd,nd->n", vectors[group], others)
    similar[:, ~body] = np.nan
    alone = np.isnan(similar).all(axis=1)
    return np.where(alone, np.nan, np.fmax.reduce(similar, axis=1)).astype(np.float32)

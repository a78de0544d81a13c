"""Find photos that do not show the person whose name they bear."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Vector
from edgeface_train.doctor.levels import Levels, robust_bound
from edgeface_train.doctor.modes import Modes
from edgeface_train.doctor.neighbours import nearest_other
from edgeface_train.doctor.twins import main_modes

DEVIATIONS = 4
"""Robust standard deviations above the median similarity of photos to the other person nearest to them."""

Kind = Literal["another", "stray", "scattered"]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A photo whose label is doubted."""

    photo: int
    kind: Kind
    """`another`: it shows somebody else of the data set. `stray`: it resembles neither its person nor anybody
    else. `scattered`: no two photos of its person agree, so that nobody can say who that is."""
    certain: bool
    """So far from its person that training is better off without it. Otherwise a human should look."""
    own: float
    """Cosine to the nearest sub-centre of its person; when scattered, to the nearest other photo of its person."""
    like: int
    """Number of the other person nearest to it, -1 where nobody else has two photos."""
    other: float
    """Cosine to that person's nearest sub-centre."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What was found, and the bound that it took to be another person."""

    suspects: list[Suspect]
    """The one farthest from its person first, within a kind."""
    lookalike: float
    """Cosine from which a photo shows another person: strangers do not come so near."""


def find_suspects(
    vectors: Vector,
    people: npt.NDArray,
    modes: Modes,
    levels: Levels,
    *,
    merged: npt.NDArray,
    sharpness: npt.NDArray,
) -> Labels:
    """Judge the photos of everybody who has two or more.

    A suspect is farther from every sub-centre of its person than strangers are in 999 of 1,000 cases, and than 95 of
    100 photos are from their own (which matters where the network is weak). `merged` gives each person a number that
    it shares with those who are the same person under another name.
    """
    counts = np.bincount(people)
    firm = np.flatnonzero(modes.body & (modes.size >= 2))
    which, other = nearest_other(vectors, merged[people], modes.centres[firm], merged[modes.person[firm]])
    like = np.where(which >= 0, modes.person[firm][which], -1) if len(firm) else which
    lookalike = robust_bound(other, DEVIATIONS)
    scattered = (modes.size[main_modes(modes)] == 1)[people]
    own = modes.own.copy()
    for person in np.flatnonzero((modes.size[main_modes(modes)] == 1) & (counts >= 2)):
        photos = np.flatnonzero(people == person)
        own[photos] = _nearest_photo(vectors[photos])
    doubted = np.flatnonzero((counts[people] >= 2) & (own < levels.outside))
    kept = _sharpest(doubted[scattered[doubted]], people, sharpness)
    found = []
    for photo in doubted:
        named = other[photo] >= lookalike
        kind: Kind = "another" if named else "scattered" if scattered[photo] else "stray"
        certain = named or (own[photo] < min(levels.far, levels.outside) and photo not in kept)
        found.append(Suspect(int(photo), kind, bool(certain), float(own[photo]), int(like[photo]), float(other[photo])))
    return Labels(sorted(found, key=lambda suspect: (suspect.kind, suspect.own)), lookalike)


def _nearest_photo(vectors: Vector) -> Vector:
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -1)
    return similar.max(axis=1)


def _sharpest(photos: npt.NDArray, people: npt.NDArray, sharpness: npt.NDArray) -> set[int]:
    """Return the sharpest photo of each person: one photo alone is nobody's positive, so it may stay as a negative."""
    order = photos[np.argsort(-sharpness[photos], kind="stable")]
    return set(order[np.unique(people[order], return_index=True)[1]].tolist())

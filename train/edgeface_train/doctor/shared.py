"""Find people of a training folder who are also in a test folder, where they would make every figure too good."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgeface.core.prepare import normalise
from edgeface_train.chips import Listing, read_chip
from edgeface_train.doctor.levels import Levels, measure_levels
from edgeface_train.doctor.modes import find_modes
from edgeface_train.doctor.scan import Scan
from edgeface_train.doctor.twins import find_twins
from edgeface_train.duplicates import PROPOSED_BITS_ACROSS, SAME_PICTURE, near_pairs, picture_similarity


@dataclass(frozen=True, slots=True)
class Shared:
    """Somebody who is in both folders."""

    person: int
    """Number in the training folder."""
    test_person: int
    """Number in the test folder."""
    how: Literal["name", "picture", "embedding"]
    reason: str


def find_shared(train: Scan, test: Scan, *, seed: int) -> list[Shared]:
    """Return who is in both, by name, by one picture, or by vectors of one embedder, in this order."""
    return [*_by_name(train.listing, test.listing), *_by_picture(train, test), *_by_vectors(train, test, seed)]


def _by_name(train: Listing, test: Listing) -> list[Shared]:
    number = {name: place for place, name in enumerate(test.names)}
    return [
        Shared(place, number[name], "name", f"{name} is a name there too")
        for place, name in enumerate(train.names)
        if name in number
    ]


def _by_picture(train: Scan, test: Scan) -> list[Shared]:
    hashes = [chip.hash for chip in (*test.seen, *train.seen)]
    found = {}
    for one, other in near_pairs(hashes, PROPOSED_BITS_ACROSS, leading=len(test.seen)):
        if other < len(test.seen):
            continue
        left, right = test.listing.paths[one], train.listing.paths[other - len(test.seen)]
        person, test_person = int(train.listing.people[other - len(test.seen)]), int(test.listing.people[one])
        if (person, test_person) in found:
            continue
        similarity = picture_similarity(read_chip(test.listing.folder / left), read_chip(train.listing.folder / right))
        if similarity >= SAME_PICTURE:
            reason = f"{right} is the picture {left}"
            found[person, test_person] = Shared(person, test_person, "picture", reason)
    return list(found.values())


def _by_vectors(train: Scan, test: Scan, seed: int) -> list[Shared]:
    """Compare every person with every other of the other folder as twins are found within one."""
    if train.vectors is None or test.vectors is None:
        return []
    vectors = normalise(np.concatenate([train.vectors, test.vectors]))
    shift = len(train.listing.names)
    people = np.concatenate([train.listing.people, test.listing.people + shift])
    levels: Levels | None = measure_levels(vectors, people, rng=np.random.default_rng(seed))
    if levels is None:
        return []
    sides = np.arange(people.max() + 1) >= shift
    found = []
    for twin in find_twins(vectors, people, find_modes(vectors, people, levels.outside), levels, between=sides):
        person, other = sorted((twin.left, twin.right))
        reason = f"looks like {test.listing.names[other - shift]}: centres {twin.centres:.2f}, photos {twin.photos:.2f}"
        found.append(Shared(person, other - shift, "embedding", reason))
    return found

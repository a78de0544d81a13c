"""Turn findings into decisions for a trainer: what to leave out, whom to join, what only a human can decide."""

from collections.abc import Iterable, Sequence

import numpy.typing as npt

from edgeface_train.chips import Listing
from edgeface_train.doctor.clean import Decision
from edgeface_train.doctor.labels import Suspect
from edgeface_train.doctor.repeats import Repeat
from edgeface_train.doctor.shared import Shared
from edgeface_train.doctor.twins import Twin


def decide(
    listing: Listing,
    *,
    suspects: Sequence[Suspect],
    twins: Sequence[Twin],
    groups: Sequence[Sequence[int]],
    repeats: Sequence[Repeat],
    shared: Sequence[Shared],
) -> list[Decision]:
    """Return one decision for each thing that is to change, in this order: people shared, merges, drops."""
    away = {item.person: item for item in reversed(shared)}  # of several ways to find somebody, the first
    made = [Decision(listing.names[person], f"in the test folder: {item.reason}") for person, item in away.items()]
    for group in groups:
        left = [person for person in group if person not in away]
        made += [_merge(listing, person, left[0], twins) for person in left[1:]]
    grouped = {frozenset((one, other)) for group in groups for one in group for other in group}
    made += [
        Decision(listing.names[twin.right], _alike(twin), listing.names[twin.left], certain=False)
        for twin in twins
        if frozenset((twin.left, twin.right)) not in grouped
    ]
    dropped: set[int] = set()
    for photo, reason, certain in [*_wrong(listing, suspects), *_repeated(listing, repeats)]:
        if photo not in dropped and int(listing.people[photo]) not in away:
            made.append(Decision(listing.paths[photo], reason, certain=certain))
            dropped.update({photo} if certain else ())
    return made


def describe(suspect: Suspect, names: Sequence[str], people: npt.NDArray) -> str:
    """Return the reason a photo is suspect, with its numbers."""
    own = f"{suspect.own:.2f} to {names[people[suspect.photo]]}"
    nearest = f", {suspect.other:.2f} to {names[suspect.like]}" if suspect.like >= 0 else ""
    if suspect.kind == "another":
        return f"shows {names[suspect.like]}: {own}{nearest}"
    if suspect.kind == "scattered":
        return f"no two photos of this person agree: the nearest has {suspect.own:.2f}"
    return f"resembles nobody, or the picture is poor: {own}{nearest}"


def _merge(listing: Listing, person: int, into: int, twins: Iterable[Twin]) -> Decision:
    twin = next(twin for twin in twins if {twin.left, twin.right} == {person, into})
    return Decision(listing.names[person], _alike(twin), listing.names[into])


def _alike(twin: Twin) -> str:
    return f"the same person: centres {twin.centres:.2f}, photos {twin.photos:.2f}"


def _wrong(listing: Listing, suspects: Iterable[Suspect]) -> Iterable[tuple[int, str, bool]]:
    for suspect in suspects:
        yield suspect.photo, describe(suspect, listing.names, listing.people), suspect.certain


def _repeated(listing: Listing, repeats: Iterable[Repeat]) -> Iterable[tuple[int, str, bool]]:
    for repeat in repeats:
        yield repeat.photo, f"{repeat.words} as {listing.paths[repeat.of]}", True

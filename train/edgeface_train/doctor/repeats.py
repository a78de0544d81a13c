"""Find pictures that a data set holds twice, within a person and between people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Image, Vector
from edgeface_train.chips import Listing
from edgeface_train.doctor.scan import Seen
from edgeface_train.duplicates import Candidate, find_duplicates

Kind = Literal["file", "pixels", "near"]
_WORDS: dict[Kind, str] = {"file": "the same file", "pixels": "the same pixels", "near": "the same picture"}


@dataclass(frozen=True, slots=True)
class Repeat:
    """A photo that is a picture which the data set has already."""

    photo: int
    """The one that can go: of one person's two, that with less detail; of two people's, that which fits less."""
    of: int
    kind: Kind
    """`file`: byte for byte. `pixels`: once decoded. `near`: shrunk, cropped, recoloured or recompressed."""
    similarity: float
    """Correlation once one is fitted onto the other; 1 unless it is near."""
    across: bool
    """Two people have it."""

    @property
    def words(self) -> str:
        """Return the kind in words."""
        return _WORDS[self.kind]


def find_repeats(
    listing: Listing,
    seen: Sequence[Seen],
    read: Callable[[int], Image],
    *,
    vectors: Vector,
    alike: float,
    detail: npt.NDArray,
    own: npt.NDArray,
) -> list[Repeat]:
    """Return the repeats; a photo is in several when several people share it.

    `read` returns a chip by its number. Photos whose vectors are not `alike`, a cosine, are not one picture, which
    spares most comparisons. `detail` ranks the photos of one person; `own`, how near a photo is to its
    person (NaN: the person has no other), those of two.
    """
    number = {path: place for place, path in enumerate(listing.paths)}
    candidates = [
        Candidate(path, listing.names[person], chip.pixel_digest.hex(), chip.hash, float(clear))
        for path, person, chip, clear in zip(listing.paths, listing.people, seen, detail, strict=True)
    ]

    def plausible(one: Candidate, other: Candidate) -> bool:
        return float(vectors[number[one.photo]] @ vectors[number[other.photo]]) >= alike

    dropped, shared = find_duplicates(candidates, lambda found: read(number[found.photo]), plausible=plausible)
    fits = np.nan_to_num(own, nan=-1.0)
    repeats = []
    for duplicate in dropped:
        photo, of = number[duplicate.photo], number[duplicate.of]
        repeats.append(Repeat(photo, of, _kind(seen, photo, of), duplicate.similarity, across=False))
    for duplicate in shared:
        pair = number[duplicate.photo], number[duplicate.of]
        photo, of = sorted(pair, key=lambda place: (fits[place], detail[place], -place))
        repeats.append(Repeat(photo, of, _kind(seen, photo, of), duplicate.similarity, across=True))
    return repeats


def _kind(seen: Sequence[Seen], photo: int, of: int) -> Kind:
    if seen[photo].file_digest == seen[of].file_digest:
        return "file"
    return "pixels" if seen[photo].pixel_digest == seen[of].pixel_digest else "near"

"""Blend a cohort of strangers from training people, so that false accepts can be measured and nobody is given away.

A plain average of a few people keeps so much of each that they could be recognised in it; one of many people of all
kinds is like nobody, and its scores have too thin a tail. So a stranger is blended within a neighbourhood: the mean of
51 people who are alike, and their deviations from it with random weights whose squares add up to 1. Mean and
covariance of the neighbourhood are kept, no person dominates, and kinds of faces stay apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeface.core.align import CHIP_SIZE
from edgeface.core.cohort import Cohort, corrected, quantised, restored
from edgeface.core.prepare import crop_centre
from edgeface.core.protocols import Embedder
from edgeface.core.types import Image, Vector
from edgeface.errors import ConfigError
from edgeface_train.chips import list_chips, read_chip
from edgeface_train.doctor.clean import apply_clean, read_clean

NEIGHBOURS = 50
"""Beside the person in whose neighbourhood a stranger is blended."""


@dataclass(frozen=True, slots=True)
class Faces:
    """Whom strangers are blended from, and who tells how real strangers score."""

    chips: Sequence[Path]
    """One random chip of each training person."""
    held_out: Sequence[Path]
    held_out_people: npt.NDArray[np.int32]
    """Of each held-out chip, the number of its person."""


def draw_faces(chips: Path, held_out: Path, clean: Path | None, strangers: int, seed: int) -> Faces:
    """Choose a chip of each person. Raise ConfigError when there are fewer people than strangers."""
    listing, others = list_chips(chips), list_chips(held_out)
    if clean:
        listing = apply_clean(listing, read_clean(clean))
    if len(listing.names) < max(strangers, NEIGHBOURS + 1):
        raise ConfigError(
            f"{chips} has {len(listing.names)} people, {strangers} strangers need as many",
            hint="make fewer with --strangers, or give chips of more people",
        )
    order = np.random.default_rng(seed).permutation(len(listing.paths))
    _, first = np.unique(listing.people[order], return_index=True)
    return Faces(
        [listing.folder / listing.paths[place] for place in order[first]],
        [others.folder / path for path in others.paths],
        others.people,
    )


def make_cohort(embedder: Embedder, faces: Faces, strangers: int, seed: int) -> Cohort:
    """Embed the faces, blend strangers and measure their correction; what is quantised is what is measured."""
    blended = blend(embed_chips(embedder, faces.chips), strangers, np.random.default_rng(seed))
    try:
        return corrected(restored(quantised(blended)), embed_chips(embedder, faces.held_out), faces.held_out_people)
    except ValueError as error:
        raise ConfigError(f"the people held out are too few: {error}", hint="give a folder of 100 or more") from error


def blend(vectors: Vector, strangers: int, rng: np.random.Generator) -> Vector:
    """Return (strangers, size) unit vectors, each of the neighbourhood of another of (people, size) vectors."""
    blended = []
    for person in rng.choice(len(vectors), strangers, replace=False):
        near = np.argpartition(-(vectors @ vectors[person]), NEIGHBOURS)[: NEIGHBOURS + 1]
        middle = vectors[near].mean(axis=0)
        weights = rng.standard_normal(len(near))
        weights /= np.linalg.norm(weights)
        stranger = middle + weights @ (vectors[near] - middle)
        blended.append(stranger / np.linalg.norm(stranger))
    return np.asarray(blended, np.float32)


def embed_chips(embedder: Embedder, paths: Sequence[Path]) -> Vector:
    """Return the (n, size) vectors of chips in files."""
    return np.stack([embedder.embed([_chip(path)])[0].vector for path in paths])


def _chip(path: Path) -> Image:
    return crop_centre(read_chip(path)[np.newaxis], CHIP_SIZE)[0]

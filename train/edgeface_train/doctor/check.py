"""Examine a folder of chips before training: READ THIS FIRST, it is the order in which the checks are made."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeface.core.prepare import normalise
from edgeface.core.protocols import Embedder
from edgeface.core.types import Vector
from edgeface.errors import ConfigError
from edgeface_train.chips import Listing, list_chips, read_chip
from edgeface_train.doctor.clean import Decision
from edgeface_train.doctor.counts import Counts, count_photos
from edgeface_train.doctor.decisions import decide
from edgeface_train.doctor.labels import Labels, find_suspects
from edgeface_train.doctor.levels import Levels, measure_levels
from edgeface_train.doctor.manifest import Manifest, read_manifest
from edgeface_train.doctor.modes import Modes, find_modes
from edgeface_train.doctor.quality import Spread, poor, spreads
from edgeface_train.doctor.repeats import Repeat, find_repeats
from edgeface_train.doctor.scan import Scan, scan
from edgeface_train.doctor.shared import Shared, find_shared
from edgeface_train.doctor.twins import Twin, find_twins, main_modes, merge_groups, twin_bound
from edgeface_train.teacher import teacher_vectors

DETAIL = "eye_distance_px"
"""Column of a manifest that says how large a face was in its photo; else the sharper of two copies is kept."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is examined, and with what."""

    chips: Path
    embedder: Callable[[], Embedder]
    """Opens the device's embedder; not called when vectors are given and no test folder is."""
    vectors: Path | None = None
    """An .npz with `vectors`, a teacher's, in the order of `order`."""
    order: Path | None = None
    """A CSV whose column `file` names the chip of each vector."""
    manifest: Path | None = None
    test: Path | None = None
    """Chips of people who must not be in training."""
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """What the vectors say of the people."""

    levels: Levels
    modes: Modes
    twins: list[Twin]
    groups: list[list[int]]
    """People who are one, by merge; the first has the most photos."""
    bound: float
    """Cosine of two centres from which people may be twins."""
    labels: Labels


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """All that was found; people and photos are numbers in `listing`."""

    sources: Sources
    listing: Listing
    test: Listing | None
    judged_by: str
    """Whose vectors they are."""
    counts: Counts
    faces: Faces | None
    """None where too few people have three photos."""
    repeats: list[Repeat]
    shared: list[Shared]
    spreads: list[Spread]
    poor: dict[str, int]
    manifest: Manifest | None
    decisions: list[Decision]


Progress = Callable[[str, int, int], None]
"""Hears the step under way, how many photos of it are done, and of how many."""


def check(sources: Sources, *, progress: Progress = lambda _step, _done, _of: None) -> Findings:
    """Examine the chips; nothing is written. Raise ConfigError for inputs that do not fit together."""
    listing = list_chips(sources.chips)
    test = list_chips(sources.test) if sources.test else None
    manifest = read_manifest(sources.manifest, listing) if sources.manifest else None
    vectors = _given_vectors(sources, listing)
    embedder = sources.embedder() if vectors is None or test else None
    seen = _scan(listing, embedder, "chips", progress)
    judged_by = f"the vectors {sources.vectors}" if vectors is not None else f"the model {seen.model[:12]}…"
    vectors = _own_vectors(seen) if vectors is None else vectors
    sharpness = np.array([chip.sharpness for chip in seen.seen])
    progress("people", 0, len(listing.paths))
    faces = _faces(vectors, listing.people, sharpness, sources.seed)
    progress("duplicates", 0, len(listing.paths))
    repeats = _repeats(seen, vectors, faces, manifest)
    shared = find_shared(seen, _scan(test, embedder, "test chips", progress), seed=sources.seed) if test else []
    return Findings(
        sources=sources,
        listing=listing,
        test=test,
        judged_by=judged_by,
        counts=count_photos(listing.people, listing.names),
        faces=faces,
        repeats=repeats,
        shared=shared,
        spreads=spreads(seen.seen, manifest.figures if manifest else {}),
        poor=poor(seen.seen),
        manifest=manifest,
        decisions=decide(
            listing,
            suspects=faces.labels.suspects if faces else [],
            twins=faces.twins if faces else [],
            groups=faces.groups if faces else [],
            repeats=repeats,
            shared=shared,
        ),
    )


def _given_vectors(sources: Sources, listing: Listing) -> Vector | None:
    if sources.vectors is None:
        return None
    if sources.order is None:
        raise ConfigError(
            f"vectors {sources.vectors} need an order: which chip is each of?",
            hint="--vectors-order CSV, with a column file",
        )
    return normalise(teacher_vectors(sources.vectors, sources.order, listing.paths))


def _scan(listing: Listing, embedder: Embedder | None, step: str, progress: Progress) -> Scan:
    return scan(listing, embedder, lambda done: progress(step, done, len(listing.paths)))


def _own_vectors(seen: Scan) -> Vector:
    if seen.vectors is None:
        raise ValueError("the chips were read without an embedder")
    return seen.vectors


def _faces(vectors: Vector, people: npt.NDArray, sharpness: npt.NDArray, seed: int) -> Faces | None:
    """Judge people, then their photos: who is who under two names must be known before a photo is called another's."""
    levels = measure_levels(vectors, people, rng=np.random.default_rng(seed))
    if levels is None:
        return None
    modes = find_modes(vectors, people, levels.outside)
    twins = find_twins(vectors, people, modes, levels)
    merged = np.arange(people.max() + 1)
    for twin in twins:  # merged or not, a photo of one is no stranger to the other
        merged[merged == merged[twin.right]] = merged[twin.left]
    return Faces(
        levels=levels,
        modes=modes,
        twins=twins,
        groups=merge_groups(twins, np.bincount(people)),
        bound=twin_bound(modes.centres[main_modes(modes)]),
        labels=find_suspects(vectors, people, modes, levels, merged=merged, sharpness=sharpness),
    )


def _repeats(seen: Scan, vectors: Vector, faces: Faces | None, manifest: Manifest | None) -> list[Repeat]:
    figures = manifest.figures if manifest else {}
    sharpness = np.array([chip.sharpness for chip in seen.seen])
    detail = np.nan_to_num(figures[DETAIL], nan=0.0) if DETAIL in figures else sharpness
    own = faces.modes.own if faces else np.full(len(detail), np.nan, np.float32)
    return find_repeats(
        seen.listing,
        seen.seen,
        lambda place: read_chip(seen.listing.folder / seen.listing.paths[place]),
        vectors=vectors,
        alike=faces.levels.close if faces else 0.0,
        detail=detail,
        own=own,
    )

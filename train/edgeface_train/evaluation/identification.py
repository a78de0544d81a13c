"""Enrol people from one chip or a few, search for everybody else's chips, and count who is missed.

Source: NIST IR 8271, FPIR and FNIR(N, R=1, T), as in `edgeface.core.metrics.open_set_identification`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeface_train.evaluation.bootstrap import ROUNDING, Rates, Weights, estimate, ratio
from edgeface_train.evaluation.pairs import Matrix
from edgeface_train.evaluation.results import Search

SIZES = (10, 50, 200, 1000)
LOOKS = (1, 3, 5)
FPIRS = (0.01, 0.003)
GALLERIES = 10


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Some people, and the chips they are enrolled from."""

    enrolled: npt.NDArray[np.int64]
    """Positions of the chips."""
    size: int
    """People."""
    looks: int
    """Chips of each."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What searching one gallery for every other chip gave."""

    own: npt.NDArray[np.float32]
    """Similarity of each mated probe to its own person: that of the best enrolled chip."""
    nearest: npt.NDArray[np.bool_]
    """Whether nobody else is as near."""
    mated_people: npt.NDArray[np.int32]
    strangers: npt.NDArray[np.float32]
    """Similarity of each non-mated probe to whoever is nearest, ascending."""
    strangers_people: npt.NDArray[np.int32]


def draw_galleries(
    people: npt.NDArray[np.int32], looks: Sequence[int], rng: np.random.Generator
) -> tuple[list[Gallery], list[str]]:
    """Draw ten galleries of each size and number of looks, and say which sizes there are too few people for.

    Each has a probe of everybody enrolled and somebody who is not. The ten orders of people and of their
    chips are the same for all, so that a larger gallery contains the smaller one.
    """
    counts = np.bincount(people)
    galleries, omitted = [], []
    orders = [(rng.permutation(len(counts)), rng.permutation(len(people))) for _ in range(GALLERIES)]
    for many in looks:
        for size in SIZES:
            eligible = int(np.sum(counts > many))
            if eligible < size or len(counts) <= size:
                omitted.append(
                    f"galleries of {size} people from {many} chips each: {eligible} of {len(counts)} people have "
                    f"more chips than that, {size} and a stranger are needed"
                )
                continue
            galleries += [_draw(people, counts, size, many, *order) for order in orders]
    return galleries, omitted


def search_gallery(similarity: Matrix, people: npt.NDArray[np.int32], gallery: Gallery) -> Found:
    """Search for every chip that is not enrolled."""
    enrolled = gallery.enrolled[np.argsort(people[gallery.enrolled], kind="stable")]
    names, starts = np.unique(people[enrolled], return_index=True)
    known = np.isin(people, names)
    probes = known.copy()
    probes[enrolled] = False
    mated, others = np.flatnonzero(probes), np.flatnonzero(~known)
    found = np.maximum.reduceat(similarity[np.ix_(mated, enrolled)], starts, axis=1)
    rows, column = np.arange(len(mated)), np.searchsorted(names, people[mated])
    own = found[rows, column]
    found[rows, column] = -np.inf
    strangers = similarity[np.ix_(others, enrolled)].max(axis=1)
    order = np.argsort(strangers, kind="stable")
    return Found(own, own > found.max(axis=1), people[mated], strangers[order], people[others[order]])


def missed(found: Found, fpir: float, weights: Weights) -> Rates:
    """Return FNIR in each resample, at the smallest threshold at which its strangers keep FPIR."""
    of_strangers = weights[:, found.strangers_people]
    below = np.zeros((len(weights), len(found.strangers) + 1), np.int64)
    np.cumsum(of_strangers, axis=1, out=below[:, 1:])
    accepted, total = below[:, -1:] - below, below[:, -1:]
    refused = np.argmax(accepted <= fpir * total * ROUNDING, axis=1)
    limit = np.where(refused == 0, -np.inf, found.strangers[np.maximum(refused - 1, 0)])
    hit = found.nearest & (found.own > limit[:, np.newaxis])
    of_mated = weights[:, found.mated_people]
    fnir = ratio(np.sum(of_mated * ~hit, axis=1), of_mated.sum(axis=1))
    return np.where(total[:, 0] > 0, fnir, np.nan)


def measure_searches(
    similarity: Matrix, people: npt.NDArray[np.int32], galleries: Sequence[Gallery], weights: Weights
) -> list[Search]:
    """Return FNIR of each kind of gallery, at the rates that its strangers support."""
    return [
        _summary(kind, fpir, [search_gallery(similarity, people, gallery) for gallery in kind], weights)
        for kind in _kinds(galleries)
        for fpir in FPIRS
        if supports(people, kind, fpir)
    ]


def unsupported(people: npt.NDArray[np.int32], galleries: Sequence[Gallery]) -> list[str]:
    """Say at which rates galleries are not searched, and why."""
    return [
        f"FPIR {100 * fpir:g} % of {kind[0].size} people from {kind[0].looks} chips each: "
        f"too few chips of strangers for one of them to pass, or no other chip of those enrolled"
        for kind in _kinds(galleries)
        for fpir in FPIRS
        if not supports(people, kind, fpir)
    ]


def supports(people: npt.NDArray[np.int32], galleries: Sequence[Gallery], fpir: float) -> bool:
    """Say whether each gallery has somebody to search for, and strangers of whom the rate lets one pass."""
    for gallery in galleries:
        known = int(np.sum(np.isin(people, people[gallery.enrolled])))
        if known == len(gallery.enrolled) or fpir * (len(people) - known) * ROUNDING < 1:
            return False
    return True


def _kinds(galleries: Sequence[Gallery]) -> list[list[Gallery]]:
    """Put galleries of one size and number of looks together, in the order of looks, then size."""
    kinds: dict[tuple[int, int], list[Gallery]] = defaultdict(list)
    for gallery in galleries:
        kinds[gallery.looks, gallery.size].append(gallery)
    return [kinds[key] for key in sorted(kinds)]


def _summary(kind: Sequence[Gallery], fpir: float, found: Sequence[Found], weights: Weights) -> Search:
    everybody = np.ones((1, weights.shape[1]), np.int64)
    single = [float(missed(one, fpir, everybody)[0]) for one in found]
    resampled = np.mean([missed(one, fpir, weights) for one in found], axis=0)
    return Search(
        enrolled=kind[0].size,
        looks=kind[0].looks,
        fpir=fpir,
        galleries=len(found),
        mated=sum(len(one.own) for one in found),
        nonmated=sum(len(one.strangers) for one in found),
        fnir=estimate(float(np.mean(single)), resampled),
        spread=float(np.std(single, ddof=1)) if len(single) > 1 else 0.0,
    )


def _draw(
    people: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int64],
    size: int,
    looks: int,
    order_of_people: npt.NDArray[np.int64],
    order_of_chips: npt.NDArray[np.int64],
) -> Gallery:
    """Enrol the first people in order who have a chip to spare, each from their first chips in order."""
    chosen = order_of_people[counts[order_of_people] > looks][:size]
    by_person = order_of_chips[np.argsort(people[order_of_chips], kind="stable")]
    starts = np.cumsum(counts) - counts
    return Gallery(by_person[starts[chosen][:, np.newaxis] + np.arange(looks)].ravel(), size, looks)

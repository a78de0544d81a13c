"""Find the triplets worth training on: semi-hard and hard ones, from embeddings computed once a round.

Source of the definitions: Schroff et al. 2015, "FaceNet", section 3.2; they live in `edgeface.core.metrics`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeface.core.metrics import EASY, HARD, SEMI_HARD, squared_distance, triplet_kinds
from edgeface.core.types import Vector

Triplets = npt.NDArray[np.int32]
"""(n, 3) rows of photo numbers: anchor, positive (same person, another photo), negative (another person)."""

_BLOCK_CELLS = 2_000_000
"""Distances held at once, 8 MB of float32: memory does not grow with the number of photos."""


class Photos:
    """Which photos belong to whom, sorted so that a random partner costs one lookup."""

    def __init__(self, people: npt.NDArray[np.int32]) -> None:
        self.people = np.asarray(people)
        self.order = np.argsort(self.people, kind="stable").astype(np.int32)
        _, self.start, self.count = np.unique(self.people[self.order], return_index=True, return_counts=True)
        self.group = np.empty(len(self.people), np.int32)
        self.group[self.order] = np.repeat(np.arange(len(self.count), dtype=np.int32), self.count)
        rank = np.empty(len(self.people), np.int32)
        rank[self.order] = np.arange(len(self.people), dtype=np.int32)
        self.rank = rank
        self.paired = np.flatnonzero(self.count[self.group] > 1).astype(np.int32)
        """Photos of people who have two or more."""

    def partners(self, anchors: npt.NDArray, rng: np.random.Generator) -> npt.NDArray[np.int32]:
        """Draw another photo of each anchor's person, uniformly."""
        group = self.group[anchors]
        step = 1 + (rng.random(len(anchors)) * (self.count[group] - 1)).astype(np.int64)
        place = (self.rank[anchors] - self.start[group] + step) % self.count[group]
        return self.order[self.start[group] + place]

    def strangers(self, anchors: npt.NDArray, rng: np.random.Generator) -> npt.NDArray[np.int32]:
        """Draw a photo of somebody else for each anchor, uniformly over those photos."""
        group = self.group[anchors]
        place = (rng.random(len(anchors)) * (len(self.people) - self.count[group])).astype(np.int64)
        place += np.where(place >= self.start[group], self.count[group], 0)
        return self.order[place]


@dataclass(frozen=True, slots=True, eq=False)
class Mined:
    """What a round of mining found."""

    triplets: Triplets
    kinds: npt.NDArray[np.int8]
    """`EASY`, `SEMI_HARD` or `HARD` of each triplet, by the network that mined."""
    examined: int
    """Triplets whose distances were compared."""


def random_triplets(photos: Photos, count: int, rng: np.random.Generator) -> Triplets:
    """Draw triplets uniformly: an anchor that has a partner, one of its partners, a photo of somebody else."""
    if not len(photos.paired) or len(photos.count) < 2:
        return np.empty((0, 3), np.int32)
    anchors = rng.choice(photos.paired, count)
    return np.stack([anchors, photos.partners(anchors, rng), photos.strangers(anchors, rng)], 1).astype(np.int32)


def kinds_of(triplets: Triplets, vectors: Vector, margin: float) -> npt.NDArray[np.int8]:
    """Say of each triplet whether it is easy, semi-hard or hard for these unit vectors."""
    anchor, positive, negative = (vectors[triplets[:, column]] for column in range(3))
    return triplet_kinds(squared_distance(anchor, positive), squared_distance(anchor, negative), margin)


def non_easy_fraction(photos: Photos, vectors: Vector, margin: float, *, draws: int, rng: np.random.Generator) -> float:
    """Return the share of fresh random triplets that are semi-hard or hard; NaN when none can be drawn."""
    triplets = random_triplets(photos, draws, rng)
    return float(np.mean(kinds_of(triplets, vectors, margin) != EASY)) if len(triplets) else float("nan")


def mine(
    photos: Photos,
    vectors: Vector,
    margin: float,
    *,
    count: int,
    hard_share: float,
    rng: np.random.Generator,
    pool: int = 4096,
    per_pair: int = 4,
    attempts: int = 20,
) -> Mined:
    """Find up to `count` different non-easy triplets, of which about `hard_share` at most are hard.

    Random anchor-positive pairs are compared with a random pool of photos, block by block; of each pair's
    non-easy negatives up to `per_pair` are drawn. It gives up after `attempts` times `count` pairs, so that a
    network that has learnt its people ends with few triplets rather than never.
    """
    found: list[tuple[Triplets, npt.NDArray[np.int8]]] = []
    kept, examined, spent = 0, 0, 0
    pairs = max(1, min(count, _BLOCK_CELLS // min(pool, len(photos.people))))
    while kept < count and spent < attempts * count and len(photos.paired):
        anchors = rng.choice(photos.paired, pairs)
        positives = photos.partners(anchors, rng)
        negatives = rng.choice(len(photos.people), min(pool, len(photos.people)), replace=False)
        hard, semi_hard = _compare(photos, vectors, margin, anchors, positives, negatives)
        rows, columns, kinds = _draw(hard, semi_hard, per_pair, hard_share, rng)
        found.append((np.stack([anchors[rows], positives[rows], negatives[columns]], 1).astype(np.int32), kinds))
        kept, examined, spent = kept + len(kinds), examined + hard.size, spent + pairs
        if kept >= count:
            found = [_distinct(found)]
            kept = len(found[0][0])
    triplets, kinds = _distinct(found)
    return Mined(triplets[:count], kinds[:count], examined)


def _compare(
    photos: Photos,
    vectors: Vector,
    margin: float,
    anchors: npt.NDArray,
    positives: npt.NDArray,
    negatives: npt.NDArray,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return (pairs, pool) masks of hard and semi-hard negatives, from cosines: |a - n|^2 = 2 - 2 a.n."""
    near = np.sum(vectors[anchors] * vectors[positives], axis=1, keepdims=True)
    cosines = vectors[anchors] @ vectors[negatives].T
    other = photos.group[anchors][:, np.newaxis] != photos.group[negatives]
    hard = cosines >= near
    semi_hard = cosines > near - np.float32(margin / 2)
    semi_hard &= ~hard
    return hard & other, semi_hard & other


def _draw(
    hard: npt.NDArray[np.bool_],
    semi_hard: npt.NDArray[np.bool_],
    per_pair: int,
    hard_share: float,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """Draw `per_pair` negatives a row, each from its hard ones with the chance `hard_share`, else its semi-hard."""
    width = hard.shape[1]
    rows = np.repeat(np.arange(len(hard)), per_pair)
    wants_hard = rng.random(len(rows)) < hard_share
    made = []
    for mask, wanted, kind in ((hard, wants_hard, HARD), (semi_hard, ~wants_hard, SEMI_HARD)):
        counts = np.count_nonzero(mask, axis=1)
        chosen = rows[wanted & (counts[rows] > 0)]
        nth = (rng.random(len(chosen)) * counts[chosen]).astype(np.int64)
        columns = np.flatnonzero(mask)[(np.cumsum(counts) - counts)[chosen] + nth] - chosen * width
        made.append((chosen, columns, np.full(len(chosen), kind, np.int8)))
    chosen, columns, kinds = (np.concatenate(parts) for parts in zip(*made, strict=True))
    order = np.argsort(chosen, kind="stable")
    return chosen[order], columns[order], kinds[order]


def _distinct(found: list[tuple[Triplets, npt.NDArray[np.int8]]]) -> tuple[Triplets, npt.NDArray[np.int8]]:
    """Drop duplicate triplets, keeping the first of each and the order."""
    if not found:
        return np.empty((0, 3), np.int32), np.empty(0, np.int8)
    triplets = np.concatenate([block for block, _ in found])
    kinds = np.concatenate([block for _, block in found])
    base = np.int64(triplets.max(initial=0)) + 1  # three numbers below 2^21 fit one integer
    keys = (triplets[:, 0] * base + triplets[:, 1]) * base + triplets[:, 2]
    _, first = np.unique(keys, return_index=True)
    first.sort()
    return triplets[first], kinds[first]

"""Read from a data set itself how near photos of one person lie, and how near strangers come."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeface.core.prepare import normalise
from edgeface.core.types import Vector

FAR_QUANTILE = 0.8
STRANGER_DEVIATIONS = 3.09
"""Of a normal distribution one value in a thousand lies beyond. The quantile itself would do for a large set only: in a
small one a single person under two names fills the last thousandth."""
MEMBER_QUANTILE = 0.05
PAIR_QUANTILE = 0.25
ROBUST_SIGMA = 1.4826
"""Times the median absolute deviation is the standard deviation of a normal distribution."""
DRAWS = 200_000
ENOUGH = 3
"""Photos from which a person's centre is more than a photo; fewer such people than this give no levels."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Cosines that part the usual from the unusual in this data set, with this embedder."""

    far: float
    """Of five photos, one comes so near to the centre of somebody else, drawn at random."""
    stranger: float
    """Of a thousand photos one does: what is nearer to a person than that is hardly there by chance."""
    member: float
    """Of 100 photos, 95 are so near to the centre of the other photos of their person."""
    pair: float
    """Of four pairs of photos of one person, three are so near."""
    close: float
    """Of four pairs of photos of one person, one is so near; of the copies of one picture 99 in 100 are."""

    @property
    def outside(self) -> float:
        """Return the cosine under which a photo lies outside of its person.

        Strangers seldom come nearer; and, where the network is weak, most of the person's own photos do.
        """
        return min(self.stranger, self.member)


def measure_levels(vectors: Vector, people: npt.NDArray, *, rng: np.random.Generator) -> Levels | None:
    """Return the levels; None where fewer than three people have three photos, which says nothing of others.

    Labels may be wrong: a few per cent of mislabelled photos, or a twin among thirty people, move none of them by much.
    """
    counts = np.bincount(people)
    known = np.flatnonzero(counts >= ENOUGH)
    if len(known) < ENOUGH:
        return None
    sums = np.zeros((len(counts), vectors.shape[1]), np.float32)
    np.add.at(sums, people, vectors)
    centres = normalise(sums)
    photo, other = rng.integers(0, len(vectors), DRAWS), rng.choice(known, DRAWS)
    apart = people[photo] != other
    strangers = np.einsum("nd,nd->n", vectors[photo[apart]], centres[other[apart]])
    inside = np.flatnonzero(counts[people] >= ENOUGH)
    left, right = _pairs(people, inside, rng)
    pairs = np.einsum("nd,nd->n", vectors[left], vectors[right])
    return Levels(
        far=float(np.quantile(strangers, FAR_QUANTILE)),
        stranger=robust_bound(strangers, STRANGER_DEVIATIONS),
        member=float(np.quantile(leave_one_out(vectors[inside], sums[people[inside]]), MEMBER_QUANTILE)),
        pair=float(np.quantile(pairs, PAIR_QUANTILE)),
        close=float(np.quantile(pairs, 1 - PAIR_QUANTILE)),
    )


def leave_one_out(vectors: Vector, sums: Vector) -> Vector:
    """Return the cosine of each unit vector with the sum that it is part of, without its own share in it."""
    return np.einsum("nd,nd->n", vectors, normalise(sums - vectors))


def robust_bound(values: npt.NDArray, deviations: float) -> float:
    """Return median + deviations x (robust standard deviation), which a few outliers do not move."""
    median = float(np.median(values))
    return median + deviations * ROBUST_SIGMA * float(np.median(np.abs(values - median)))


def _pairs(people: npt.NDArray, photos: npt.NDArray, rng: np.random.Generator) -> tuple[npt.NDArray, npt.NDArray]:
    """Draw pairs of photos of one person, every person's photos being equally likely to be drawn."""
    order = photos[np.argsort(people[photos], kind="stable")]
    _, start, count = np.unique(people[order], return_index=True, return_counts=True)
    group = np.repeat(np.arange(len(count)), count)
    first = rng.integers(0, len(order), min(DRAWS, 50 * len(order)))
    of = group[first]
    step = 1 + (rng.random(len(first)) * (count[of] - 1)).astype(np.int64)
    return order[first], order[start[of] + (first - start[of] + step) % count[of]]

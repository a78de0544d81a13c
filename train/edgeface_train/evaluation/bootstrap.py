"""Say how sure a figure is, by drawing the people anew: what if others had come to be photographed?

People, not pairs: the million pairs of a few hundred people hang together, and resampling pairs would give
intervals that are far too narrow. Somebody drawn w times has weight w in each of their genuine pairs, and a
pair of two people the product of their weights; nothing is copied, and nobody is paired with their own copy.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgeface_train.evaluation.pairs import AllPairs
from edgeface_train.evaluation.results import Estimate

Weights = npt.NDArray[np.int64]
"""(resamples, people): how often each person was drawn."""

Rates = npt.NDArray[np.float64]
"""One rate a resample; NaN where nobody it needs was drawn."""

PERCENTILES = (2.5, 97.5)
ROUNDING = 1 + 1e-12
"""0.29 * 100 falls just short of its whole number; counts are far too small for this to admit another one."""


class Resampled(NamedTuple):
    """The figures of all pairs in each resample."""

    tar: npt.NDArray[np.float64]
    """(resamples, rates)."""
    equal_error: Rates


def draw_people(people: int, resamples: int, rng: np.random.Generator) -> Weights:
    """Draw as many people as there are, with replacement, several times."""
    return rng.multinomial(people, np.full(people, 1 / people), size=resamples)


def estimate(value: float, resampled: Rates) -> Estimate:
    """Return a figure with the 2.5th and 97.5th percentile of its resamples, or with itself without any."""
    defined = resampled[np.isfinite(resampled)]
    low, high = np.percentile(defined, PERCENTILES) if len(defined) else (value, value)
    return Estimate(float(value), float(low), float(high))


def resample_pairs(pairs: AllPairs, weights: Weights, fars: Sequence[float]) -> Resampled:
    """Return TAR at each rate and the equal error rate in each resample.

    The same numbers as `tar_at_far` and `equal_error_rate` give on copied chips, in a few milliseconds for a
    million pairs: scores are sorted once, and a resample is a running sum of weights.
    """
    first, second = pairs.impostor_people
    candidates = np.unique(np.concatenate([pairs.genuine, pairs.impostor]))
    places = np.searchsorted(pairs.genuine, candidates), np.searchsorted(pairs.impostor, candidates)
    tar, equal_error = np.empty((len(weights), len(fars))), np.empty(len(weights))
    for row, weight in enumerate(weights.astype(np.int32)):
        genuine = _running(weight.take(pairs.genuine_people))
        impostor = _running(weight.take(first) * weight.take(second))
        tar[row] = _tar(pairs, genuine, impostor, np.asarray(fars))
        equal_error[row] = _equal_error(genuine, impostor, places)
    return Resampled(tar, equal_error)


def weighted_share(hit: npt.NDArray[np.bool_], weights: npt.NDArray) -> Rates:
    """Return the share of rows that are hit in each resample; `weights` are (resamples, rows)."""
    return ratio(weights @ hit.astype(np.float64), weights.sum(axis=1))


def share_of_people_pairs(hit: npt.NDArray, of: npt.NDArray, weights: Weights) -> Rates:
    """Return the share of impostor pairs that are hit in each resample, from counts of each two people.

    Both counts are (people, people), with each two people on one side of the diagonal.
    """
    return ratio(*(np.sum((weights @ counts) * weights, axis=1) for counts in (hit, of)))


def ratio(part: npt.NDArray, whole: npt.NDArray) -> Rates:
    """Return part by whole, NaN where there is no whole."""
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def _tar(
    pairs: AllPairs,
    genuine: npt.NDArray[np.int64],
    impostor: npt.NDArray[np.int64],
    fars: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Refuse the fewest impostors that keep each rate, and whatever is no better than the last of them."""
    allowed = fars * impostor[-1] * ROUNDING
    refused = np.searchsorted(impostor, impostor[-1] - allowed)
    below = np.searchsorted(pairs.genuine, pairs.impostor[np.maximum(refused - 1, 0)], side="right")
    return ratio(genuine[-1] - genuine[np.where(refused == 0, 0, below)], np.full(len(fars), genuine[-1]))


def _equal_error(
    genuine: npt.NDArray[np.int64],
    impostor: npt.NDArray[np.int64],
    places: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
) -> float:
    """Find where rejection overtakes acceptance: the difference only grows with the threshold."""
    wanted, others = int(genuine[-1]), int(impostor[-1])
    if not wanted or not others:
        return float("nan")

    def rates(candidate: int) -> tuple[int, int]:
        rejected, accepted = genuine[places[0][candidate]], others - impostor[places[1][candidate]]
        return int(rejected) * others, int(accepted) * wanted

    def difference(candidate: int) -> int:
        rejected, accepted = rates(candidate)
        return rejected - accepted

    count = len(places[0])
    crossing = bisect_left(range(count), 0, key=difference)
    near = [candidate for candidate in (crossing - 1, crossing) if 0 <= candidate < count]
    return sum(rates(min(near, key=lambda candidate: abs(difference(candidate))))) / (2 * wanted * others)


def _running(weights: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return the weight below each place, from none to all."""
    sums = np.zeros(len(weights) + 1, np.int64)
    np.cumsum(weights, out=sums[1:])
    return sums

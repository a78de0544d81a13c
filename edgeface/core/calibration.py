"""How often a stranger would be given an enrolled person's name, judged by the tails of a cohort's scores.

A stranger is accepted when some enrolled person's similarity reaches the threshold and leads everybody else's by the
margin. Only the upper tail of each person's scores decides that, so it is what is fitted: a generalised Pareto
distribution of the excess over a high quantile (Pickands 1975; Coles 2001, "An Introduction to Statistical Modeling
of Extreme Values", chapter 4).

One visit counts as one trial. The looks at a visitor are of one face in one light and so are nearly the same trial
again: k-of-n votes make a visit safer than a single look, by how much is not promised.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEAST_COSINE = -1.0
TAIL_SHARE = 0.1
"""The share of a person's scores that is the tail."""
LEAST_STRANGERS = 100
LEAST_RATE, MOST_RATE = 1e-6, 0.05
"""Rates that may be asked for: above, the tail says nothing; below, it would be trusted too far out."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tails:
    """The upper tails of strangers' scores with each of n enrolled people."""

    starts: Floats
    """(n,) similarity at which each tail begins."""
    excess: Floats
    """(n,) mean excess over the start."""
    others: Floats
    """(n, k) of the k strangers in each tail, the similarity to whoever of the others is nearest; -1 for nobody."""
    shape: float
    """Of the generalised Pareto distribution; below 0 tails end, above 0 they are heavier than exponential."""
    share: float
    """k / strangers: the probability of a tail."""


def fit_tails(scores: npt.NDArray, shape: float) -> Tails:
    """Fit the tails of (strangers, n) scores: a start and a mean excess each, of one given shape.

    Few strangers are in a tail, so each mean excess is drawn towards that of all people as far as chance explains
    their difference (James-Stein). Raise ValueError for fewer than 100 strangers or nobody enrolled.
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 2 or values.shape[0] < LEAST_STRANGERS or values.shape[1] < 1:
        raise ValueError(f"scores of shape {values.shape}, at least ({LEAST_STRANGERS}, 1) is needed")
    if not -0.5 < shape < 0.5:
        raise ValueError(f"shape is {shape}, a number between -0.5 and 0.5 is needed")
    strangers, people = values.shape
    k = math.floor(TAIL_SHARE * strangers)
    order = np.argsort(values, axis=0)
    columns = np.arange(people)
    starts = values[order[strangers - k - 1], columns]
    inside = order[strangers - k :]
    means = (values[inside, columns] - starts).mean(axis=0)
    # The variance of a mean of k excesses, of a generalised Pareto distribution with that mean.
    chance = np.mean(means) ** 2 / (1 - 2 * shape) / k
    real = max(float(np.var(means)) - chance, 0.0)
    weight = real / (real + chance) if chance > 0 else 0.0
    excess = np.mean(means) + weight * (means - np.mean(means))
    return Tails(starts, excess, _nearest_other(values)[inside, columns].T, shape, k / strangers)


def false_accept_rate(tails: Tails, threshold: float, margin: float) -> float:
    """Return the probability that a visit of a stranger is given anybody's name: 0 to 1.

    At most one person can lead all others, so the people's probabilities add up. Whether a stranger in a person's
    tail leads is judged by the others' scores of the very strangers in that tail, as who resembles one relative
    resembles the others. A threshold below a tail's start is judged as if it were the start.
    """
    needed = np.maximum(threshold, tails.others + margin)
    return float(np.sum(tails.share * np.mean(_survival(tails, needed), axis=1)))


def threshold_for(tails: Tails, rate: float, margin: float) -> float:
    """Return the least threshold, to 1e-5, that keeps a false-accept rate a visit; at most 1.

    Raise ValueError for a rate outside 1e-6 to 0.05.
    """
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise ValueError(f"rate is {rate}, one between {LEAST_RATE:g} and {MOST_RATE:g} is needed")
    low, high = float(tails.starts.min()), 1.0
    if false_accept_rate(tails, low, margin) <= rate:
        return low
    while high - low > 1e-5:
        middle = (low + high) / 2
        low, high = (low, middle) if false_accept_rate(tails, middle, margin) <= rate else (middle, high)
    return high


def fit_shape(scores: npt.NDArray, threshold: float, rate: float) -> float:
    """Return the shape with which the mean of people's tails, taken one by one, gives a known rate at a threshold.

    `scores` is (strangers, n). Matching a rate far out ties the shape to the outermost tail, which is what thresholds
    are taken from; estimators of moments follow the many scores near its start. The answer is within -0.45 to 0.45,
    to 1e-3.
    """
    low, high = -0.45, 0.45
    while high - low > 1e-3:
        middle = (low + high) / 2
        tails = fit_tails(scores, middle)
        given = tails.share * float(np.mean(_survival(tails, np.full((len(tails.starts), 1), threshold))))
        low, high = (middle, high) if given < rate else (low, middle)
    return (low + high) / 2


def _survival(tails: Tails, at: Floats) -> Floats:
    """Return P(score >= at), given that the score is in the tail; `at` is (n, k)."""
    beyond = np.maximum(at - tails.starts[:, None], 0)
    mean = np.maximum(tails.excess[:, None], 1e-9)
    if abs(tails.shape) < 1e-6:
        return np.exp(-beyond / mean)
    scale = mean * (1 - tails.shape)
    return np.maximum(1 + tails.shape * beyond / scale, 0) ** (-1 / tails.shape)


def _nearest_other(scores: Floats) -> Floats:
    """Return, for each stranger and person, the best score among the other people."""
    if scores.shape[1] == 1:
        return np.full_like(scores, LEAST_COSINE)
    best = np.argmax(scores, axis=1)
    rows = np.arange(len(scores))
    nearest = scores[rows, best]
    others = scores.copy()
    others[rows, best] = -np.inf
    found = np.repeat(nearest[:, None], scores.shape[1], axis=1)
    found[rows, best] = others.max(axis=1)
    return found

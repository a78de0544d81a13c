"""How good a network is: thresholds, verification and open-set rates, and the kinds of triplets.

Similarities are cosines: bigger is nearer, and a pair is accepted when it reaches the threshold.
Every function raises ValueError where its figure does not exist, rather than return NaN.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Similarities = npt.NDArray[np.float32]
"""(n,) cosines."""

LEAST_COSINE = -1.0

EASY, SEMI_HARD, HARD = 0, 1, 2
"""Kinds of triplets, as in `triplet_kinds`."""


class PairAccuracy(NamedTuple):
    """Accuracy over folds of pairs."""

    mean: float
    standard_error: float
    thresholds: list[float]
    """One a fold, chosen on the other folds."""


class Operating(NamedTuple):
    """Genuine pairs accepted at a false-accept rate, and the threshold that does it."""

    tar: float
    threshold: float


class Rates(NamedTuple):
    """Genuine and impostor pairs accepted at a threshold, as shares."""

    tar: float
    far: float


class Identification(NamedTuple):
    """Searches of enrolled people that fail at a false-positive identification rate."""

    fnir: float
    threshold: float


class Roc(NamedTuple):
    """Points of a curve, from the strictest threshold to the loosest; three arrays of one length."""

    far: npt.NDArray[np.float64]
    """The share of impostor pairs that is accepted: measured, so at most the rate that was asked for."""
    tar: npt.NDArray[np.float64]
    thresholds: npt.NDArray[np.float64]


def best_threshold(similarities: npt.NDArray, same: npt.NDArray) -> float:
    """Return the threshold with the most right answers on pairs, half way between its neighbours.

    Of equally good ones the highest. All pairs accepted gives the least similarity, none a value above all.
    """
    scores = _checked(similarities, "similarities")
    truth = np.asarray(same, bool)
    if scores.shape != truth.shape:
        raise ValueError(f"{len(scores)} similarities do not go with {len(truth)} labels")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    right = np.concatenate([[0], np.cumsum(np.where(truth[order], 1, -1))])
    possible = np.concatenate([[True], ranked[1:] < ranked[:-1], [True]])
    cut = int(np.argmax(np.where(possible, right, -len(ranked) - 1)))
    if cut == 0:
        return _just_above(ranked[0])
    if cut == len(ranked):
        return float(ranked[-1])
    middle = ranked.dtype.type((float(ranked[cut - 1]) + float(ranked[cut])) / 2)
    return float(middle if middle > ranked[cut] else ranked[cut - 1])


def tenfold_accuracy(similarities: npt.NDArray, same: npt.NDArray, folds: npt.NDArray) -> PairAccuracy:
    """Return the accuracy on each fold at the best threshold of all other folds: mean and standard error.

    `folds` names each pair's fold; ten of them in the protocol, two or more here.
    Source: Huang et al. 2007, "Labeled faces in the wild", view 2.
    """
    scores, truth, fold_of = _checked(similarities, "similarities"), np.asarray(same, bool), np.asarray(folds)
    names = np.unique(fold_of)
    if len(names) < 2:
        raise ValueError(f"{len(names)} fold, at least two are needed")
    if not scores.shape == truth.shape == fold_of.shape:
        raise ValueError(f"{len(scores)} similarities, {len(truth)} labels and {len(fold_of)} folds do not match")
    thresholds, accuracies = [], []
    for name in names:
        held_out = fold_of == name
        threshold = best_threshold(scores[~held_out], truth[~held_out])
        thresholds.append(threshold)
        accuracies.append(np.mean((scores[held_out] >= threshold) == truth[held_out]))
    error = np.std(accuracies, ddof=1) / math.sqrt(len(names))
    return PairAccuracy(float(np.mean(accuracies)), float(error), thresholds)


def similarity_pairs(
    vectors: npt.NDArray, people: npt.NDArray, *, block: int = 1024
) -> tuple[Similarities, Similarities]:
    """Return the cosines of all pairs of unit vectors: (genuine, impostor), each pair once.

    Needs four bytes a pair; only `block` rows of the square matrix exist at a time.
    """
    values, person_of = np.asarray(vectors, np.float32), np.asarray(people)
    if len(values) != len(person_of):
        raise ValueError(f"{len(values)} vectors do not go with {len(person_of)} people")
    genuine, impostor = [np.empty(0, np.float32)], [np.empty(0, np.float32)]
    for similarities, same in _blocks_of_pairs(values, person_of, block):
        genuine.append(similarities[same])
        impostor.append(similarities[~same])
    return np.concatenate(genuine), np.concatenate(impostor)


def threshold_at_far(impostor: npt.NDArray, far: float) -> float:
    """Return the smallest threshold t at which the share of impostors with similarity >= t is at most far.

    Smallest means: of all numbers that the array's type can hold, so it lies just above an impostor; at a
    far of 1 it is -1. Below a far of 1/n it refuses every impostor and says little about others.
    """
    scores = _checked(impostor, "impostor")
    if not 0 <= far <= 1:
        raise ValueError(f"far is {far}, a rate between 0 and 1 is needed")
    count = len(scores)
    accepted = math.floor(far * count)
    # A product such as 0.29 * 100 may fall just short of its whole number: settle by the definition.
    while accepted < count and (accepted + 1) / count <= far:
        accepted += 1
    while accepted > 0 and accepted / count > far:
        accepted -= 1
    if accepted == count:
        return LEAST_COSINE
    first_refused = count - accepted - 1
    return _just_above(np.partition(scores, first_refused)[first_refused])


def tar_at_far(genuine: npt.NDArray, impostor: npt.NDArray, far: float) -> Operating:
    """Return the share of genuine pairs accepted at `threshold_at_far(impostor, far)`, and that threshold."""
    threshold = threshold_at_far(impostor, far)
    return Operating(float(np.mean(_checked(genuine, "genuine") >= threshold)), threshold)


def rates_at(genuine: npt.NDArray, impostor: npt.NDArray, threshold: float) -> Rates:
    """Return the shares of both kinds of pairs that a threshold accepts, such as another network's."""
    wanted, others = _checked(genuine, "genuine"), _checked(impostor, "impostor")
    return Rates(float(np.mean(wanted >= threshold)), float(np.mean(others >= threshold)))


def equal_error_rate(genuine: npt.NDArray, impostor: npt.NDArray) -> float:
    """Return the mean of false-accept and false-reject rate at the similarity where they differ least.

    Of several such similarities, the smallest.
    """
    wanted, others = np.sort(_checked(genuine, "genuine")), np.sort(_checked(impostor, "impostor"))
    candidates = np.unique(np.concatenate([wanted, others]))
    # Counts over the common denominator: as fractions, rates that differ equally would not compare equal.
    rejected = np.searchsorted(wanted, candidates).astype(np.int64) * len(others)
    accepted = (len(others) - np.searchsorted(others, candidates)).astype(np.int64) * len(wanted)
    nearest = int(np.argmin(np.abs(accepted - rejected)))
    return float(accepted[nearest] + rejected[nearest]) / (2 * len(wanted) * len(others))


def roc(genuine: npt.NDArray, impostor: npt.NDArray, points: int = 200) -> Roc:
    """Return TAR against FAR at rates spaced evenly on a logarithmic axis, from one impostor to all."""
    wanted, others = np.sort(_checked(genuine, "genuine")), np.sort(_checked(impostor, "impostor"))
    if points < 2:
        raise ValueError(f"points is {points}, at least 2 are needed")
    accepted = np.rint(np.geomspace(1, len(others), points)).astype(int)
    thresholds = np.append(LEAST_COSINE, np.nextafter(others, np.inf))[len(others) - accepted]
    far = 1 - np.searchsorted(others, thresholds) / len(others)
    tar = 1 - np.searchsorted(wanted, thresholds) / len(wanted)
    return Roc(far, tar, thresholds.astype(np.float64))


def open_set_identification(
    gallery_vectors: npt.NDArray,
    gallery_people: npt.NDArray,
    mated_vectors: npt.NDArray,
    mated_people: npt.NDArray,
    nonmated_vectors: npt.NDArray,
    fpir: float,
) -> Identification:
    """Return the share of searches of enrolled people that miss, at a threshold set on people not enrolled.

    A person's similarity to a probe is that of the best of their gallery vectors. The threshold is the
    smallest at which at most `fpir` of the non-mated probes find anybody; a mated probe is found when its
    own person reaches the threshold and is nearer than everybody else (a tie is a miss).
    Source: NIST IR 8271, FPIR and FNIR(N, R=1, T). All vectors have unit length.
    """
    order = np.argsort(gallery_people, kind="stable")
    names, starts = np.unique(np.asarray(gallery_people)[order], return_index=True)
    column = np.searchsorted(names, mated_people)
    if not len(names) or not np.array_equal(names[np.minimum(column, len(names) - 1)], mated_people):
        raise ValueError("every mated probe must show a person of the gallery")
    enrolled = np.asarray(gallery_vectors, np.float32)[order]
    strangers = (np.asarray(nonmated_vectors, np.float32) @ enrolled.T).max(axis=1)
    threshold = threshold_at_far(strangers, fpir)
    found = np.maximum.reduceat(np.asarray(mated_vectors, np.float32) @ enrolled.T, starts, axis=1)
    rows = np.arange(len(found))
    own = _checked(found[rows, column], "mated")
    found[rows, column] = -np.inf
    hit = (own >= threshold) & (own > found.max(axis=1))
    return Identification(float(np.mean(~hit)), threshold)


def squared_distance(a: npt.NDArray, b: npt.NDArray) -> npt.NDArray[np.float32]:
    """Return |a - b|^2 = 2 - 2 a.b of unit vectors along the last axis, never below 0."""
    return np.maximum(2 - 2 * np.sum(np.asarray(a) * b, axis=-1), 0).astype(np.float32)


def triplet_kinds(
    anchor_positive_sq: npt.NDArray, anchor_negative_sq: npt.NDArray, margin: float
) -> npt.NDArray[np.int8]:
    """Return EASY, SEMI_HARD or HARD for each triplet, from its two squared distances.

    Hard: an <= ap. Semi-hard: ap < an < ap + margin. Easy: an >= ap + margin.
    Source: Schroff et al. 2015, "FaceNet", eq. 1 and section 3.2.
    """
    positive, negative = np.asarray(anchor_positive_sq), np.asarray(anchor_negative_sq)
    kinds = np.where(negative >= positive + margin, EASY, SEMI_HARD)
    return np.where(negative <= positive, HARD, kinds).astype(np.int8)


def _checked(similarities: npt.NDArray, name: str) -> npt.NDArray:
    scores = np.asarray(similarities)
    if scores.ndim != 1 or not len(scores):
        raise ValueError(f"{name} must be a row of one or more numbers, not of shape {scores.shape}")
    if not np.issubdtype(scores.dtype, np.floating):
        scores = scores.astype(np.float64)
    if np.isnan(scores).any():
        raise ValueError(f"{name} holds {int(np.isnan(scores).sum())} values that are not numbers")
    return scores


def _just_above(value: np.floating) -> float:
    return float(np.nextafter(value, value.dtype.type(np.inf)))


def _blocks_of_pairs(
    vectors: npt.NDArray, people: npt.NDArray, block: int
) -> Iterator[tuple[Similarities, npt.NDArray[np.bool_]]]:
    """Yield the similarities of pairs (i, j), i < j, and whether they show one person, by blocks of rows."""
    for start in range(0, len(vectors), block):
        stop = min(start + block, len(vectors))
        once = np.arange(start, len(vectors))[None, :] > np.arange(start, stop)[:, None]
        similarities = vectors[start:stop] @ vectors[start:].T
        same = people[start:stop, None] == people[None, start:]
        yield similarities[once], same[once]


def wilson(count: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate that was seen `count` times among `of` independent trials.

    Source: Wilson 1927, "Probable inference", eq. 6, with z = 1.96.

    >>> [round(bound, 3) for bound in wilson(0, 10)]
    [0.0, 0.278]
    """
    if not 0 <= count <= of or of < 1:
        raise ValueError(f"{count} of {of} is no rate")
    z2, rate = 1.959964**2, count / of
    centre = (rate + z2 / (2 * of)) / (1 + z2 / of)
    half = math.sqrt(z2 * (rate * (1 - rate) / of + z2 / (4 * of**2))) / (1 + z2 / of)
    return centre - half if count else 0.0, centre + half if count < of else 1.0

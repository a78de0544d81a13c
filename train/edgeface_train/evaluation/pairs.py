"""Compare every chip with every other, once: the scores that all verification figures are read from."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeface.core.metrics import LEAST_COSINE, Similarities
from edgeface_train.evaluation.results import Histogram

Distance = Literal["cosine", "euclidean"]

Matrix = npt.NDArray[np.float32]
"""(n, n) similarities of all chips with all chips."""

BINS = 100


@dataclass(frozen=True, slots=True, eq=False)
class AllPairs:
    """The similarities of all pairs in ascending order, and who is in each."""

    genuine: Similarities
    genuine_people: npt.NDArray[np.int32]
    impostor: Similarities
    impostor_people: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]


def similarity_matrix(vectors: npt.NDArray[np.float32], distance: Distance) -> Matrix:
    """Return the similarity of each row with each row: the cosine of unit vectors, or 1 - d^2 / 2.

    Of unit vectors both are the same number. Vectors two or more apart have -1.
    """
    products = vectors @ vectors.T
    if distance == "cosine":
        return products
    squares = np.sum(vectors * vectors, axis=1)
    apart = np.maximum(squares[:, None] + squares[None, :] - 2 * products, 0)
    return np.maximum(1 - apart / 2, LEAST_COSINE).astype(np.float32)


def compare(similarity: Matrix, people: npt.NDArray[np.int32]) -> AllPairs:
    """Return the pairs above the diagonal, sorted. Twenty bytes a pair."""
    rows, columns = np.triu_indices(len(people), 1)
    scores, same = similarity[rows, columns], people[rows] == people[columns]
    first, second = people[rows], people[columns]
    wanted, others = np.flatnonzero(same), np.flatnonzero(~same)
    wanted, others = (chosen[np.argsort(scores[chosen], kind="stable")] for chosen in (wanted, others))
    return AllPairs(scores[wanted], first[wanted], scores[others], (first[others], second[others]))


def histogram(pairs: AllPairs) -> Histogram:
    """Count the similarities in equal bins from the least to the greatest."""
    low = min(pairs.genuine[0], pairs.impostor[0])
    high = max(pairs.genuine[-1], pairs.impostor[-1])
    edges = np.linspace(low, high, BINS + 1) if high > low else np.linspace(low - 0.5, low + 0.5, BINS + 1)
    # The greatest must not fall out by rounding.
    counted = [
        np.histogram(np.clip(scores, edges[0], edges[-1]), edges)[0] for scores in (pairs.genuine, pairs.impostor)
    ]
    genuine, impostor = ((counts / counts.sum()).tolist() for counts in counted)
    return Histogram(edges.tolist(), genuine, impostor)

"""Mine triplets within a batch, while the loss is computed, for every Keras backend.

Each function takes `embeddings` (n, size), unit vectors of which every one is an anchor, and the `people` (n,) they
show; and `candidates` (m, size) with `candidate_people` (m,), from which positives and negatives are mined. The first n
candidates are the embeddings themselves; those behind them come from a memory (`memory.py`), where a person below 0
means an empty place. Each returns a scalar, zero where there is no valid triplet.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from edgeface_train.losses import mean_of_active, ops

FAR = 8.0
"""More than any squared distance between unit vectors and any margin: stands in for a negative that is not there."""
TINY = 1e-12
NEAREST_DISTANCE = 0.5
"""Below it the sampling weight of a distance rises no more: the lambda of Wu et al., which keeps the noise down."""
LIKELIEST_DISTANCE = 2**0.5
"""At which most points of a sphere are; beyond it the weight would rise again, with what is far away."""

Mining = Callable[..., Any]


def semi_hard(embeddings: Any, people: Any, candidates: Any, candidate_people: Any, *, margin: float) -> Any:
    """Return the mean active max(0, ap - an + margin) of each pair with the nearest negative beyond its positive.

    ap and an are squared distances; an > ap. A pair all of whose negatives are nearer than its positive gives nothing.
    Source: Schroff et al. 2015, "FaceNet", eq. 4 and section 3.2.
    """
    squared = _squared(embeddings, candidates)
    positive, negative = _masks(people, candidate_people)
    sorted_negatives = ops.sort(ops.where(negative, squared, FAR), axis=1)
    nearer = _count_up_to(sorted_negatives, squared)
    padded = ops.concatenate([sorted_negatives, ops.full_like(sorted_negatives[:, :1], FAR)], axis=1)
    beyond = ops.take_along_axis(padded, nearer, axis=1)
    terms = ops.relu(squared - beyond + margin)
    return mean_of_active(ops.where(ops.logical_and(positive, beyond < FAR), terms, 0.0))


def batch_hard(
    embeddings: Any, people: Any, candidates: Any, candidate_people: Any, *, margin: float, soft: bool = False
) -> Any:
    """Return the mean over anchors of max(0, ap - an + margin) of the farthest positive and the nearest negative.

    ap and an are distances, not squared ones, which the paper found to collapse less. With `soft`, the term is
    log(1 + exp(ap - an)) and there is no margin. Anchors without a positive or a negative do not count.
    Source: Hermans et al. 2017, "In defense of the triplet loss for person re-identification", eq. 5 and section 2.
    """
    distance = _distance(_squared(embeddings, candidates))
    positive, negative = _masks(people, candidate_people)
    farthest = ops.max(ops.where(positive, distance, 0.0), axis=1)
    nearest = ops.min(ops.where(negative, distance, FAR), axis=1)
    valid = ops.logical_and(ops.any(positive, axis=1), ops.any(negative, axis=1))
    terms = ops.softplus(farthest - nearest) if soft else ops.relu(farthest - nearest + margin)
    return _mean_where(valid, terms)


def distance_weighted(
    embeddings: Any, people: Any, candidates: Any, candidate_people: Any, *, margin: float, chances: Any
) -> Any:
    """Return the mean of the active max(0, ap - an + margin) of each pair with a negative drawn by its distance.

    The weight of a negative is min(lambda, 1 / q(d)), with q(d) the density of distances between random points of the
    sphere, so that negatives are drawn evenly over all distances, near ones included. ap and an are squared.
    `chances` (n,) are uniform in 0 to 1; the draw of a pair is the sum of those of its two chips, modulo 1, so pairs
    are within the batch. Source: Wu et al. 2017, "Sampling matters in deep embedding learning", section 4.
    """
    squared = _squared(embeddings, candidates)
    positive, negative = _masks(people, candidate_people)
    count = ops.shape(embeddings)[0]
    weights = ops.stop_gradient(_sampling_weights(squared, negative, embeddings.shape[-1]))
    rising = ops.cumsum(weights, axis=1)
    draws = ops.mod(ops.expand_dims(chances, 1) + ops.expand_dims(chances, 0), 1.0)
    place = _count_up_to(rising, draws * rising[:, -1:])
    drawn = ops.take_along_axis(squared, ops.minimum(place, ops.shape(squared)[1] - 1), axis=1)
    terms = ops.relu(squared[:, :count] - drawn + margin)
    valid = ops.logical_and(positive[:, :count], ops.any(negative, axis=1, keepdims=True))
    return mean_of_active(ops.where(valid, terms, 0.0))


def mining_of(kind: str, margin: float) -> Mining:
    """Return f(embeddings, people, candidates, candidate_people, chances) -> scalar of a recipe's `mining`."""
    return {
        "semi-hard": lambda *given: semi_hard(*given[:4], margin=margin),
        "batch-hard": lambda *given: batch_hard(*given[:4], margin=margin),
        "batch-hard-soft": lambda *given: batch_hard(*given[:4], margin=margin, soft=True),
        "distance-weighted": lambda *given: distance_weighted(*given[:4], margin=margin, chances=given[4]),
    }[kind]


def in_batch_loss(kind: str, *, margin: float, triplet_weight: float, distil_weight: float, memory: bool) -> Any:
    """Return the loss of an in-batch stage as Keras wants it: f(targets, outputs) -> scalar.

    The columns of the targets are the number of each row's person, a chance, and with a distillation weight the
    teacher's unit vectors. The outputs are embeddings or, with a memory, what `CrossBatchMemory` returns.
    """
    mining = mining_of(kind, margin)

    def loss(targets: Any, outputs: Any) -> Any:
        people = targets[:, 0]
        candidates, candidate_people = (outputs[:, :-1], outputs[:, -1]) if memory else (outputs, people)
        embeddings = candidates[: ops.shape(targets)[0]]
        total = triplet_weight * mining(embeddings, people, candidates, candidate_people, targets[:, 1])
        if distil_weight:
            total = total + distil_weight * ops.mean(1.0 - ops.sum(targets[:, 2:] * embeddings, axis=-1))
        return total

    return loss


def _squared(embeddings: Any, candidates: Any) -> Any:
    """Return the (n, m) squared distances of unit vectors."""
    return ops.relu(2.0 - 2.0 * ops.matmul(embeddings, ops.transpose(candidates)))


def _distance(squared: Any) -> Any:
    return ops.sqrt(ops.maximum(squared, TINY))


def _masks(people: Any, candidate_people: Any) -> tuple[Any, Any]:
    """Return (n, m) masks of positives, an anchor itself not being one, and of negatives."""
    same = ops.expand_dims(people, 1) == ops.expand_dims(candidate_people, 0)
    rows, columns = ops.arange(ops.shape(people)[0]), ops.arange(ops.shape(candidate_people)[0])
    itself = ops.expand_dims(rows, 1) == ops.expand_dims(columns, 0)
    there = ops.expand_dims(candidate_people >= 0, 0)
    return (
        ops.logical_and(same, ops.logical_not(itself)),
        ops.logical_and(ops.logical_not(same), there),
    )


def _count_up_to(values: Any, limits: Any) -> Any:
    """Count, for each limit (n, q), the values (n, m) of its row that are no greater."""
    count = ops.shape(values)[1]
    order = ops.argsort(ops.concatenate([values, limits], axis=1), axis=1)  # stable: at equality values come first
    counts = ops.cumsum(ops.cast(order < count, "int32"), axis=1)
    back = ops.argsort(order, axis=1)
    return ops.take_along_axis(counts, back[:, count:], axis=1)


def _sampling_weights(squared: Any, negative: Any, size: int) -> Any:
    """Return min(lambda, 1 / q(d)) of negatives and 0 of others, each row scaled to at most 1.

    log q(d) = (size - 2) log d + (size - 3) / 2 log(1 - d^2 / 4).
    """
    clipped = ops.clip(squared, NEAREST_DISTANCE**2, LIKELIEST_DISTANCE**2)
    density = (size - 2) / 2 * ops.log(clipped) + (size - 3) / 2 * ops.log(1.0 - clipped / 4)
    weights = ops.where(negative, -density, -np.inf)
    highest = ops.max(weights, axis=1, keepdims=True)
    return ops.where(negative, ops.exp(weights - ops.where(highest > -np.inf, highest, 0.0)), 0.0)


def _mean_where(valid: Any, terms: Any) -> Any:
    count = ops.sum(ops.cast(valid, terms.dtype))
    return ops.sum(ops.where(valid, terms, 0.0)) / ops.maximum(count, 1.0)

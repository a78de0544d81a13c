"""The training losses, as functions of unit embeddings, written once for every Keras backend."""

from collections.abc import Callable
from typing import Any

import keras

ops: Any = keras.ops
"""Keras types its operations as possibly None; no backend returns that."""


def triplet_terms(anchor: Any, positive: Any, negative: Any, margin: float) -> Any:
    """Return max(0, |a - p|^2 - |a - n|^2 + margin) for rows of unit vectors.

    Source: Schroff et al. 2015, "FaceNet", eq. 3.
    """
    near = ops.sum(ops.square(anchor - positive), axis=-1)
    far = ops.sum(ops.square(anchor - negative), axis=-1)
    return ops.relu(near - far + margin)


def mean_of_active(terms: Any) -> Any:
    """Return the mean of the terms above zero; zero, not NaN, when there is none."""
    active = ops.cast(terms > 0, terms.dtype)
    return ops.sum(terms) / ops.maximum(ops.sum(active), 1.0)


def stage_loss(*, margin: float, triplet_weight: float, distil_weight: float) -> Callable[[Any, Any], Any]:
    """Return the loss of a stage as Keras wants it: f(targets, embeddings) -> scalar.

    With a triplet weight, the batch is three equal blocks of rows: anchors, positives, negatives.
    With a distillation weight, the targets are the teacher's unit vectors of the same rows.
    """

    def loss(targets: Any, embeddings: Any) -> Any:
        total = ops.zeros(())
        if triplet_weight:
            anchor, positive, negative = ops.split(embeddings, 3, axis=0)
            total = total + triplet_weight * mean_of_active(triplet_terms(anchor, positive, negative, margin))
        if distil_weight:
            total = total + distil_weight * ops.mean(1.0 - ops.sum(targets * embeddings, axis=-1))
        return total

    return loss

"""The training losses, as functions of unit embeddings, written once for every Keras backend."""

import math
from collections.abc import Callable
from typing import Any, Literal

import keras
from keras import layers

ops: Any = keras.ops
"""Keras types its operations as possibly None; no backend returns that."""
SLACK = 0.1
"""By which two people's cosine may exceed the teacher's before it costs."""
LEAST_SINE_SQUARED = 1e-6
"""Below it a sine is held constant: the slope of its root has no bound towards cosines of 1 and -1."""


def triplet_terms(anchor: Any, positive: Any, negative: Any, margin: float) -> Any:
    """Return max(0, |a - p|^2 - |a - n|^2 + margin) for rows of unit vectors.

    Source: Schroff et al. 2015, "FaceNet", eq. 3.
    """
    near = ops.sum(ops.square(anchor - positive), axis=-1)
    far = ops.sum(ops.square(anchor - negative), axis=-1)
    return ops.relu(near - far + margin)


def batch_triplet_terms(embeddings: Any, people: Any, margin: float) -> Any:
    """Return the terms of each anchor-positive pair with every chip of the batch, zero where it is the same person's.

    The first third of the rows are anchors, the second their positives. Returns (n / 3, n).
    Source: "FaceNet", section 3.2: negatives from within the mini-batch.
    """
    anchor, positive, _ = ops.split(embeddings, 3, axis=0)
    near = ops.sum(ops.square(anchor - positive), axis=-1, keepdims=True)
    far = 2.0 - 2.0 * ops.matmul(anchor, ops.transpose(embeddings))
    own = ops.expand_dims(ops.split(people, 3)[0], 1) == ops.expand_dims(people, 0)
    return ops.where(own, 0.0, ops.relu(near - far + margin))


def mean_of_active(terms: Any) -> Any:
    """Return the mean of the terms above zero; zero, not NaN, when there is none."""
    active = ops.cast(terms > 0, terms.dtype)
    return ops.sum(terms) / ops.maximum(ops.sum(active), 1.0)


def excess_terms(embeddings: Any, vectors: Any, people: Any, slack: float) -> Any:
    """Return of each row how much nearer it is to others than the teacher has them: sum of max(0, s - t - slack)^2.

    s and t are cosines of a pair by the network and by the teacher; a person's own chips, (n,) numbers, do not count.
    A network that cannot tell people of a kind apart gives all of them the vector of the kind.
    Source: Park et al. 2019, "Relational knowledge distillation", of which this is the side that mistakes people.
    """
    more = ops.matmul(embeddings, ops.transpose(embeddings)) - ops.matmul(vectors, ops.transpose(vectors))
    same = ops.expand_dims(people, 0) == ops.expand_dims(people, 1)
    known = ops.expand_dims(people >= 0, 0)
    itself = ops.eye(more.shape[0] or ops.shape(more)[0], dtype="bool")
    left_out = ops.logical_or(ops.logical_and(same, known), itself)
    return ops.sum(ops.where(left_out, 0.0, ops.square(ops.relu(more - slack))), axis=1)


class CosineHead(layers.Layer):
    """Cosines of unit embeddings with the nearest of a person's centres; they are learnt, and not kept after training.

    Source: Deng et al. 2020, "Sub-center ArcFace": the greatest of K cosines.
    """

    def __init__(self, people: int, sub_centres: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.people, self.sub_centres = people, sub_centres

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Make the centres, (size, people * sub_centres), a person's side by side."""
        self.centres = self.add_weight(
            shape=(input_shape[-1], self.people * self.sub_centres), initializer="random_normal", name="centres"
        )

    def call(self, embeddings: Any) -> Any:
        """Return (n, people) cosines."""
        length = ops.sqrt(ops.sum(ops.square(self.centres), axis=0, keepdims=True))
        cosines = ops.matmul(embeddings, self.centres / ops.maximum(length, 1e-6))
        if self.sub_centres == 1:
            return cosines
        return ops.max(ops.reshape(cosines, (-1, self.people, self.sub_centres)), axis=-1)


def turned_away(cosines: Any, angle: float) -> Any:
    """Return cos(theta + angle) of cosines of theta, for an angle in radians.

    Beyond theta = pi - angle, where that would rise again, it is cos(theta) - angle * sin(angle), which goes on
    falling, as in the code of the paper's authors. The gradient is finite at cosines of 1 and -1, too.
    Source: Deng et al. 2019, "ArcFace", eq. 3.
    """
    sines = ops.sqrt(ops.maximum(1.0 - ops.square(cosines), LEAST_SINE_SQUARED))
    turned = cosines * math.cos(angle) - sines * math.sin(angle)
    return ops.where(cosines > -math.cos(angle), turned, cosines - angle * math.sin(angle))


def margin_softmax(
    *, scale: float, margin: float, softmax: Literal["cosface", "arcface"] = "cosface"
) -> Callable[[Any, Any], Any]:
    """Return the large-margin loss: f(people, cosines) -> scalar; people are (n,) numbers of classes.

    The margin is taken from the own cosine, or with "arcface" added to its angle, in radians.
    Below 0 it is nobody, such as a blend of two people, and counts for nothing.
    Source: Wang et al. 2018, "CosFace", eq. 4; Deng et al. 2019, "ArcFace", eq. 3.
    """

    def loss(people: Any, cosines: Any) -> Any:
        people = ops.reshape(ops.cast(people, "int32"), (-1,))
        known = ops.cast(people >= 0, cosines.dtype)
        own = ops.one_hot(ops.maximum(people, 0), cosines.shape[-1], dtype=cosines.dtype)
        if softmax == "arcface":
            near = ops.sum(cosines * own, axis=-1, keepdims=True)
            logits = scale * (cosines + own * (turned_away(near, margin) - near))
        else:
            logits = scale * (cosines - margin * own)
        terms = ops.logsumexp(logits, axis=-1) - ops.sum(logits * own, axis=-1)
        return ops.sum(known * terms) / ops.maximum(ops.sum(known), 1.0)

    return loss


def stage_loss(
    *,
    margin: float,
    triplet_weight: float,
    distil_weight: float,
    batch_negatives: bool = False,
    excess_weight: float = 0.0,
) -> Callable[[Any, Any], Any]:
    """Return the loss of a stage as Keras wants it: f(targets, embeddings) -> scalar.

    The targets are a column with the number of each row's person and, with a distillation weight, the teacher's
    unit vectors behind it. With a triplet weight, the batch is three equal blocks of rows: anchors, positives,
    negatives.
    """

    def triplets(people: Any, embeddings: Any) -> Any:
        if batch_negatives:
            return batch_triplet_terms(embeddings, people, margin)
        anchor, positive, negative = ops.split(embeddings, 3, axis=0)
        return triplet_terms(anchor, positive, negative, margin)

    def loss(targets: Any, embeddings: Any) -> Any:
        total = ops.zeros(())
        if triplet_weight:
            total = total + triplet_weight * mean_of_active(triplets(targets[:, 0], embeddings))
        if distil_weight:
            total = total + distil_weight * ops.mean(1.0 - ops.sum(targets[:, 1:] * embeddings, axis=-1))
        if excess_weight:
            total = total + excess_weight * ops.mean(excess_terms(embeddings, targets[:, 1:], targets[:, 0], SLACK))
        return total

    return loss

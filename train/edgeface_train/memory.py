"""Remember the embeddings of the last batches, so that a small batch is compared with many chips."""

from typing import Any

from keras import layers

from edgeface_train.losses import ops

EMPTY = -1.0
"""The person of a place that holds nothing yet."""


class CrossBatchMemory(layers.Layer):
    """The last embeddings and whom they show, newest first; a step's own enter after it has been compared.

    They are kept as they were computed, without a gradient: networks drift slowly enough for that, once the beginning
    is over. Source: Wang et al. 2020, "Cross-batch memory for embedding learning", algorithm 1.
    """

    def __init__(self, places: int, **options: Any) -> None:
        super().__init__(**options)
        self.places = places

    def build(self, input_shape: Any) -> None:
        """Make the places, (places, size) and (places, 1)."""
        size = input_shape[0][-1]
        self.vectors = self.add_weight(
            shape=(self.places, size), initializer="zeros", trainable=False, name="remembered"
        )
        self.people = self.add_weight(
            shape=(self.places, 1), initializer=_empty, trainable=False, name="remembered_people"
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return (n + places, size + 1): the given embeddings and those remembered, each with its person behind it."""
        embeddings, people = inputs
        people = ops.cast(people, embeddings.dtype)
        now = ops.concatenate([embeddings, people], axis=1)
        known = ops.concatenate([ops.convert_to_tensor(self.vectors), ops.convert_to_tensor(self.people)], axis=1)
        if training:
            newest = ops.concatenate([ops.stop_gradient(now), known], axis=0)[: self.places]
            self.vectors.assign(newest[:, :-1])
            self.people.assign(newest[:, -1:])
        return ops.concatenate([now, known], axis=0)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, int]:
        """Return the shape of what `call` returns; the number of rows is known when it runs."""
        return None, input_shape[0][-1] + 1


def _empty(shape: Any, dtype: Any = None) -> Any:
    return ops.full(shape, EMPTY, dtype=dtype)

"""Feed a network: embed many chips, and make varied training batches one step ahead of the network."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from edgeface.core.prepare import InputSpec, normalise, to_input, views
from edgeface.core.types import Image, Vector

T = TypeVar("T")
EMBED_BATCH = 256


def embed_chips(model: Any, chips: Image, spec: InputSpec) -> Vector:
    """Return the (n, size) unit embeddings of chips, by a Keras model, in batches of one size."""
    vectors = np.empty((len(chips), model.output_shape[-1]), np.float32)
    for start in range(0, len(chips), EMBED_BATCH):
        block = chips[start : start + EMBED_BATCH]
        found = [_predict(model, to_input(view, spec)) for view in views(block, spec)]
        vectors[start : start + len(block)] = normalise(np.sum(found, axis=0))
    return vectors


def _predict(model: Any, values: npt.NDArray[np.float32]) -> Vector:
    padded = np.zeros((EMBED_BATCH, *values.shape[1:]), np.float32)
    padded[: len(values)] = values
    return np.asarray(model.predict_on_batch(padded))[: len(values)]


def ahead(jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
    """Yield the results of jobs in order, working on the next one while the caller uses the last."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = None
        for job in jobs:
            following = pool.submit(job)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()


def steps_of(rows: npt.NDArray, size: int, rng: np.random.Generator) -> list[npt.NDArray]:
    """Shuffle rows into steps of exactly `size`, the last one filled up with rows from the beginning."""
    order = rng.permutation(len(rows))
    count = max(1, -(-len(rows) // size))
    return [rows[block] for block in np.resize(order, count * size).reshape(count, size)]

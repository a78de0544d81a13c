"""Tune a network to the rounding of its int8 file, with the network as it was trained for a teacher."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgeface.core.prepare import InputSpec, to_input
from edgeface_train.augment import augment, draw_variations
from edgeface_train.batches import ahead
from edgeface_train.chips import ChipSet
from edgeface_train.losses import stage_loss
from edgeface_train.recipe import Recipe

BATCH = 96
RATE, LAST_RATE = 1e-4, 1e-6
"""Of Adam, along half a cosine."""
REPORT_SECONDS = 30.0


def fine_tune(
    network: keras.Model, teacher: keras.Model, train: ChipSet, recipe: Recipe, report: Callable[[str], None]
) -> None:
    """Train a rounded network on `export.fine_tune` chips, varied as in training, to give its teacher's embeddings.

    Source: Krishnamoorthi 2018, "Quantizing deep convolutional networks for efficient inference", section 3.2.2;
    that the teacher is the float twin, Mishra and Marr 2018, "Apprentice".
    """
    steps = -(-recipe.export.fine_tune // BATCH)
    rates: Any = keras.optimizers.schedules.CosineDecay(RATE, steps, alpha=LAST_RATE / RATE)
    network.compile(keras.optimizers.Adam(rates), loss=stage_loss(margin=0, triplet_weight=0, distil_weight=1))
    losses: list[float] = []
    told = time.monotonic()
    for number, values in enumerate(ahead(_jobs(train, recipe, steps))):
        targets = np.asarray(teacher.predict_on_batch(values))
        column = np.zeros((len(targets), 1), np.float32)  # where other stages' losses have the person
        losses.append(float(network.train_on_batch(values, np.hstack([column, targets]))))
        if time.monotonic() - told > REPORT_SECONDS or number + 1 == steps:
            told = time.monotonic()
            report(f"int8: tuning step {number + 1} of {steps}, mean cosine {1 - np.mean(losses[-50:]):.4f}")


def _jobs(train: ChipSet, recipe: Recipe, steps: int) -> Iterator[Callable[[], npt.NDArray]]:
    rng = np.random.default_rng(recipe.seed)
    order = np.concatenate([rng.permutation(len(train)) for _ in range(-(-steps * BATCH // len(train)))])
    for step in range(steps):
        rows = order[step * BATCH : (step + 1) * BATCH]
        yield partial(_varied, train, recipe, rows, np.random.default_rng([recipe.seed, step]))


def _varied(train: ChipSet, recipe: Recipe, rows: npt.NDArray, rng: np.random.Generator) -> npt.NDArray:
    size = recipe.network.input_size
    how = draw_variations(len(rows), train.size, size, recipe.augment, rng)
    return to_input(augment(train.images[rows], size, how), InputSpec(size=size))

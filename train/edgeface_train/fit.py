"""Take optimiser steps: one compiled Keras model, fed by batches that are made one step ahead."""

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgeface.core.prepare import InputSpec, to_input
from edgeface.core.types import Vector
from edgeface_train.augment import augment
from edgeface_train.backbone import build
from edgeface_train.batches import ahead, steps_of
from edgeface_train.chips import ChipSet
from edgeface_train.losses import stage_loss
from edgeface_train.recipe import Recipe, Stage

REPORT_SECONDS = 30.0


class Fitter:
    """A network and its optimiser."""

    def __init__(self, recipe: Recipe, train: ChipSet, teacher: Vector | None) -> None:
        self.recipe, self.train, self.teacher = recipe, train, teacher
        self.spec = InputSpec(size=recipe.network.input_size)
        self.model = build(recipe.network, seed=recipe.seed)

    def start(self, stage: Stage) -> None:
        """Begin a stage with a fresh optimiser."""
        distils = stage.kind == "distil"
        self.model.compile(
            keras.optimizers.AdamW(stage.learning_rate, weight_decay=stage.weight_decay),
            loss=stage_loss(
                margin=stage.margin,
                triplet_weight=0.0 if distils else stage.triplet_weight,
                distil_weight=(stage.distil_weight or 1.0) if distils else stage.distil_weight,
            ),
        )
        optimizer: Any = self.model.optimizer
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        optimizer.build(self.model.trainable_variables)

    def epoch(
        self,
        stage: Stage,
        rows: npt.NDArray,
        epoch: int,
        seeds: tuple[int, ...],
        report: Callable[[str], None],
    ) -> tuple[float, int]:
        """Train one pass over triplets (n, 3) or chips (n,). Return the mean loss and the number of chips shown."""
        per_step = stage.batch if rows.ndim == 1 else max(1, stage.batch // 3)
        steps = steps_of(rows, per_step, np.random.default_rng(seeds))
        done_before, total = epoch * len(steps), stage.epochs * len(steps)
        losses, shown, told = [], 0, time.monotonic()
        for number, (values, targets) in enumerate(ahead(self._jobs(steps, stage, seeds))):
            optimizer: Any = self.model.optimizer
            optimizer.learning_rate = learning_rate(stage, done_before + number, total)
            losses.append(float(np.asarray(self.model.train_on_batch(values, targets))))
            shown += len(values)
            if time.monotonic() - told > REPORT_SECONDS:
                told = time.monotonic()
                report(f"  step {number + 1} of {len(steps)}, loss {np.mean(losses[-50:]):.4f}")
        return float(np.mean(losses)), shown

    def state(self) -> dict[str, npt.NDArray]:
        """Return every variable of network and optimiser, by place."""
        optimizer = self.model.optimizer
        kept = {f"w{place}": np.asarray(value) for place, value in enumerate(self.model.variables)}
        if optimizer is not None:
            kept |= {f"o{place}": np.asarray(value) for place, value in enumerate(optimizer.variables)}
        return kept

    def restore(self, arrays: dict[str, npt.NDArray]) -> None:
        """Set every variable that `state` returned."""
        restore_weights(self.model, arrays)
        if self.model.optimizer is not None:
            for place, variable in enumerate(self.model.optimizer.variables):
                variable.assign(arrays[f"o{place}"])

    def _jobs(
        self, steps: list[npt.NDArray], stage: Stage, seeds: tuple[int, ...]
    ) -> Iterator[Callable[[], tuple[npt.NDArray, npt.NDArray]]]:
        for number, rows in enumerate(steps):
            yield partial(self._batch, rows.T.reshape(-1), stage, np.random.default_rng([*seeds, number]))

    def _batch(self, chips: npt.NDArray, stage: Stage, rng: np.random.Generator) -> tuple[npt.NDArray, npt.NDArray]:
        varied = augment(self.train.images[chips], self.spec.size, self.recipe.augment, rng)
        if self.teacher is not None and (stage.kind == "distil" or stage.distil_weight > 0):
            return to_input(varied, self.spec), self.teacher[chips]
        return to_input(varied, self.spec), np.zeros((len(chips), 1), np.float32)


def learning_rate(stage: Stage, step: int, total: int) -> float:
    """Return the rate of a step: a linear warm-up, then a cosine to the final rate (constant when that is 0)."""
    if step < stage.warmup_steps:
        return stage.learning_rate * (step + 1) / stage.warmup_steps
    if not stage.final_learning_rate:
        return stage.learning_rate
    share = (step - stage.warmup_steps) / max(1, total - stage.warmup_steps)
    drop = (1 + math.cos(math.pi * share)) / 2
    return stage.final_learning_rate + (stage.learning_rate - stage.final_learning_rate) * drop


def restore_weights(model: keras.Model, arrays: dict[str, npt.NDArray]) -> None:
    """Set a network's variables from a checkpoint's arrays."""
    for place, variable in enumerate(model.variables):
        variable.assign(arrays[f"w{place}"])

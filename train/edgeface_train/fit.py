"""Take optimiser steps: one compiled Keras model, fed by batches that are made one step ahead."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgeface.core.prepare import InputSpec, crop_centre, normalise, to_input
from edgeface.core.types import Vector
from edgeface_train.averaging import Average
from edgeface_train.backbone import build
from edgeface_train.batches import ahead, steps_of
from edgeface_train.chips import ChipSet
from edgeface_train.feed import Batch, Feeder
from edgeface_train.inbatch import in_batch_loss
from edgeface_train.losses import CosineHead, margin_softmax, stage_loss
from edgeface_train.memory import CrossBatchMemory
from edgeface_train.optimizers import optimizer_of
from edgeface_train.parallel import ALONE, Team
from edgeface_train.recipe import Recipe, Stage
from edgeface_train.sampling import centres
from edgeface_train.teacher import Teacher
from edgeface_train.vary import Vary, inputs_of

REPORT_SECONDS = 30.0


class Fitter:
    """A network and its optimiser."""

    def __init__(self, recipe: Recipe, train: ChipSet, teacher: Teacher | None, team: Team = ALONE) -> None:
        self.recipe, self.train, self.teacher, self.team = recipe, train, teacher, team
        self.spec = InputSpec(size=recipe.network.input_size)
        self.model = build(recipe.network, seed=recipe.seed, precision=recipe.network.precision)
        sub_centres = max((stage.sub_centres for stage in recipe.stage), default=1)
        self.head = CosineHead(len(train.names), sub_centres, name="people", dtype="float32")
        self.head.build((1, recipe.network.embedding))
        self.feeder = Feeder(train, teacher, recipe.augment, self.spec, team)
        self._vary = _vary_of(recipe, self.spec)
        if teacher is not None:
            middles = centres(teacher.vectors, train.people, len(train.names))
            self.head.centres.assign(_sub_centres(middles, sub_centres, recipe.seed).T)
        self._compiled = self.model
        self._memory: CrossBatchMemory | None = None
        self._optimizer: Any = None
        self._average: Average | None = None
        self._targets: Vector | None = None

    @cached_property
    def _averaged(self) -> keras.Model:
        return build(self.recipe.network, seed=self.recipe.seed, precision=self.recipe.network.precision)

    @property
    def measured(self) -> keras.Model:
        """The network to embed with: the averaged one while a stage averages, else the one that is trained."""
        if self._average is None:
            return self.model
        self._average.give(self._averaged.variables)
        return self._averaged

    def start(self, stage: Stage) -> None:
        """Begin a stage with a fresh optimiser, and an empty memory where it has one."""
        self._memory = CrossBatchMemory(stage.memory, dtype="float32") if stage.memory else None
        self._targets = self._targets_of(stage)
        self._compiled = self._network_of(stage)
        optimizer, weight = optimizer_of(stage), stage.weights()[2]
        on_embeddings = _loss_of(stage)
        if weight:
            on_cosines = margin_softmax(scale=stage.scale, margin=stage.softmax_margin, softmax=stage.softmax)
            self._compiled.compile(optimizer, loss=[on_embeddings, on_cosines], loss_weights=[1.0, weight])
        else:
            self._compiled.compile(optimizer, loss=on_embeddings)
        optimizer.build(self._compiled.trainable_variables)
        self._optimizer = optimizer
        self._average = Average(self.model.variables, stage.average) if stage.average else None

    def _network_of(self, stage: Stage) -> keras.Model:
        """Return the network with what the stage needs before and behind it: variation; a memory, cosines with centres.

        Where it needs none of them it is the network itself.
        """
        inputs, embedding = [self.model.input], self.model.output
        if self._vary is not None:
            inputs = inputs_of(self.train.size)
            embedding = self.model(self._vary(inputs))
        output = embedding
        if self._memory is not None:
            inputs = [*inputs, keras.Input((1,), name="person")]
            output = self._memory([embedding, inputs[-1]])
        if stage.weights()[2]:
            return keras.Model(inputs, [output, self.head(embedding)])
        return self.model if output is self.model.output else keras.Model(inputs, output)

    def _targets_of(self, stage: Stage) -> Vector | None:
        """Return the vectors to distil, of chips and behind them of blends and unlabelled chips.

        Those of chips are drawn towards their person's mean by the stage's share.
        """
        if self.teacher is None:
            return None
        vectors = self.teacher.vectors
        if stage.person_share:
            mean = centres(vectors, self.train.people, len(self.train.names))[self.train.people]
            drawn = (1 - stage.person_share) * vectors + stage.person_share * mean
            vectors = normalise(drawn.astype(np.float32))
        unlabelled = self.teacher.unlabelled
        behind = (
            [self.teacher.blend_vectors] if unlabelled is None else [self.teacher.blend_vectors, unlabelled.vectors]
        )
        return np.concatenate([vectors, *behind])

    def finish(self) -> None:
        """End a stage: the average, where there is one, becomes the network."""
        if self._average is not None:
            self._average.give(self.model.variables)
            self._average = None

    def epoch(
        self,
        stage: Stage,
        rows: npt.NDArray | list[npt.NDArray],
        epoch: int,
        seeds: tuple[int, ...],
        report: Callable[[str], None],
        shown_before: int = 0,
    ) -> tuple[float, int]:
        """Train one pass over triplets (n, 3), chips (n,), or batches of chips. Return mean loss and chips shown.

        Numbers from that of the chips on are blends, and behind these unlabelled chips.
        A stage with a budget of chips ends the pass when, with those shown before, it is spent.
        """
        steps = rows if isinstance(rows, list) else self._shuffled(rows, stage, np.random.default_rng(seeds))
        done_before, total = epoch * len(steps), stage.epochs * len(steps)
        if stage.chips:
            done_before, total = shown_before // stage.chips_a_step, stage.chips // stage.chips_a_step
            steps = steps[: total - done_before]
        losses, shown, told = [], 0, time.monotonic()
        for number, (values, targets) in enumerate(ahead(self._jobs(steps, stage, seeds))):
            self._optimizer.learning_rate = learning_rate(stage, done_before + number, total)
            losses.append(self.step(values, targets))
            shown += len(values[0]) * self.team.size
            if time.monotonic() - told > REPORT_SECONDS:
                told = time.monotonic()
                report(f"  step {number + 1} of {len(steps)}, loss {np.mean(losses[-50:]):.4f}")
        return float(np.mean(losses)), shown

    def step(self, values: list[npt.NDArray], targets: list[npt.NDArray]) -> float:
        """Take one step on this process's part of a batch; return the loss of it all.

        Of targets for unused outputs nothing is read.
        """
        outputs = len(self._compiled.outputs)
        given = targets[:outputs] if outputs > 1 else targets[0]
        shown = values if self._memory is None else [*values, targets[0][:, :1]]
        alone = shown[0] if len(shown) == 1 else shown
        loss = float(np.ravel(self._compiled.train_on_batch(alone, given))[0])
        if self._average is not None:
            self._average.follow(self.model.variables)
        return loss

    def batch(self, rows: npt.NDArray, stage: Stage, rng: np.random.Generator) -> Batch:
        """Return this process's part of a batch of rows, for `step`."""
        return self.feeder.batch(rows, stage, self._targets, rng)

    def plain_inputs(self, count: int) -> npt.NDArray[np.float32]:
        """Return up to `count` training chips, spread over the set, as the network sees them unvaried."""
        chips = self.train.images[:: max(1, len(self.train) // count)][:count]
        return to_input(crop_centre(chips, self.spec.size), self.spec)

    def state(self) -> dict[str, npt.NDArray]:
        """Return every variable of network, centres and optimiser, by place; before a stage there is no optimiser.

        While a stage averages, "w" is the average, since that is the result, and "raw" what is trained.
        """
        trained = [np.asarray(value) for value in self.model.variables]
        kept = _numbered("w", trained if self._average is None else self._average.values)
        kept["centres"] = np.asarray(self.head.centres)
        if self._vary is not None:
            kept |= _numbered("v", self._vary.variables)
        if self._average is not None:
            kept |= {**_numbered("raw", trained), "averaged_steps": np.array(self._average.steps)}
        if self._memory is not None:
            kept |= _numbered("m", self._memory.variables)
        if self._optimizer is not None:
            kept |= _numbered("o", self._optimizer.variables)
        return kept

    def restore(self, arrays: dict[str, npt.NDArray]) -> None:
        """Set every variable that `state` returned."""
        restore_weights(self.model, arrays)
        if self._average is not None and "averaged_steps" in arrays:
            self._average = Average(self.model.variables, self._average.decay)
            self._average.steps = int(arrays["averaged_steps"])
            restore_weights(self.model, arrays, "raw")
        self.head.centres.assign(arrays["centres"])
        if self._vary is not None and "v0" in arrays:
            _assign(self._vary.variables, arrays, "v")
        if self._memory is not None:
            _assign(self._memory.variables, arrays, "m")
        if self._optimizer is not None:
            _assign(self._optimizer.variables, arrays, "o")

    def _shuffled(self, rows: npt.NDArray, stage: Stage, rng: np.random.Generator) -> list[npt.NDArray]:
        return steps_of(rows, stage.batch if rows.ndim == 1 else max(1, stage.batch // 3), rng)

    def _jobs(self, steps: list[npt.NDArray], stage: Stage, seeds: tuple[int, ...]) -> Iterator[Callable[[], Batch]]:
        for number, rows in enumerate(steps):
            yield partial(self.batch, rows.T.reshape(-1), stage, np.random.default_rng([*seeds, number]))


def learning_rate(stage: Stage, step: int, total: int) -> float:
    """Return the rate of a step: a linear warm-up, then a cosine to the final rate (constant when that is 0)."""
    if step < stage.warmup_steps:
        return stage.learning_rate * (step + 1) / stage.warmup_steps
    if not stage.final_learning_rate:
        return stage.learning_rate
    share = (step - stage.warmup_steps) / max(1, total - stage.warmup_steps)
    drop = (1 + math.cos(math.pi * share)) / 2
    return stage.final_learning_rate + (stage.learning_rate - stage.final_learning_rate) * drop


def restore_weights(model: keras.Model, arrays: dict[str, npt.NDArray], kind: str = "w") -> None:
    """Set a network's variables from a checkpoint's arrays."""
    _assign(model.variables, arrays, kind)


def _sub_centres(middles: Vector, count: int, seed: int) -> Vector:
    """Return (people * count, size) centres to begin with: of each person the mean, and others a unit away from it.

    Equal ones would stay equal, as each would be pulled alike.
    """
    people, size = middles.shape
    away = np.random.default_rng([seed, *b"centres"]).normal(size=(people, count - 1, size))
    first = middles[:, np.newaxis]
    return np.concatenate([first, first + normalise(away.astype(np.float32))], axis=1).reshape(-1, size)


def _vary_of(recipe: Recipe, spec: InputSpec) -> Vary | None:
    """Return the layer that varies chips, where the device does."""
    how = recipe.augment
    if how.where == "host":
        return None
    return Vary(spec, seed=recipe.seed, night=how.dark + how.infrared > 0, name="vary")


def _loss_of(stage: Stage) -> Callable[[Any, Any], Any]:
    """Return the stage's loss of the embeddings."""
    triplet, distil, _ = stage.weights()
    if stage.kind == "in-batch":
        return in_batch_loss(
            stage.mining,
            margin=stage.margin,
            triplet_weight=triplet,
            distil_weight=distil,
            memory=bool(stage.memory),
        )
    return stage_loss(
        margin=stage.margin,
        triplet_weight=triplet,
        distil_weight=distil,
        batch_negatives=stage.negatives == "batch",
        excess_weight=stage.excess_weight if stage.kind == "distil" else 0.0,
    )


def _numbered(kind: str, variables: Iterable[Any]) -> dict[str, npt.NDArray]:
    return {f"{kind}{place}": np.asarray(value) for place, value in enumerate(variables)}


def _assign(variables: Iterable[Any], arrays: dict[str, npt.NDArray], kind: str) -> None:
    for place, variable in enumerate(variables):
        variable.assign(arrays[f"{kind}{place}"])

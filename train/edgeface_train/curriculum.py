"""Train a network stage by stage: warm-up, rounds of mined triplets until few are left, distillation. READ THIS FIRST.

A round is: embed every chip once, measure, stop if the rule holds, mine, train. Every random draw is seeded by
where it happens, so a run continued from a checkpoint is the run that was never interrupted.
"""

import os
import time
import weakref
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeface.core.metrics import HARD, similarity_pairs, tar_at_far
from edgeface.core.types import Vector
from edgeface.errors import Collapse, ConfigError
from edgeface_train.alarm import COLLAPSE_EPOCHS, collapsed, spread
from edgeface_train.batches import embed_chips
from edgeface_train.begin import BEGIN_CHIPS, begin_from_all
from edgeface_train.chips import ChipSet
from edgeface_train.fit import Fitter
from edgeface_train.journal import Journal, load_checkpoint, lock, save_checkpoint
from edgeface_train.mining import Mined, Photos, Triplets, mine, non_easy_fraction, random_triplets
from edgeface_train.parallel import ALONE, Team
from edgeface_train.plots import draw_triplets
from edgeface_train.recipe import Recipe, Stage
from edgeface_train.report import describe
from edgeface_train.sampling import centres, check_people, chips_of_epoch, people_batches, rows_of_epoch
from edgeface_train.teacher import Teacher


@dataclass(frozen=True, slots=True)
class Position:
    """What a run does next."""

    stage: int = 0
    round: int = 0
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """How far a network has come."""

    non_easy_train: float
    """Share of random triplets of training people that are semi-hard or hard."""
    non_easy_held_out: float
    """The same of people never trained on."""
    tar_held_out: float
    """True accepts at one false accept in 100, all pairs of the held-out people."""
    spread: float
    """Mean squared distance between two held-out chips, 0 to 2; near 0 the network has collapsed."""


class Curriculum:
    """One training run in one folder."""

    def __init__(
        self,
        recipe: Recipe,
        run: Path,
        train: ChipSet,
        held_out: ChipSet,
        *,
        teacher: Teacher | None = None,
        team: Team = ALONE,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.recipe, self.run_folder, self.train, self.held_out = recipe, run, train, held_out
        self.fitter = Fitter(recipe, train, teacher, team)
        self.journal = Journal(run)
        self.close = weakref.finalize(self, os.close, lock(run))
        """Gives the run's folder free for another process, as the end of this object does."""
        self._photos, self._held_photos = Photos(train.people), Photos(held_out.people)
        if not len(self._photos.paired) or len(self._photos.count) < 2:
            raise ConfigError("triplets need two people or more, one with two chips", hint="add photos")
        for stage in recipe.stage:
            check_people(stage, train.people)
        self._report, self._clock = report, clock
        self._at = Position()
        self._triplets: Triplets = np.empty((0, 3), np.int32)
        self._alarm: list[tuple[float, float]] = []
        self._best = np.inf
        self._waited, self._shown = 0, 0

    def begin(self, *starts: str) -> None:
        """Take over the weights of a run or a bundle, or the mean of several, before the first stage."""
        self._log("begin", source=begin_from_all(self.fitter.model, starts, self.fitter.plain_inputs(BEGIN_CHIPS)))

    def resume(self) -> None:
        """Go back to the last checkpoint of the run's folder."""
        position, arrays = load_checkpoint(self.run_folder)
        self._at = Position(**position["at"])
        self._alarm = [tuple(pair) for pair in position["alarm"]]
        self._best, self._waited = position["best"], position["waited"]
        self._shown = position.get("shown", 0)
        self._triplets = arrays.pop("triplets")
        if self._at.stage < len(self.recipe.stage) and self._at != Position(self._at.stage):
            self.fitter.start(self._stage)
        self.fitter.restore(arrays)
        self.journal.rewind(position["log"])

    def run(self) -> None:
        """Train every stage that is left."""
        while self._at.stage < len(self.recipe.stage):
            if self._at == Position(self._at.stage):
                self.fitter.start(self._stage)
                self._alarm, self._best, self._waited, self._shown = [], np.inf, 0, 0
            if self._stage.kind == "rounds":
                self._rounds()
            else:
                self._once()
            self.fitter.finish()
            self._move(Position(self._at.stage + 1))
        self.journal.write_tensorboard()

    @property
    def _stage(self) -> Stage:
        return self.recipe.stage[self._at.stage]

    def _once(self) -> None:
        """Train a stage that has one set of triplets (or none)."""
        if self._stage.kind == "warmup" and self._at.epoch == 0:
            self._triplets = random_triplets(self._photos, self._stage.triplets, self._rng("mine"))
        self._epochs()
        self._measure(self._embed())

    def _rounds(self) -> None:
        while True:
            if self._at.epoch == 0:
                vectors = self._embed()
                if self._enough(self._measure(vectors)):
                    return
                mined = self._mine(vectors)
                self._triplets = mined.triplets
                if not len(mined.triplets) and self._stage.chips:
                    self._triplets = random_triplets(self._photos, self._stage.triplets, self._rng("easy"))
                elif not len(mined.triplets):
                    self._log("end", reason="no semi-hard or hard triplet is left to mine")
                    return
            self._epochs()
            self._move(Position(self._at.stage, self._at.round + 1))

    def _epochs(self) -> None:
        """Train the epochs of this round that are left, with a checkpoint after each."""
        while self._goes_on():
            started = self._clock()
            rows = self._rows()
            seeds = (self.recipe.seed, self._at.stage, self._at.round, self._at.epoch)
            loss, shown = self.fitter.epoch(self._stage, rows, self._at.epoch, seeds, self._report, self._shown)
            self._shown += shown
            seconds = max(self._clock() - started, 1e-9)
            self._log(
                "epoch",
                loss=loss,
                triplets=len(self._triplets),
                chips=shown,
                seconds=seconds,
                images_per_s=shown / seconds,
            )
            self._watch_collapse(loss)
            at = replace(self._at, epoch=self._at.epoch + 1)
            self._move(at)

    def _goes_on(self) -> bool:
        """Tell whether another epoch follows: of this round, of the stage, or as long as its chips are not spent."""
        stage = self._stage
        if stage.chips and self._shown >= stage.chips:
            return False
        return self._at.epoch < stage.epochs or bool(stage.chips and stage.kind != "rounds")

    def _rows(self) -> npt.NDArray | list[npt.NDArray]:
        """Return what an epoch trains on: triplets, chips, or batches of people and chips."""
        stage = self._stage
        if not stage.on_chips:
            return self._triplets
        if not stage.people_per_batch:
            return rows_of_epoch(stage, self.train.people, self.fitter.teacher, self._rng)
        chips = chips_of_epoch(self.train.people, stage.per_person, self._rng("chips"))
        return people_batches(
            chips,
            self.train.people[chips],
            people_per_batch=stage.people_per_batch,
            chips_per_person=stage.chips_per_person,
            rng=self._rng("people"),
            pairs=stage.kind == "in-batch",
            centres=self._centres(),
        )

    def _centres(self) -> Vector | None:
        """Return each person's mean vector by whom the stage asks, the network as it is or the teacher."""
        if self._stage.neighbours == "none":
            return None
        teacher = self.fitter.teacher if self._stage.neighbours == "teacher" else None
        vectors = self._embed() if teacher is None else teacher.vectors
        return centres(vectors, self.train.people, len(self.train.names))

    def _move(self, at: Position) -> None:
        self._at = at
        position = {
            "at": asdict(at),
            "log": self.journal.size(),
            "alarm": self._alarm,
            "best": self._best,
            "waited": self._waited,
            "shown": self._shown,
        }
        save_checkpoint(self.run_folder, position, {"triplets": self._triplets, **self.fitter.state()})

    def _embed(self) -> Vector:
        return embed_chips(self.fitter.measured, self.train.images, self.fitter.spec)

    def _measure(self, vectors: Vector) -> Measure:
        stop, margin = self._stage.stop, self._stage.margin
        held = embed_chips(self.fitter.measured, self.held_out.images, self.fitter.spec)
        measure = Measure(
            non_easy_fraction(self._photos, vectors, margin, draws=stop.draws, rng=self._rng("stop train")),
            non_easy_fraction(self._held_photos, held, margin, draws=stop.draws, rng=self._rng("stop held")),
            tar_at_far(*similarity_pairs(held, self.held_out.people), 1e-2)[0],
            spread(held),
        )
        self._log("measure", margin=margin, **asdict(measure))
        return measure

    def _enough(self, measure: Measure) -> bool:
        """Tell whether the stage's stop rule holds, and log which rule it was."""
        stop = self._stage.stop
        value = measure.non_easy_held_out if stop.measure == "held-out" else measure.non_easy_train
        self._best, self._waited = (value, 0) if value < self._best else (self._best, self._waited + 1)
        reasons = {
            f"non-easy {value:.2%} on {stop.measure} people, the rule is {stop.at_most:.2%}": value <= stop.at_most,
            f"{stop.patience} rounds without a better figure": 0 < stop.patience <= self._waited,
            f"max_rounds {self._stage.max_rounds} reached": self._at.round >= self._stage.max_rounds,
        }
        if self._stage.chips:
            reasons = {f"{self._shown} chips shown": self._shown >= self._stage.chips}
        reason = next((text for text, holds in reasons.items() if holds), "")
        if reason:
            self._log("end", reason=reason)
        return bool(reason)

    def _mine(self, vectors: Vector) -> Mined:
        started = self._clock()
        stage = self._stage
        mined = mine(
            self._photos,
            vectors,
            stage.margin,
            count=stage.triplets,
            hard_share=stage.hard_share,
            rng=self._rng("mine"),
        )
        hard = float(np.mean(mined.kinds == HARD)) if len(mined.kinds) else 0.0
        picture = self.run_folder / f"triplets-{self._at.stage + 1}-{self._at.round + 1:02d}.png"
        draw_triplets(mined.triplets, mined.kinds, self.train.images, vectors, picture)
        self._log(
            "mine",
            triplets=len(mined.triplets),
            hard_share=hard,
            examined=mined.examined,
            seconds=self._clock() - started,
        )
        return mined

    def _watch_collapse(self, loss: float) -> None:
        sample = self._rng("alarm").choice(len(self.train), min(256, len(self.train)), replace=False)
        vectors = embed_chips(self.fitter.model, self.train.images[np.sort(sample)], self.fitter.spec)
        self._alarm = [*self._alarm, (loss, spread(vectors))][-COLLAPSE_EPOCHS:]
        margin = None if self._stage.on_chips else self._stage.margin * self._stage.triplet_weight
        if not np.isfinite(self._alarm[-1]).all():
            raise Collapse(
                f"training has diverged: loss {loss}, mean squared distance {self._alarm[-1][1]}",
                hint="lower the stage's learning_rate, or give it warmup_steps; the last healthy checkpoint is one "
                "epoch older than this log",
            )
        if collapsed(self._alarm, margin):
            raise Collapse(
                f"the embedding has collapsed: mean squared distance {self._alarm[-1][1]:.4f}, "
                f"loss {loss:.4f} for {COLLAPSE_EPOCHS} epochs",
                hint="lower the stage's learning_rate or hard_share, or give the warm-up more triplets; "
                "the last healthy checkpoint is one epoch older than this log",
            )

    def _rng(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng(
            [self.recipe.seed, self._at.stage, self._at.round, self._at.epoch, *purpose.encode()]
        )

    def _log(self, event: str, **values: Any) -> None:
        entry = {"event": event, **asdict(self._at), "kind": self._stage.kind, "at": self._clock(), **values}
        self.journal.write(entry)
        self._report(describe(entry))

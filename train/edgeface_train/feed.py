"""Make batches: gather chips, blends and unlabelled chips, vary them or say how to, and name the targets."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgeface.core.prepare import InputSpec, to_input
from edgeface.core.types import Image, Vector
from edgeface_train.augment import augment, draw_variations
from edgeface_train.blend import blend
from edgeface_train.chips import ChipSet
from edgeface_train.parallel import Team
from edgeface_train.recipe import Augment, Stage
from edgeface_train.teacher import Teacher
from edgeface_train.vary import UNBLENDED, values_of
from edgeface_train.warp import warp

Batch = tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]]]
"""Inputs of the network, and a target for each of its outputs; one row a chip in all of them."""


class Feeder:
    """What a batch is made of. Rows from the number of chips on are blends, and behind these unlabelled chips."""

    def __init__(self, train: ChipSet, teacher: Teacher | None, settings: Augment, spec: InputSpec, team: Team) -> None:
        self.train, self.teacher, self.settings, self.spec, self.team = train, teacher, settings, spec, team

    def batch(self, rows: npt.NDArray, stage: Stage, targets: Vector | None, rng: np.random.Generator) -> Batch:
        """Return this process's part of a batch of rows; `targets` are the teacher's vectors of them all, or None."""
        variations = draw_variations(len(rows), self.train.size, self.spec.size, self.settings, rng)
        draws = rng.random((len(rows), 1), np.float32)
        own = self.team.part(len(rows))
        rows, variations, draws = rows[own], variations.part(own), draws[own]
        if self.settings.where == "device":
            values = values_of(*self._parts(rows), variations)
        else:
            values = [to_input(augment(self.images(rows), self.spec.size, variations), self.spec)]
        people = self.people(rows)
        told = people[:, np.newaxis].astype(np.float32)
        if stage.kind == "in-batch":
            told = np.hstack([told, draws])
        if targets is not None and stage.weights()[1]:
            told = np.hstack([told, targets[rows]])
        return values, [told, people]

    def people(self, rows: npt.NDArray) -> npt.NDArray[np.int32]:
        """Return whom rows show: nobody, -1, where it is a blend or nobody knows."""
        return np.where(rows >= len(self.train), -1, self.train.people[np.minimum(rows, len(self.train) - 1)])

    def images(self, rows: npt.NDArray) -> Image:
        """Return the chips, blends and unlabelled chips of rows as they are before they are varied."""
        blended = self._blended(rows)
        if not blended.any():
            return self._gathered(rows)
        chips, others, seams = self._parts(rows)
        chips[blended] = blend(chips[blended], others[blended], seams[blended])
        return chips

    def _blended(self, rows: npt.NDArray) -> npt.NDArray[np.bool_]:
        return (rows >= len(self.train)) & (rows < self._first_unlabelled)

    @property
    def _first_unlabelled(self) -> int:
        return len(self.train) + (self.teacher.behind[0] if self.teacher else 0)

    def _gathered(self, rows: npt.NDArray) -> Image:
        """Return the chips of rows of which none is a blend."""
        beyond = rows >= len(self.train)
        if self.teacher is None or self.teacher.unlabelled is None or not beyond.any():
            return self.train.images[rows]
        chips = self.train.images[np.where(beyond, 0, rows)]
        chips[beyond] = self.teacher.unlabelled.images[rows[beyond] - self._first_unlabelled]
        return chips

    def _parts(self, rows: npt.NDArray) -> tuple[Image, Image, npt.NDArray[np.float32]]:
        """Return of each row the first face, the second, both bent, and the seam between them; of a chip, twice it."""
        seams = np.tile(np.array(UNBLENDED, np.float32), (len(rows), 1))
        blended = self._blended(rows)
        if self.teacher is None or not blended.any():
            chips = self._gathered(rows)
            return chips, chips, seams
        number = np.where(blended, rows - len(self.train), 0)
        one, other = np.where(blended, self.teacher.blends.pairs[number].T, rows)
        seams[blended] = self.teacher.blends.seams[number[blended]]
        chips, others, warps = self._gathered(one), self._gathered(other), self.teacher.blends.warps[number[blended]]
        chips[blended], others[blended] = warp(chips[blended], warps), warp(others[blended], warps)
        return chips, others, seams

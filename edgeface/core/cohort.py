"""A cohort: vectors of strangers who are nobody, and what their scores say of real ones.

Each vector is blended from several people, so that nobody's template is given away. Blends lie nearer the middle than
people do, and the people they come from were trained on; both thin the tail of scores out. How much was measured when
the cohort was made, on people held out of training, and `offset`, `scale` and `shape` make up for it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeface.core.calibration import Tails, fit_shape, fit_tails

STRETCHED_AT = (1e-2, 1e-3)
"""The false-accept rates at which scores with the cohort are made to agree with those between real people."""
SHAPED_AT = 1e-4
"""The rate far out that the shape of the tails is made to give."""
FEWEST = 10
"""Of real strangers so many must be named for their share to be more than chance."""
CAUTION = 0.03
"""By so much the shape is raised: one deviation between halves of 300 people, without which larger households at lower
rates realised twice what was promised (`train/bench/calibrate.py`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Strangers of one model, and the correction of their scores."""

    vectors: npt.NDArray[np.float32]
    """(strangers, size), unit length."""
    offset: float = 0.0
    scale: float = 1.0
    """A cosine c with a cohort's vector counts as offset + scale * c."""
    shape: float = 0.0
    """Of the generalised Pareto tails of the corrected scores, as in `calibration.Tails`."""

    def scores(self, vectors: npt.NDArray, people: npt.NDArray) -> npt.NDArray[np.float64]:
        """Return (strangers, people) corrected scores with each person's nearest template.

        `vectors` is (templates, size), `people` (templates,) a number each; columns are in order of those numbers.
        """
        order = np.argsort(people, kind="stable")
        _, starts = np.unique(np.asarray(people)[order], return_index=True)
        similarity = self.vectors @ np.asarray(vectors, np.float32)[order].T
        return self.offset + self.scale * np.maximum.reduceat(similarity, starts, axis=1).astype(np.float64)

    def tails(self, vectors: npt.NDArray, people: npt.NDArray) -> Tails:
        """Fit the tails of strangers' scores with the people of a gallery."""
        return fit_tails(self.scores(vectors, people), self.shape)


def least_promised(people: int, *, blended: bool, real: int) -> float:
    """Return the least false-accept rate a visit that strangers can show with so many people enrolled; up to 1.

    Blended ones agree with real people down to SHAPED_AT for each person; of `real` ones FEWEST must be named.
    """
    shown = FEWEST / real if real else 1.0
    return min(people * SHAPED_AT if blended else 1.0, shown, 1.0)


def quantised(vectors: npt.NDArray) -> npt.NDArray[np.int8]:
    """Return unit vectors as whole numbers, each scaled to use the range of -127 to 127."""
    return np.rint(127 * vectors / np.abs(vectors).max(axis=1, keepdims=True)).astype(np.int8)


def restored(numbers: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
    """Return unit vectors of whole numbers. Raise ValueError for one of zeros."""
    values = numbers.astype(np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise ValueError("a vector of the cohort is all zeros")
    return values / lengths


def corrected(strangers: npt.NDArray[np.float32], held_out: npt.NDArray, people: npt.NDArray) -> Cohort:
    """Measure how the scores of blended strangers must be stretched, on (n, size) vectors of held-out people.

    Scores of held-out chips with strangers are made to have the two quantiles of STRETCHED_AT that those of held-out
    chips of different people have; the shape is chosen to give SHAPED_AT where these have it, and raised by CAUTION.
    """
    vectors = np.asarray(held_out, np.float32)
    upper = np.triu(np.asarray(people)[:, None] != np.asarray(people)[None, :], 1)
    real = (vectors @ vectors.T)[upper]
    blended = (strangers @ vectors.T).astype(np.float64)
    wanted = np.quantile(real, [1 - rate for rate in STRETCHED_AT])
    found = np.quantile(blended, [1 - rate for rate in STRETCHED_AT])
    if len(real) < 1 / SHAPED_AT or found[1] <= found[0] or wanted[1] <= wanted[0]:
        raise ValueError(f"{len(real)} pairs of held-out people say too little of strangers")
    scale = float((wanted[1] - wanted[0]) / (found[1] - found[0]))
    offset = float(wanted[0] - scale * found[0])
    at = float(np.quantile(real, 1 - SHAPED_AT))
    return Cohort(strangers, offset, scale, fit_shape(offset + scale * blended, at, SHAPED_AT) + CAUTION)

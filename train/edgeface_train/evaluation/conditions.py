"""Grade chips by what makes faces hard - blur, lost detail, darkness, a turned head - and measure each third.

All four are read from the chips themselves. A pair is graded by its poorer chip. What a manifest says of the chips
(`columns.py`) is measured alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeface.core.align import CHIP_SIZE
from edgeface.core.prepare import crop_centre
from edgeface.core.protocols import Detector
from edgeface.core.quality import MIDDLE, pose, sharpness
from edgeface.core.types import Image
from edgeface_train.evaluation.bootstrap import Weights, estimate, share_of_people_pairs, weighted_share
from edgeface_train.evaluation.pairs import Matrix
from edgeface_train.evaluation.results import Estimate, Slice

GREY = np.array([0.299, 0.587, 0.114], np.float32)
THIRDS = 3
UNKNOWN = -1
POWER = 0.998
"""Share of a chip's power that its detail must hold. Of 0.98 to 0.9995 this follows the distance between the eyes
in the source photo best: rank correlation 0.67 on 1,490 chips, that of sharpness 0.59."""


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One property of every chip, and the third it puts the chip in; or the word that a manifest has for the chip."""

    name: str
    thirds: npt.NDArray[np.int8]
    """(n,) 0 is the poorest third of the chips, 2 the best; of words the position in `labels`. UNKNOWN where it
    cannot be measured."""
    labels: list[str]
    """What each third is, from the poorest to the best; or the words, and last what a pair of two words is called."""
    words: bool = False
    """Whether a pair needs one word for both chips; otherwise it is graded by its poorer chip."""
    least_people: int = 1
    """A rate of pairs that come from fewer people is left out."""

    def of_pairs(self, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
        """Return the position in `labels` of each pair of chips, UNKNOWN where that of either chip is."""
        first, second = self.thirds[rows], self.thirds[columns]
        poorer = np.minimum(first, second)
        if not self.words:
            return poorer
        return np.where((first != second) & (poorer != UNKNOWN), len(self.labels) - 1, poorer).astype(np.int8)


def grade(name: str, values: npt.NDArray[np.float64], *, poor_is: Literal["low", "high"], words: str) -> Condition:
    """Put chips into thirds of equal number; `poor_is` says which end is the poor one.

    NaN is unknown. `words` names the two ends and the middle, the poorest first: "dark, middling, bright".
    """
    known = np.isfinite(values)
    signed = np.where(known, values if poor_is == "low" else -values, np.inf)
    bounds = np.quantile(signed[known], [1 / THIRDS, 2 / THIRDS]) if known.any() else np.zeros(2)
    thirds = np.where(known, np.searchsorted(bounds, signed, side="right"), UNKNOWN).astype(np.int8)
    first, second = (_short(bound if poor_is == "low" else -bound) for bound in bounds)
    if poor_is == "low":
        ends = (f"under {first}", f"{first} to {second}", f"over {second}")
    else:
        ends = (f"over {first}", f"{second} to {first}", f"under {second}")
    labels = [f"{word}: {end}" for word, end in zip(words.split(", "), ends, strict=True)]
    return Condition(name, thirds, labels)


def conditions(chips: Image, detector: Detector, on_chip: Callable[[], object]) -> list[Condition]:
    """Grade (n, size, size, 3) chips by sharpness, detail, brightness and yaw.

    Yaw is that of the landmarks which the detector finds on the chip: against those on the whole photo it was
    4.7 degrees off in the mean, correlation 0.95, on 250 photos. A chip without a face found has none.
    """
    greys = crop_centre(chips, CHIP_SIZE) @ GREY
    faces = greys[:, *MIDDLE]
    yaws = np.full(len(chips), np.nan)
    for place, chip in enumerate(chips):
        found = detector.detect(np.ascontiguousarray(chip))
        if found:
            yaws[place] = abs(pose(found[0].landmarks)[0])
        on_chip()
    sharp = np.array([sharpness(face) for face in faces], np.float64)
    light = faces.mean(axis=(1, 2), dtype=np.float64)
    detail = np.array([detail_px(grey) for grey in greys])
    return [
        grade("sharpness, 0 to 1", sharp, poor_is="low", words="blurred, middling, sharp"),
        grade("detail, px", detail, poor_is="low", words="coarse, middling, fine"),
        grade("brightness, 0 to 255", light, poor_is="low", words="dark, middling, bright"),
        grade("yaw, degrees", yaws, poor_is="high", words="turned, middling, frontal"),
    ]


def detail_px(grey: npt.NDArray[np.float32]) -> float:
    """Return the side of the smallest picture that could hold a square chip's detail, up to the chip's own side.

    Twice the frequency, along either axis, under which 99.8 % of the power lies, by Nyquist: a face enlarged
    from 40 px has no more detail than 40 px. Noise counts as detail; a chip of one colour has 0.
    """
    side = len(grey)
    window = np.hanning(side)
    power = np.abs(np.fft.fft2((grey - grey.mean()) * np.outer(window, window))) ** 2
    along = np.abs(np.fft.fftfreq(side))
    frequency = np.maximum(along[:, np.newaxis], along).ravel()
    order = np.argsort(frequency, kind="stable")
    running = np.cumsum(power.ravel()[order])
    if not running[-1] > 0:
        return 0.0
    return 2 * side * float(frequency[order][np.searchsorted(running, POWER * running[-1])])


def measure_slices(
    similarity: Matrix,
    people: npt.NDArray[np.int32],
    graded: list[Condition],
    threshold: float,
    weights: Weights,
) -> list[Slice]:
    """Return false rejects and false accepts of every third or word of every condition, at one threshold for all."""
    rows, columns = np.triu_indices(len(people), 1)
    accepted = similarity[rows, columns] >= threshold
    same = people[rows] == people[columns]
    slices = []
    for condition in graded:
        of_pairs, least = condition.of_pairs(rows, columns), condition.least_people
        for number, label in enumerate(condition.labels):
            genuine, impostor = (
                np.flatnonzero((of_pairs == number) & same),
                np.flatnonzero((of_pairs == number) & ~same),
            )
            owners = people[rows[genuine]]
            couples = people[rows[impostor]], people[columns[impostor]]
            rejects, accepts = _count(owners) >= least, _count(*couples) >= least
            slices.append(
                Slice(
                    condition=condition.name,
                    chips=label,
                    genuine=len(genuine),
                    impostor=len(impostor),
                    fnmr=_of_genuine(~accepted[genuine], owners, weights) if rejects else None,
                    fmr=false_accepts(accepted[impostor], couples, weights) if accepts else None,
                )
            )
    return slices


def few_people(people: npt.NDArray[np.int32], graded: list[Condition]) -> list[str]:
    """Say which slices have a rate that is left out, as its pairs come from too few people."""
    demanding = [condition for condition in graded if condition.least_people > 1]
    if not demanding:
        return []
    rows, columns = np.triu_indices(len(people), 1)
    same = people[rows] == people[columns]
    said = []
    for condition in demanding:
        of_pairs = condition.of_pairs(rows, columns)
        for number, label in enumerate(condition.labels):
            here = of_pairs == number
            counts = {
                "pairs of one person": _count(people[rows[here & same]]),
                "pairs of two people": _count(people[rows[here & ~same]], people[columns[here & ~same]]),
            }
            said += [
                f"{pairs} in the slice {condition.name}, {label}: they come from {count} people, "
                f"{condition.least_people} are needed"
                for pairs, count in counts.items()
                if 0 < count < condition.least_people
            ]
    return said


def false_accepts(
    accepted: npt.NDArray[np.bool_], couples: tuple[npt.NDArray, npt.NDArray], weights: Weights
) -> Estimate | None:
    """Return the share of impostor pairs that is accepted, from who is in each; None without a pair."""
    if not len(accepted):
        return None
    count = weights.shape[1]
    code = couples[0].astype(np.int64) * count + couples[1]
    of = np.bincount(code, minlength=count * count).reshape(count, count)
    hit = np.bincount(code[accepted], minlength=count * count).reshape(count, count)
    return estimate(float(np.mean(accepted)), share_of_people_pairs(hit, of, weights))


def _count(*people: npt.NDArray[np.int32]) -> int:
    """Count the different people in arrays of positions."""
    return int(np.count_nonzero(np.bincount(np.concatenate(people))))


def _short(bound: float) -> str:
    """Write a bound with three digits, and all those before the point."""
    return f"{bound:.0f}" if abs(bound) >= 1000 else f"{bound + 0.0:.3g}"  # of -0.0 it makes 0


def _of_genuine(hit: npt.NDArray[np.bool_], owners: npt.NDArray[np.int32], weights: Weights) -> Estimate | None:
    if not len(hit):
        return None
    return estimate(float(np.mean(hit)), weighted_share(hit, weights[:, owners]))

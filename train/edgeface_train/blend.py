"""Blend the aligned faces of two people into one that nobody has: more chips for a student to ask its teacher about.

A network of a million weights learns a teacher's vectors of the chips that it is shown, and knows less of chips that it
was not. A blend is a new chip, and what the teacher says about it is as good a target as any.
Source: Beyer et al. 2022, "Knowledge distillation: a good teacher is patient and consistent": the teacher sees what the
student sees, and mixed pictures cover more of what there is between the pictures.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Image, Vector
from edgeface_train.chips import ChipSet
from edgeface_train.warp import Warps, draw_warps

OFFSET = 20.0
"""Pixels, at most, between the middle of a chip and the seam of a blend."""
SOFTNESS = (3.0, 48.0)
"""Pixels over which one face gives way to the other: from a seam to a mixture of both everywhere."""
NEIGHBOURS = 64
"""Half of the blends are of somebody and one of so many people who look most like them."""


class Blends(NamedTuple):
    """How each of n blends is made, of which chips."""

    pairs: npt.NDArray[np.int32]
    """(n, 2) positions of the two chips."""
    seams: npt.NDArray[np.float32]
    """(n, 3) of each seam the direction in radians, the offset from the middle and the softness in pixels."""
    warps: Warps
    """How both faces are bent before they are joined; see `warp.py`."""


def draw_blends(chips: ChipSet, centres: Vector, count: int, rng: np.random.Generator, *, warp: float = 0.0) -> Blends:
    """Draw pairs of chips of two people, and seams; everybody as often, however many chips they have.

    `centres` (people, size) are unit vectors that say who looks like whom; `warp` is how far faces are bent at most, a
    deviation in pixels.
    """
    order = np.argsort(chips.people, kind="stable")
    starts, counts = np.searchsorted(chips.people[order], np.arange(len(chips.names))), chips.counts()
    first = rng.integers(len(counts), size=count)
    other = (first + rng.integers(1, len(counts), size=count)) % len(counts)
    alike = np.flatnonzero(rng.random(count) < 0.5)
    reach = min(NEIGHBOURS, len(counts) - 1)
    for block in np.array_split(alike, max(1, len(alike) // 1024)):
        similarity = centres[first[block]] @ centres.T
        similarity[np.arange(len(block)), first[block]] = -np.inf
        nearest = np.argpartition(-similarity, reach - 1, axis=1)[:, :reach]
        other[block] = nearest[np.arange(len(block)), rng.integers(reach, size=len(block))]
    people = np.stack([first, other], axis=1)
    pairs = order[starts[people] + (rng.random((count, 2)) * counts[people]).astype(np.int64)]
    low, high = np.log(SOFTNESS)
    softness = np.exp(rng.uniform(low, high, count))
    seams = np.stack([rng.uniform(0, 2 * np.pi, count), rng.uniform(-OFFSET, OFFSET, count), softness], axis=1)
    return Blends(pairs.astype(np.int32), seams.astype(np.float32), draw_warps(count, warp, rng))


def blend(chips: Image, others: Image, seams: npt.NDArray[np.float32]) -> Image:
    """Return (n, size, size, 3) chips that are the first ones on one side of their seam and the second on the other.

    The share of the first at a pixel p is 1 / (1 + exp(-(n . p - offset) / softness)), n being the seam's normal.
    """
    size = chips.shape[1]
    middle = (np.arange(size, dtype=np.float32) - (size - 1) / 2)[np.newaxis, :]
    out = np.empty_like(chips)
    for place, (angle, offset, softness) in enumerate(seams):
        across = np.cos(angle) * middle + np.sin(angle) * middle.T
        share = (1 / (1 + np.exp((offset - across) / softness)))[..., np.newaxis]
        one, two = chips[place].astype(np.float32), others[place].astype(np.float32)
        out[place] = np.rint(two + share * (one - two)).astype(np.uint8)
    return out

"""What the looks of a gallery say of each other: who is recognised, who is mistaken for whom, what does not belong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeface.core.calibration import LEAST_COSINE, Tails, false_accept_rate, threshold_for

MOST_MARGIN = 0.3
"""No larger margin is recommended: who is mistaken by more needs other looks."""
SPARE_MARGIN = 0.01
"""By so much a margin exceeds the largest lead of a wrong name that was seen."""


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Each look searched for in the gallery without it; arrays of one length."""

    own: npt.NDArray[np.float64]
    """The best cosine with another look at the same person; -1 for an only look."""
    other: npt.NDArray[np.float64]
    """The best cosine with a look at somebody else; -1 when there is nobody else."""
    other_person: npt.NDArray[np.int64]
    """Who that is; the look's own person when there is nobody else."""
    judged: npt.NDArray[np.bool_]
    """Whether there is another look at the same person, without which nothing can be said."""

    def found(self, threshold: float, margin: float) -> npt.NDArray[np.bool_]:
        """Tell which looks are given the right name."""
        return self.judged & (self.own >= threshold) & (self.own - self.other >= margin)

    def mistaken(self, threshold: float, margin: float = 0.0) -> npt.NDArray[np.bool_]:
        """Tell which looks are given another's name; at margin 0, all that are nearer to somebody else."""
        lead = self.other - self.own
        return self.judged & (self.other >= threshold) & (lead > 0) & (lead >= margin)


@dataclass(frozen=True, slots=True)
class Advice:
    """What threshold and margin a household should use."""

    threshold: float
    margin: float
    rate: float
    """False accepts a visit of a stranger at these, as estimated."""
    rate_now: float
    """Likewise at those in use."""
    held: bool
    """Whether a lower threshold would keep the rate, and is refused as somebody is mistaken for somebody else."""


def leave_one_out(vectors: npt.NDArray, people: Sequence[int] | npt.NDArray) -> LeftOut:
    """Search for each of (n, size) unit vectors among the others."""
    similarity = np.asarray(vectors, np.float64) @ np.asarray(vectors, np.float64).T
    person = np.asarray(people, np.int64)
    same = person[:, None] == person[None, :]
    rivals = np.where(same, -np.inf, similarity)
    nearest = np.argmax(rivals, axis=1)
    np.fill_diagonal(same, False)
    own = np.where(same, similarity, -np.inf).max(axis=1)
    other = rivals[np.arange(len(person)), nearest]
    alone = np.isinf(other)
    return LeftOut(
        np.where(np.isinf(own), LEAST_COSINE, own),
        np.where(alone, LEAST_COSINE, other),
        np.where(alone, person, person[nearest]),
        ~np.isinf(own),
    )


def closest_pairs(vectors: npt.NDArray, people: Sequence[int] | npt.NDArray) -> list[tuple[int, int, float]]:
    """Return every two people and the best cosine between looks at them, the most alike first."""
    order = np.argsort(people, kind="stable")
    names, starts = np.unique(np.asarray(people)[order], return_index=True)
    values = np.asarray(vectors, np.float64)[order]
    best = np.maximum.reduceat(np.maximum.reduceat(values @ values.T, starts, axis=0), starts, axis=1)
    first, second = np.triu_indices(len(names), 1)
    ranked = np.argsort(-best[first, second], kind="stable")
    return [
        (int(names[i]), int(names[j]), float(best[i, j])) for i, j in zip(first[ranked], second[ranked], strict=True)
    ]


def outliers(left_out: LeftOut, people: Sequence[int] | npt.NDArray, level: float) -> npt.NDArray[np.bool_]:
    """Tell which looks resemble none of their person's other looks more than a stranger would.

    `level` is a cosine that few strangers reach. Only people with three looks or more are judged: of two that differ,
    nothing says which is wrong.
    """
    _, inverse, counts = np.unique(np.asarray(people), return_inverse=True, return_counts=True)
    return (counts[inverse] >= 3) & (left_out.own < level)


def advise(tails: Tails, left_out: LeftOut, *, rate: float, threshold: float, margin: float) -> Advice:
    """Recommend the least threshold that keeps a false-accept rate a visit, given those in use.

    The margin is never lowered; it is raised above the lead by which an enrolled person's look was nearer to somebody
    else, up to MOST_MARGIN. While such a look exists the threshold is not lowered either.
    """
    wrong = left_out.mistaken(min(threshold, threshold_for(tails, rate, margin)))
    lead = (left_out.other - left_out.own)[wrong]
    wider = max(margin, min(float(lead.max()) + SPARE_MARGIN, MOST_MARGIN)) if len(lead) else margin
    enough = threshold_for(tails, rate, wider)
    held = bool(len(lead)) and enough < threshold
    advised = threshold if held else enough
    return Advice(
        advised,
        wider,
        false_accept_rate(tails, advised, wider),
        false_accept_rate(tails, threshold, margin),
        held,
    )

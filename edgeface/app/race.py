"""Find out which file of a bundle, on how many threads, embeds a face the fastest on this machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgeface.core.protocols import Embedder
from edgeface.core.types import Image

LEAST_ROUNDS = 20
"""So often each candidate embeds at least, however little time there is."""

LARGEST_LOSS = 0.01
"""What a faster variant may accept less of true pairs than the best one, at the configured false-accept rate."""

ABOUT_EQUAL = 0.05
"""Times nearer than this share are taken for equal: then fewer threads win, which leave the board cooler."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file of the bundle on a number of threads."""

    variant: str
    threads: int
    accepted: float | None
    """Share of true pairs accepted at the configured false-accept rate, from the card; None when it is not there."""
    problem: str | None
    """Why it cannot be used; None: it can."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A candidate and how long it takes to embed a face."""

    candidate: Candidate
    p50_ms: float
    p95_ms: float
    cpu_p50_ms: float
    """Processor time, of all threads."""


def race(
    runners: Sequence[tuple[Candidate, Embedder]],
    chip: Image,
    *,
    seconds: float,
    now: Callable[[], float],
    cpu: Callable[[], float],
) -> list[Timed]:
    """Let every candidate embed one chip in turn, round by round, so that a busy moment falls on all of them."""
    times: list[list[tuple[float, float]]] = [[] for _ in runners]
    for _, embedder in runners:
        embedder.embed([chip])
    began = now()
    rounds = 0
    while rounds < LEAST_ROUNDS or now() - began < seconds:
        for (_, embedder), taken in zip(runners, times, strict=True):
            start, worked = now(), cpu()
            embedder.embed([chip])
            taken.append((now() - start, cpu() - worked))
        rounds += 1
    return [_timed(candidate, taken) for (candidate, _), taken in zip(runners, times, strict=True)]


def fastest(timed: Sequence[Timed]) -> Timed | None:
    """Return the fastest that keeps what the best variant recognises, within a percentage point; None of none."""
    usable = [each for each in timed if each.candidate.problem is None]
    best = max((each.candidate.accepted for each in usable if each.candidate.accepted is not None), default=None)
    faithful = [each for each in usable if _keeps(each.candidate, best)]
    if not faithful:
        return None
    least = min(each.p50_ms for each in faithful)
    equal = [each for each in faithful if each.p50_ms <= least * (1 + ABOUT_EQUAL)]
    return min(equal, key=lambda each: (each.candidate.threads, each.p50_ms))


def _keeps(candidate: Candidate, best: float | None) -> bool:
    return best is None or (candidate.accepted is not None and candidate.accepted >= best - LARGEST_LOSS)


def _timed(candidate: Candidate, taken: list[tuple[float, float]]) -> Timed:
    clock, worked = np.array(taken).T * 1000
    p50, p95 = np.percentile(clock, [50, 95]).tolist()
    return Timed(candidate, p50, p95, float(np.percentile(worked, 50)))

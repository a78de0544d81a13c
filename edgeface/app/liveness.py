"""Withhold the name of a face until it has shown that it is alive, or only say whether it has."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgeface.app.pipeline import Labelled, Recognition
from edgeface.core.liveness import MOST_STEP_SECONDS, LivenessLimits, Proof
from edgeface.core.presence import Sighting
from edgeface.core.types import Identity, Liveness, Turn, UnprovenEvent


@dataclass(slots=True)
class _Case:
    """The evidence of one track, which counts for one person only."""

    identity: Identity | None
    proof: Proof
    last_seconds: float
    told: tuple[Turn, ...] | None = None
    """The turns that were asked for last; None: nothing was told yet."""


class Prover:
    """Decides which faces of a stream may be sighted, and what is told of the others.

    Evidence counts as long as the votes on its track name the same person; a film's cut, a doubt, or another name ends
    it. Who is enrolled and unproven is no sighting where a proof is `required`, and so neither arrives nor stays.
    """

    def __init__(self, limits: LivenessLimits, draw: Callable[[], Turn], *, required: bool) -> None:
        self._limits, self._draw, self._required = limits, draw, required
        self._cases: dict[int, _Case] = {}

    def judge(self, recognition: Recognition) -> tuple[list[Sighting], list[UnprovenEvent]]:
        """Return the sightings of the decided faces of a frame, and what is to be told before them."""
        seconds = recognition.frame.seconds
        events = list(self._end({face.track: face for face in recognition.faces}, seconds))
        seen = []
        for face in recognition.faces:
            if face.verdict.state == "undecided":
                continue
            case = self._case_of(face, seconds)
            failed = not case.proof.update(face.face.landmarks, seconds)
            case.last_seconds = seconds
            alive = case.proof.alive
            if self._required and face.verdict.identity is not None and not alive:
                events += self._tell(case, face.track, failed=failed)
                continue
            liveness = Liveness("alive" if alive else "unproven", case.proof.relief)
            seen.append(Sighting(face.track, face.verdict.identity, face.verdict.similarity, liveness))
        return seen, events

    def flush(self) -> list[UnprovenEvent]:
        """End all evidence, as when the stream ends; return what is to be told of it."""
        return list(self._end({}, math.inf))

    def _case_of(self, face: Labelled, seconds: float) -> _Case:
        if face.track not in self._cases:
            proof = Proof(self._limits, self._draw)
            self._cases[face.track] = _Case(face.verdict.identity, proof, seconds)
        return self._cases[face.track]

    def _tell(self, case: _Case, track: int, *, failed: bool) -> Iterator[UnprovenEvent]:
        """Ask for turns when there are new ones; without any, tell once that the time is over."""
        asked = case.proof.asked
        if (asked and (failed or case.told != asked)) or (failed and case.told is None):
            case.told = asked
            yield _event(case, track, asked)

    def _end(self, there: dict[int, Labelled], seconds: float) -> Iterator[UnprovenEvent]:
        """Drop the evidence of tracks that are gone, in doubt or somebody else's now."""
        for track, case in list(self._cases.items()):
            if track in there:
                verdict = there[track].verdict
                holds = verdict.state != "undecided" and verdict.identity == case.identity
            else:
                holds = 0 <= seconds - case.last_seconds <= MOST_STEP_SECONDS
            if not holds:
                del self._cases[track]
                if self._required and case.identity is not None and not case.proof.alive and case.told != ():
                    yield _event(case, track, ())


def _event(case: _Case, track: int, turns: tuple[Turn, ...]) -> UnprovenEvent:
    return UnprovenEvent("asked" if turns else "failed", turns, case.proof.relief, case.last_seconds, track)

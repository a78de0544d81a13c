"""Tell which of the people who are not enrolled came before, where the owner wants them to be remembered."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from edgeface.app.pipeline import Labelled, Recognition
from edgeface.core.decision import Ballot, Policy, judge
from edgeface.core.presence import Sighting
from edgeface.core.protocols import Index
from edgeface.core.types import Embedding, Visitor
from edgeface.errors import StoreError

LOG = logging.getLogger(__name__)


class Memory(Index, Protocol):
    """Where unknown people are remembered, by number; `nearest` finds them."""

    def remember(self, embeddings: Sequence[Embedding]) -> int | None:
        """Store somebody new; return their number, or None when no more may be remembered."""
        ...

    def came(self, number: int) -> Visitor:
        """Note that somebody is here."""
        ...

    def forget(self, number: int) -> object:
        """Erase somebody."""
        ...


@dataclass(slots=True)
class _Known:
    """What is known of the face of one track."""

    number: int | None
    visitor: Visitor | None
    new: bool
    last_seconds: float


class Visitors:
    """Gives the unknown faces of a stream the ids under which they are remembered, one look-up a track.

    A face is compared as an enrolled one is, but for the margin: who was taken for two people once would otherwise be
    another one on every visit. Enough of its looks must name the same person. A new one is remembered, and forgotten
    at once when its track turns out to be somebody enrolled. A memory that fails costs the id and no more.
    `patience_seconds` after a track was last seen what is known of it is dropped.
    """

    def __init__(self, memory: Memory, policy: Policy, patience_seconds: float) -> None:
        self._memory, self._policy, self._patience_seconds = memory, policy, patience_seconds
        self._known: dict[int, _Known] = {}

    def name(self, recognition: Recognition, seen: Sequence[Sighting]) -> list[Sighting]:
        """Return the sightings of a frame with ids, without those who are ignored."""
        seconds = recognition.frame.seconds
        faces = {face.track: face for face in recognition.faces}
        for track, known in list(self._known.items()):
            if not abs(seconds - known.last_seconds) <= self._patience_seconds:
                del self._known[track]
        for face in recognition.faces:
            if face.verdict.identity is not None:
                self._take_back(face.track)
                # Whoever was somebody and is nobody now has turned away, and is not remembered.
                self._known[face.track] = _Known(None, None, False, seconds)
        strangers = {s.track: self._visitor(faces[s.track], seconds) for s in seen if s.identity is None}
        named = [replace(sighting, unknown=strangers.get(sighting.track)) for sighting in seen]
        return [sighting for sighting in named if sighting.unknown is None or not sighting.unknown.ignored]

    def _visitor(self, face: Labelled, seconds: float) -> Visitor | None:
        if face.track not in self._known:
            known = _Known(None, None, False, seconds)
            self._guarded(lambda: self._look_up(face, known))
            self._known[face.track] = known
        known = self._known[face.track]
        known.last_seconds = seconds
        return known.visitor

    def _look_up(self, face: Labelled, known: _Known) -> None:
        """Find who it is, or remember them."""
        if not face.looks:
            return
        ballot = Ballot(replace(self._policy, votes_needed=min(self._policy.votes_needed, len(face.looks))))
        for look in face.looks:
            ballot.add(judge(face.face, self._memory.nearest(look, 1), self._policy))
        found = ballot.verdict().identity
        known.number = found.id if found else self._memory.remember(face.looks)
        known.new = found is None
        known.visitor = None if known.number is None else self._memory.came(known.number)

    def _take_back(self, track: int) -> None:
        """Forget who was remembered for this track and is enrolled after all."""
        known = self._known.pop(track, None)
        if known and known.new and known.number is not None:
            number = known.number
            self._guarded(lambda: self._memory.forget(number))

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except StoreError as error:
            LOG.warning("an unknown person is not remembered: %s", error.message)

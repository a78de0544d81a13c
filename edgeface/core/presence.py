"""Turn sightings of people over time into arrivals and departures."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from edgeface.core.types import Event, Identity, Liveness, Visitor


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody in one frame about whom a verdict was reached; an undecided track is no sighting yet."""

    track: int
    identity: Identity | None
    """None: somebody who is not in the gallery."""
    similarity: float
    liveness: Liveness | None = None
    """None: it is not looked for."""
    unknown: Visitor | None = None
    """Who it is that is not enrolled, where that is remembered."""


@dataclass(frozen=True, slots=True)
class _Visit:
    """A stay that has not ended."""

    name: str | None
    track: int
    """The one in which it was seen last."""
    similarity: float
    """The best of the stay."""
    last_seconds: float
    id: str
    liveness: Liveness | None = None
    """The best of the stay."""
    unknown: Visitor | None = None

    def arrived(self) -> Event:
        return self._event("arrived")

    def left(self) -> Event:
        return self._event("left")

    def _event(self, kind: Literal["arrived", "left"]) -> Event:
        return Event(
            kind,
            self.name,
            self.last_seconds,
            self.similarity,
            self.track,
            visit=self.id,
            liveness=self.liveness,
            unknown=self.unknown,
        )


class Presence:
    """Keeps the visits that are going on.

    * A person has one visit however many tracks show them, at once or one after the other. It ends when they
      have not been seen for `patience_seconds`, dated to the last time they were.
    * A face that belongs to nobody has one visit for each track, as nothing says which strangers are the
      same. It ends in the same way, or at once when its track turns out to be somebody.
    * A track that was somebody's and now belongs to nobody is taken for that person, turned away, until their
      visit has ended; only then has a stranger arrived.
    * When the clock jumps back, waiting starts anew from there; when it jumps ahead, everybody leaves.

    `new_id` gives each visit its name in events; without it visits are counted from "1".
    """

    def __init__(self, patience_seconds: float = 10.0, new_id: Callable[[], str] | None = None) -> None:
        self._patience_seconds = patience_seconds
        self._new_id = new_id or map(str, itertools.count(1)).__next__
        self._people: dict[int, _Visit] = {}
        self._strangers: dict[int, _Visit] = {}

    @property
    def occupied(self) -> bool:
        """Tell whether a visit is going on."""
        return bool(self._people or self._strangers)

    def update(self, seen: Sequence[Sighting], seconds: float) -> list[Event]:
        """Take in one frame's sightings, none included; return departures, oldest first, then arrivals.

        The departure of a stranger who turns out to be somebody comes just before that arrival.
        """
        events = self._leave(seconds, self._patience_seconds)
        for sighting in seen:
            events.extend(self._register(sighting, seconds))
        return events

    def flush(self, seconds: float) -> list[Event]:
        """End every visit, as when the stream ends; return the departures, oldest first."""
        return self._leave(seconds, 0.0)

    def _leave(self, seconds: float, patience_seconds: float) -> list[Event]:
        events = []
        for visits in (self._people, self._strangers):
            for key, visit in list(visits.items()):
                # A visit last seen in the future was seen before the clock was set back: it was seen now.
                visits[key] = replace(visit, last_seconds=min(visit.last_seconds, seconds))
                if seconds - visits[key].last_seconds >= patience_seconds:
                    events.append(visits.pop(key).left())
        return sorted(events, key=lambda event: event.at)

    def _register(self, sighting: Sighting, seconds: float) -> Iterator[Event]:
        person = sighting.identity
        if person is None and any(visit.track == sighting.track for visit in self._people.values()):
            return
        if person is not None and sighting.track in self._strangers:
            yield self._strangers.pop(sighting.track).left()
        visits, key = (self._strangers, sighting.track) if person is None else (self._people, person.id)
        name = None if person is None else person.name
        if key not in visits:
            track, liveness, unknown = sighting.track, sighting.liveness, sighting.unknown
            visit = _Visit(name, track, sighting.similarity, seconds, self._new_id(), liveness, unknown)
            yield visit.arrived()
        else:
            visit = visits[key]
        visits[key] = replace(
            visit,
            name=name,
            track=sighting.track,
            similarity=max(visit.similarity, sighting.similarity),
            last_seconds=seconds,
            liveness=_better(visit.liveness, sighting.liveness),
        )


def _better(one: Liveness | None, other: Liveness | None) -> Liveness | None:
    return max((one, other), key=lambda seen: (seen.verdict == "alive", seen.relief) if seen else (False, -1.0))

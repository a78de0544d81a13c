"""Compare what a watch told with who was on screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.visits.truth import Appearance, Visit, visits_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """An "arrived" event."""

    name: str | None
    """None: a stranger."""
    seconds: float
    """From the start of the film."""
    similarity: float


@dataclass(frozen=True, slots=True)
class Named:
    """A face that bore a name in one frame."""

    name: str
    seconds: float
    similarity: float
    middle: float
    """Of the face, in widths of the picture."""


@dataclass(frozen=True, slots=True)
class Told:
    """All that a watch said about a film."""

    arrivals: tuple[Arrival, ...]
    named: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A visit, and what was told of it."""

    visit: Visit
    arrivals: tuple[Arrival, ...]
    """None: it was missed; several: it was told more than once."""


@dataclass(frozen=True, slots=True)
class InShot:
    """Somebody in one shot, and since when their face bore their name there."""

    shot: int
    person: str
    shown: tuple[Appearance, ...]
    named: tuple[Named, ...]

    @property
    def start(self) -> float:
        """When they are first seen in the shot."""
        return min(each.start for each in self.shown)


@dataclass(frozen=True, slots=True)
class Score:
    """How well a film was understood."""

    visits: tuple[Kept, ...]
    shots: tuple[InShot, ...]
    strangers: int
    """Arrivals without a name."""
    wrong_arrivals: tuple[Arrival, ...]
    """Of people who were not on screen."""
    wrong_faces: tuple[Named, ...]
    """Faces in a place where the person was not."""

    @property
    def missed(self) -> tuple[Visit, ...]:
        """The visits of people who faced the camera, and of which nothing was told."""
        return tuple(kept.visit for kept in self.visits if kept.visit.is_owed and not kept.arrivals)

    @property
    def is_anybody_wrong(self) -> bool:
        """Tell whether a name was given to somebody else."""
        return bool(self.wrong_arrivals or self.wrong_faces)


def score(told: Told, truth: Sequence[Appearance], patience_seconds: float) -> Score:
    """Say which visits were told, and which names were wrong."""
    right = [arrival for arrival in told.arrivals if arrival.name and _is_on_screen(arrival, truth)]
    groups: dict[Visit, list[Arrival]] = {visit: [] for visit in visits_of(truth, patience_seconds)}
    for arrival in right:
        visit = _visit_of(arrival, list(groups), patience_seconds)
        if visit is not None:
            groups[visit].append(arrival)
    return Score(
        visits=tuple(Kept(visit, tuple(arrivals)) for visit, arrivals in groups.items()),
        shots=tuple(_shots(told, truth)),
        strangers=sum(arrival.name is None for arrival in told.arrivals),
        wrong_arrivals=tuple(each for each in told.arrivals if each.name and each not in right),
        wrong_faces=tuple(face for face in told.named if not any(_shows(face, each) for each in truth)),
    )


def _is_on_screen(arrival: Arrival, truth: Sequence[Appearance]) -> bool:
    return any(each.person == arrival.name and each.holds(arrival.seconds) for each in truth)


def _visit_of(arrival: Arrival, visits: Sequence[Visit], patience_seconds: float) -> Visit | None:
    """Return the visit that an arrival tells of: at its time, or else the next to it within the patience.

    Who is named while only a part of the face is seen may be named before or after the visit that counts.
    """
    own = [visit for visit in visits if visit.person == arrival.name]
    near = min(own, key=lambda visit: _distance(arrival, visit), default=None)
    return near if near is not None and _distance(arrival, near) < patience_seconds else None


def _distance(arrival: Arrival, visit: Visit) -> float:
    return max(visit.start - arrival.seconds, arrival.seconds - visit.end, 0.0)


def _shows(face: Named, each: Appearance) -> bool:
    return each.person == face.name and each.holds(face.seconds) and each.left <= face.middle <= each.right


def _shots(told: Told, truth: Sequence[Appearance]) -> list[InShot]:
    """Return everybody of every shot, in the order of the table."""
    shots = []
    for shot, person in dict.fromkeys((each.shot, each.person) for each in truth):
        shown = tuple(each for each in truth if (each.shot, each.person) == (shot, person))
        named = tuple(face for face in told.named if any(_shows(face, each) for each in shown))
        shots.append(InShot(shot, person, shown, named))
    return shots

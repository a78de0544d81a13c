"""Say in tables, or as JSON, how well a film was understood."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from tests.bench.visits.score import Arrival, InShot, Kept, Named, Score
from tests.bench.visits.truth import Appearance

HEAD_OF_VISITS = ("who", "on screen, s", "face", "arrived after, s", "similarity")
HEAD_OF_SHOTS = ("shot", "who", "on screen, s", "face", "px", "named after, s", "similarity")
MISSED, EXCUSED, NEVER = "**missed**", "missed: never faces the camera", "not named"


def markdown(score: Score) -> str:
    """Return a table of visits, one of shots, and lines that count what was missed and what was wrong."""
    parts = []
    if score.visits:
        parts += [_table(HEAD_OF_VISITS, map(_visit_row, score.visits))]
        parts += [_table(HEAD_OF_SHOTS, map(_shot_row, score.shots))]
    return "\n\n".join([*parts, "\n".join(_lines(score))])


def as_json(score: Score) -> dict[str, Any]:
    """Return the same for programs: times in seconds from the start of the film."""
    return {
        "visits": [
            {
                "person": kept.visit.person,
                "start": kept.visit.start,
                "end": kept.visit.end,
                "poses": _seconds_by_pose(kept.visit.shown),
                "owed": kept.visit.is_owed,
                "arrivals": [_of_arrival(arrival) for arrival in kept.arrivals],
            }
            for kept in score.visits
        ],
        "shots": [
            {
                "shot": each.shot,
                "person": each.person,
                "poses": _seconds_by_pose(each.shown),
                "named_after": round(each.named[0].seconds - each.start, 3) if each.named else None,
                "similarity": round(max((face.similarity for face in each.named), default=-1.0), 4),
            }
            for each in score.shots
        ],
        "missed": len(score.missed),
        "strangers": score.strangers,
        "wrong_arrivals": [_of_arrival(arrival) for arrival in score.wrong_arrivals],
        "wrong_faces": [
            {"name": face.name, "at": round(face.seconds, 3), "middle": round(face.middle, 3)}
            for face in score.wrong_faces
        ],
    }


def _lines(score: Score) -> Iterable[str]:
    owed = [kept for kept in score.visits if kept.visit.is_owed]
    told = sum(bool(kept.arrivals) for kept in owed)
    again = sum(max(0, len(kept.arrivals) - 1) for kept in score.visits)
    rest = [kept for kept in score.visits if not kept.visit.is_owed]
    if score.visits:
        yield f"Of {len(owed)} visits of people who face the camera {told} were told, {again} of all more than once."
        yield f"Of {len(rest)} visits in profile throughout {sum(bool(kept.arrivals) for kept in rest)} were told."
    yield f"Arrivals of strangers: {score.strangers}."
    yield f"Arrivals under a wrong name: {len(score.wrong_arrivals)}{_listed(map(_told, score.wrong_arrivals))}."
    yield f"Faces under a wrong name, counted in frames: {len(score.wrong_faces)}{_listed(_places(score.wrong_faces))}."


def _visit_row(kept: Kept) -> tuple[str, ...]:
    visit, arrivals = kept.visit, kept.arrivals
    shown = (visit.person, f"{visit.start:.1f} to {visit.end:.1f}", _poses(visit.shown))
    if not arrivals:
        return (*shown, MISSED if visit.is_owed else EXCUSED, "")
    after = ", again ".join(f"{max(0.0, arrival.seconds - visit.start):.2f}" for arrival in arrivals)
    return (*shown, after, f"{arrivals[0].similarity:.2f}")


def _shot_row(each: InShot) -> tuple[str, ...]:
    end = max(part.end for part in each.shown)
    sizes = sorted({round(part.px) for part in each.shown})
    width = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else f"{sizes[0]}"
    named = f"{each.named[0].seconds - each.start:.2f}" if each.named else NEVER
    best = f"{max(face.similarity for face in each.named):.2f}" if each.named else ""
    return (str(each.shot), each.person, f"{each.start:.1f} to {end:.1f}", _poses(each.shown), width, named, best)


def _seconds_by_pose(shown: Sequence[Appearance]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for each in shown:
        seconds[each.pose] = round(seconds.get(each.pose, 0.0) + each.end - each.start, 3)
    return seconds


def _poses(shown: Sequence[Appearance]) -> str:
    return ", ".join(f"{pose} {seconds:.1f} s" for pose, seconds in _seconds_by_pose(shown).items())


def _of_arrival(arrival: Arrival) -> dict[str, Any]:
    return {"name": arrival.name, "at": round(arrival.seconds, 3), "similarity": round(arrival.similarity, 4)}


def _told(arrival: Arrival) -> str:
    return f"{arrival.name} at {arrival.seconds:.2f} s, similarity {arrival.similarity:.2f}"


def _places(faces: Sequence[Named]) -> Iterable[str]:
    for name, own in groupby(faces, key=lambda face: face.name):
        first, *_, last = [*own] * 2
        yield f"{name} at {first.seconds:.2f} to {last.seconds:.2f} s, {first.middle:.0%} across"


def _listed(texts: Iterable[str]) -> str:
    joined = "; ".join(texts)
    return f" ({joined})" if joined else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

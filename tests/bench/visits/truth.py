"""Who is on screen in a film, when, where and how they face the camera: read from a table, and grouped into visits."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from edgeface.errors import ConfigError

COLUMNS = ("shot", "start", "end", "person", "pose", "left", "right", "px")

FACING = ("frontal", "three-quarter")
"""Both eyes are seen: such a face is to be named."""
WHOLE = (*FACING, "profile")
"""Poses of a face that is on screen; a profile shows one eye."""
POSES = (*WHOLE, "edge", "back")
"""A face at the "edge" is cut off by the picture's edge, one from the "back" shows no eye."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """Somebody in one pose in one shot."""

    shot: int
    start: float
    """Seconds from the start of the film, this frame included."""
    end: float
    """Likewise, this frame not included."""
    person: str
    pose: str
    left: float
    right: float
    """Where the middle of the face is, in widths of the picture."""
    px: float
    """Width of the face."""

    def holds(self, seconds: float) -> bool:
        """Tell whether a moment belongs to it."""
        return self.start <= seconds < self.end


@dataclass(frozen=True, slots=True)
class Visit:
    """A stay of somebody on screen, of one shot or of several that follow each other closely."""

    person: str
    shown: tuple[Appearance, ...]
    """In order of time; the face is whole in each."""

    @property
    def start(self) -> float:
        """When the face is first seen."""
        return self.shown[0].start

    @property
    def end(self) -> float:
        """When it is last seen."""
        return max(each.end for each in self.shown)

    @property
    def is_owed(self) -> bool:
        """Tell whether the face is ever turned to the camera: a visit in profile throughout need not be noticed."""
        return any(each.pose in FACING for each in self.shown)


def read_truth(path: Path) -> list[Appearance]:
    """Read a table of appearances; lines that begin with # are remarks. Raise ConfigError at the first wrong line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"truth {path} cannot be read: {error}", hint="give a CSV file with --truth") from error
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not numbered or tuple(numbered[0][1].split(",")) != COLUMNS:
        raise ConfigError(f"truth {path} has no heading", hint=f"begin it with {','.join(COLUMNS)}")
    rows = csv.reader(line for _, line in numbered[1:])
    return [_appearance(row, f"truth {path}, line {numbered[place][0]}") for place, row in enumerate(rows, 1)]


def visits_of(shown: Sequence[Appearance], patience_seconds: float) -> list[Visit]:
    """Group appearances into visits, in order of time.

    A person's visit lasts until their whole face was not on screen for `patience_seconds`, as that of presence does.
    """
    visits = []
    for person in sorted({each.person for each in shown}):
        whole = sorted((each for each in shown if each.person == person and each.pose in WHOLE), key=_by_start)
        breaks = [0]
        breaks += [place for place in range(1, len(whole)) if _gap(whole[:place], whole[place]) >= patience_seconds]
        breaks += [len(whole)]
        visits += [Visit(person, tuple(whole[begin:end])) for begin, end in pairwise(breaks) if begin < end]
    return sorted(visits, key=lambda visit: (visit.start, visit.person))


def _gap(before: Sequence[Appearance], after: Appearance) -> float:
    return after.start - max(each.end for each in before)


def _by_start(each: Appearance) -> float:
    return each.start


def _appearance(row: Sequence[str], where: str) -> Appearance:
    if len(row) != len(COLUMNS):
        raise ConfigError(f"{where} has {len(row)} columns, {len(COLUMNS)} are needed")
    shot, start, end, person, pose, left, right, px = (cell.strip() for cell in row)
    try:
        read = Appearance(int(shot), float(start), float(end), person, pose, float(left), float(right), px=float(px))
    except ValueError as error:
        raise ConfigError(f"{where} holds no number where one is needed: {error}") from error
    if pose not in POSES:
        raise ConfigError(f"{where}: pose is {pose!r}", hint=f"one of {', '.join(POSES)}")
    if not (0 < read.px < math.inf and 0 <= read.start < read.end < math.inf and read.left < read.right):
        raise ConfigError(f"{where}: start must be before end, and left before right")
    return read

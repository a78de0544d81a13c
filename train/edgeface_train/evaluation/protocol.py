"""Read what a set of people comes with: its list of pairs in folds, and its galleries of one chip each."""

import csv
import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeface.errors import ConfigError
from edgeface_train.chips import ChipSet
from edgeface_train.evaluation.identification import Gallery

PAIR_COLUMNS = ("fold", "same", "left", "right")
ONESHOT_COLUMNS = ("trial", "n", "enrolled")


@dataclass(frozen=True, slots=True, eq=False)
class Couples:
    """Pairs of chips in folds; four arrays of one length."""

    left: npt.NDArray[np.int64]
    """Positions of chips."""
    right: npt.NDArray[np.int64]
    same: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.int64]


def read_couples(path: Path, chips: ChipSet) -> Couples:
    """Read a CSV with the columns fold, same (0 or 1), left, right; the last two are paths below the chips."""
    rows = _read(path, PAIR_COLUMNS)
    place = {name: number for number, name in enumerate(chips.paths)}
    left, right = ([_place(place, row[side], path) for row in rows] for side in ("left", "right"))
    same, fold = ([_number(row[key], key, path) for row in rows] for key in ("same", "fold"))
    if set(same) - {0, 1}:
        raise ConfigError(f"{path}: the column same holds {max(same)}, 0 or 1 is needed")
    if len(set(fold)) < 2:
        raise ConfigError(f"{path} has {len(set(fold))} fold, at least two are needed")
    wrong = np.flatnonzero((chips.people[left] == chips.people[right]) != np.array(same, bool))
    if len(wrong):
        row = rows[wrong[0]]
        raise ConfigError(
            f"{path} says same = {row['same']} of {row['left']} and {row['right']}, their folders say otherwise",
            hint="a folder is a person; give the folder of chips that the list was made for",
        )
    return Couples(np.array(left), np.array(right), np.array(same, bool), np.array(fold))


def read_galleries(path: Path, chips: ChipSet) -> list[Gallery]:
    """Read a CSV with the columns trial, n, enrolled: in each trial, the one enrolled chip of each of n people."""
    place = {name: number for number, name in enumerate(chips.paths)}
    trials: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row in _read(path, ONESHOT_COLUMNS):
        trials[_number(row["n"], "n", path), row["trial"]].append(_place(place, row["enrolled"], path))
    for (size, trial), enrolled in trials.items():
        people = len(set(chips.people[enrolled].tolist()))
        if people != size or len(enrolled) != size:
            raise ConfigError(
                f"{path}: trial {trial} of {size} enrols {len(enrolled)} chips of {people} people",
                hint="one chip of each of n people belongs in a trial",
            )
        if size >= len(chips.names):
            raise ConfigError(f"{path}: trial {trial} of {size} leaves no stranger among {len(chips.names)} people")
    return [Gallery(np.array(enrolled, np.int64), size, 1) for (size, _), enrolled in trials.items()]


def digest(*arrays: npt.NDArray) -> str:
    """Return a short digest of arrays: their shapes, types and bytes."""
    made = hashlib.sha256()
    for array in arrays:
        made.update(f"{array.shape}{array.dtype}".encode())
        made.update(np.ascontiguousarray(array).data)
    return made.hexdigest()[:16]


def _read(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise ConfigError(
            f"{path} lacks the column {missing[0]!r}", hint=f"its first line must name {', '.join(columns)}"
        )
    if not rows:
        raise ConfigError(f"{path} has no row under its first line")
    return rows


def _place(place: dict[str, int], name: str, path: Path) -> int:
    if name not in place:
        raise ConfigError(
            f"{path} names {name}, which is not among the chips", hint="paths are relative to the folder of chips"
        )
    return place[name]


def _number(text: str, column: str, path: Path) -> int:
    try:
        return int(text)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path}: the column {column} holds {text!r}, a whole number is needed") from error

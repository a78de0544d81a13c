"""Slice by what a manifest says of each chip: a slice for each word of a column, or thirds of its numbers."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeface.errors import ConfigError
from edgeface_train.doctor.manifest import read_rows
from edgeface_train.evaluation.conditions import UNKNOWN, Condition, grade

MANIFEST = "manifest: "
"""What the name of such a condition begins with."""
MOST_WORDS = 12
LEAST_PEOPLE = 10
"""Of fewer people an interval says nothing: drawing them anew shows the same few faces."""
TWO_WORDS = "one of each of two"
"""What pairs are called whose chips have two words."""

NAMING = re.compile(r"(.*[_ -])?(file|filename|path|url|id|person|identity|licence|license)|name|", re.IGNORECASE)
"""Columns that name a file, a person or a licence, and one without a name."""


def read_columns(path: Path, chips: Sequence[str]) -> tuple[list[Condition], list[str]]:
    """Return a condition for each column of a manifest that makes slices, and what it leaves unsaid, as sentences.

    `chips` are paths as in the column file. A column of 2 to 12 different values, numbers too, gives a slice a value;
    any other column of numbers thirds of equal number, by the chip with the smaller one. A chip without a row or a
    value is unknown. Raise ConfigError for a file that is no manifest, or has no row of any of the chips.
    """
    names, by_file = read_rows(path)
    rows = [by_file.get(chip, {}) for chip in chips]
    if not any(rows):
        raise ConfigError(
            f"manifest {path} has {len(by_file):,} rows, none of them of the {len(chips):,} chips, such as {chips[0]}",
            hint="its column file holds paths relative to the folder of chips",
        )
    told, unsaid = [], []
    for column in (name for name in names if not NAMING.fullmatch(name.strip())):
        values = [(row.get(column) or "").strip() for row in rows]
        condition = _condition(column.strip(), values)
        if condition is None:
            count = len(set(values) - {""})
            unsaid.append(
                f"slices by {column.strip()}: its different values are {count}; 2 to {MOST_WORDS} words are needed, or "
                "numbers of which no third is all alike"
            )
            continue
        told.append(condition)
        unknown = int(np.sum(condition.thirds == UNKNOWN))
        if unknown:
            unsaid.append(f"slices by {column.strip()}: of {unknown:,} of {len(chips):,} chips it is unknown")
    return told, unsaid


def _condition(column: str, values: Sequence[str]) -> Condition | None:
    """Return the slices of a column; None for one whose values make none."""
    different, numbers = set(values) - {""}, _numbers(values)
    if len(different) < 2:
        return None
    if len(different) <= MOST_WORDS:
        words = sorted(different) if numbers is None else sorted(sorted(different), key=float)
        place = {"": UNKNOWN} | {word: number for number, word in enumerate(words)}
        thirds = np.array([place[value] for value in values], np.int8)
        return Condition(MANIFEST + column, thirds, [*words, TWO_WORDS], words=True, least_people=LEAST_PEOPLE)
    if numbers is None:
        return None
    cut = grade(MANIFEST + column, numbers, poor_is="low", words="low, middling, high")
    if len(set(cut.thirds) - {UNKNOWN}) < len(cut.labels):
        return None
    return Condition(cut.name, cut.thirds, cut.labels, least_people=LEAST_PEOPLE)


def _numbers(values: Sequence[str]) -> npt.NDArray[np.float64] | None:
    """Return (n,) numbers, NaN where there is none; None where a value is a word."""
    try:
        return np.array([float(value) if value else np.nan for value in values])
    except ValueError:
        return None

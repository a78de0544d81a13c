"""Read what is known of each photo: its source, its licence, and figures such as the detector's score."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeface.errors import ConfigError
from edgeface_train.chips import Listing

WORDS = ("file", "person", "source", "licence", "license")
"""Columns that are words; any other column whose every value is a number is a figure."""


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """The rows of a manifest, in the order of the chips."""

    source: list[str]
    """Of each chip; empty where it is not known."""
    licence: list[str]
    figures: dict[str, npt.NDArray[np.float64]]
    """By column; NaN where a chip has none."""
    unlisted: list[str]
    """Chips without a row."""
    absent: list[str]
    """Rows without a chip."""
    elsewhere: list[str]
    """Chips whose row names another person than their folder."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the photos come from, counted."""

    sources: dict[str, int]
    licences: dict[str, int]
    without_source: int
    without_licence: int


def read_manifest(path: Path, listing: Listing) -> Manifest:
    """Read a CSV with the column file (PERSON/FILE), and person, source, licence and figures where it has them.

    Raise ConfigError for a file that is none, and for two rows of one chip.
    """
    names, by_file = read_rows(path)
    chips = [by_file.get(chip, {}) for chip in listing.paths]
    known = set(listing.paths)
    return Manifest(
        source=_words(chips, "source"),
        licence=[one or other for one, other in zip(_words(chips, "licence"), _words(chips, "license"), strict=True)],
        figures=_figures(chips, [name for name in names if name not in WORDS]),
        unlisted=[chip for chip in listing.paths if chip not in by_file],
        absent=[file for file in by_file if file not in known],
        elsewhere=[
            chip
            for chip, person, row in zip(listing.paths, listing.people, chips, strict=True)
            if row.get("person") and row["person"] != listing.names[person]
        ],
    )


def read_rows(path: Path) -> tuple[list[str], dict[str, Mapping[str, str]]]:
    """Return the names of a manifest's columns, and its rows by file. Raises as `read_manifest` does."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names, rows = list(reader.fieldnames or []), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"manifest {path} cannot be read: {error}") from error
    if "file" not in names:
        raise ConfigError(
            f"manifest {path} has no column file, its columns are {', '.join(names) or 'none'}",
            hint="the first line names the columns: file,person,source,licence",
        )
    by_file: dict[str, Mapping[str, str]] = {}
    for line, row in enumerate(rows, start=2):
        if row["file"] in by_file:
            raise ConfigError(f"manifest {path}, row {line}: {row['file']} has a row already")
        by_file[row["file"]] = row
    return names, by_file


def provenance(manifest: Manifest) -> Provenance:
    """Count the photos by source and by licence, the largest first."""
    return Provenance(
        sources=_tally(manifest.source),
        licences=_tally(manifest.licence),
        without_source=manifest.source.count(""),
        without_licence=manifest.licence.count(""),
    )


def _words(chips: Sequence[Mapping[str, str]], name: str) -> list[str]:
    return [(row.get(name) or "").strip() for row in chips]


def _figures(chips: Sequence[Mapping[str, str]], names: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    figures = {}
    for name in names:
        try:
            values = np.array([float(text) if text else np.nan for text in _words(chips, name)])
        except ValueError:
            continue  # words
        if not np.isnan(values).all():
            figures[name] = values
    return figures


def _tally(words: Sequence[str]) -> dict[str, int]:
    return dict(Counter(word for word in words if word).most_common())

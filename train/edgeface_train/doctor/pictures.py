"""Choose which chips stand side by side in the report: each suspect with typical photos of those it is judged by."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgeface_train.chips import Listing
from edgeface_train.doctor.check import Findings
from edgeface_train.doctor.labels import Suspect
from edgeface_train.doctor.sheet import Row, draw_sheets
from edgeface_train.page import Picture

MOST = 80
"""Rows shown of a kind; of more, evenly spread ones."""
TYPICAL = 3


def pictures_of(rows: Sequence[Row], caption: str = "") -> list[Picture]:
    """Return the rows as pictures, at most `MOST` of them; none for no rows."""
    shown = [rows[place] for place in np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST)).astype(int))]
    sheets = list(draw_sheets(shown))
    said = f"{caption}{len(shown)} of {len(rows)}"
    return [
        Picture(f"{said}, page {page} of {len(sheets)}" if len(sheets) > 1 else said, sheet, "jpeg")
        for page, sheet in enumerate(sheets, start=1)
    ]


def suspect_rows(found: Findings, suspects: Sequence[Suspect]) -> list[Row]:
    """Return a row a suspect: the photo, typical photos of its person, and of the person it resembles."""
    rows = []
    for suspect in suspects:
        person = int(found.listing.people[suspect.photo])
        path = found.listing.paths[suspect.photo]
        own = _typical(found, person, without=suspect.photo)
        like = _typical(found, suspect.like) if suspect.like >= 0 else []
        other = found.listing.names[suspect.like] if suspect.like >= 0 else "nobody"
        captions = (path, f"own {suspect.own:.2f}   nearest other: {other} {suspect.other:.2f}")
        rows.append(Row([[found.listing.folder / path], own, like], captions))
    return rows


def twin_rows(found: Findings) -> list[Row]:
    """Return a row for each pair of names that show one person."""
    names = found.listing.names
    return [
        Row(
            [_typical(found, twin.left), _typical(found, twin.right)],
            (
                f"{names[twin.left]} and {names[twin.right]}",
                f"centres {twin.centres:.2f}, photos {twin.photos:.2f}",
            ),
        )
        for twin in (found.faces.twins if found.faces else [])
    ]


def repeat_rows(found: Findings) -> list[Row]:
    """Return a row for each picture that is there twice, those of two people first, then the least certain."""
    folder, paths = found.listing.folder, found.listing.paths
    ordered = sorted(found.repeats, key=lambda repeat: (not repeat.across, repeat.similarity))
    return [
        Row(
            [[folder / paths[repeat.photo]], [folder / paths[repeat.of]]],
            (
                f"{paths[repeat.photo]} is {repeat.words}",
                f"as {paths[repeat.of]}, {repeat.similarity:.3f}",
            ),
        )
        for repeat in ordered
    ]


def shared_rows(found: Findings) -> list[Row]:
    """Return a row for each person of the test folder who is in training too."""
    if found.test is None:
        return []
    rows = []
    for item in found.shared:
        there = _first(found.test, item.test_person)
        captions = (
            f"{found.listing.names[item.person]} and {found.test.names[item.test_person]}, by {item.how}",
            item.reason,
        )
        rows.append(Row([_typical(found, item.person), there], captions))
    return rows


def _typical(found: Findings, person: int, *, without: int = -1) -> list[Path]:
    """Return the photos of the person's largest mode, which look most like that person, or simply the first ones."""
    if found.faces is None:
        return _first(found.listing, person)
    photos = np.flatnonzero(found.listing.people == person)
    photos = photos[photos != without]
    main = np.argmax(found.faces.modes.person == person)
    order = np.argsort(found.faces.modes.of[photos] != main, kind="stable")
    return [found.listing.folder / found.listing.paths[photo] for photo in photos[order][:TYPICAL]]


def _first(listing: Listing, person: int) -> list[Path]:
    photos = np.flatnonzero(listing.people == person)[:TYPICAL]
    return [listing.folder / listing.paths[photo] for photo in photos]

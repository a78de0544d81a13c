"""Lay suspects out as pictures: a row each, the photo in question beside those it should, or does, look like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from edgeface_train.chips import read_chip
from edgeface_train.contact_sheet import FAINT, INK, PAPER

TILE = 84
GAP = 10
CAPTION = 36
COLUMNS = 2
ROWS = 20
"""Of one picture."""


@dataclass(frozen=True, slots=True)
class Row:
    """What stands side by side, with a gap between groups."""

    groups: Sequence[Sequence[Path]]
    captions: Sequence[str]
    """Two lines under the row."""


def draw_sheets(rows: Sequence[Row]) -> Iterator[bytes]:
    """Yield the rows as JPEG pictures."""
    for start in range(0, len(rows), COLUMNS * ROWS):
        stream = BytesIO()
        draw_sheet(rows[start : start + COLUMNS * ROWS]).save(stream, "JPEG", quality=85)
        yield stream.getvalue()


def draw_sheet(rows: Sequence[Row]) -> Image.Image:
    """Return the rows as one picture, in two columns."""
    width = max(_width(row) for row in rows) + 2 * GAP
    height = TILE + CAPTION + GAP
    deep = -(-len(rows) // COLUMNS)
    sheet = Image.new("RGB", (width * min(COLUMNS, len(rows)), deep * height + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    for place, row in enumerate(rows):
        _draw_row(sheet, pen, row, GAP + place % COLUMNS * width, GAP + place // COLUMNS * height)
    return sheet


def _draw_row(sheet: Image.Image, pen: ImageDraw.ImageDraw, row: Row, left: int, top: int) -> None:
    at = left
    for group in row.groups:
        for path in group:
            chip = Image.fromarray(read_chip(path))
            sheet.paste(chip.resize((TILE, TILE), Image.Resampling.LANCZOS), (at, top))
            at += TILE
        at += GAP
    for line, (text, colour) in enumerate(zip(row.captions, (INK, FAINT), strict=False)):
        pen.text((left, top + TILE + 2 + 16 * line), text, colour, ImageFont.load_default(13))


def _width(row: Row) -> int:
    tiles = sum(len(group) for group in row.groups) * TILE + len(row.groups) * GAP
    return max(tiles, 7 * TILE + 3 * GAP)

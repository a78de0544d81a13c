"""Lay a trial out as one picture: a row a person, the enrolled photo first, every probe with what was said of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from edgeface.drivers.photos import read_photo
from edgeface_train.trial import Probe

TILE = 116
GAP = 14
CAPTION = 38
MARGIN = 36
HEADER = 132
LABEL = 150

PAPER, INK, FAINT = (250, 249, 246), (34, 36, 40), (120, 124, 130)
GREEN, RED, AMBER, BLUE = (46, 139, 87), (200, 55, 50), (222, 152, 30), (60, 90, 150)


@dataclass(frozen=True, slots=True)
class Row:
    """A person, or a stranger when there is no enrolled photo."""

    label: str
    enrolled: Path | None
    probes: Sequence[Probe]


def draw_sheet(rows: Sequence[Row], title: str, subtitle: str) -> Image.Image:
    """Return the sheet; green frames are right, red ones a wrong name, amber ones a person not recognised."""
    columns = max((len(row.probes) for row in rows), default=0)
    width = 2 * MARGIN + LABEL + (columns + 1) * (TILE + GAP)
    sheet = Image.new("RGB", (width, HEADER + len(rows) * (TILE + CAPTION + GAP) + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, 28), title, INK, _font(30))
    pen.text((MARGIN, 70), subtitle, FAINT, _font(16))
    _legend(pen, MARGIN, 98)
    for place, row in enumerate(rows):
        _draw_row(sheet, pen, row, HEADER + place * (TILE + CAPTION + GAP))
    return sheet


def _draw_row(sheet: Image.Image, pen: ImageDraw.ImageDraw, row: Row, top: int) -> None:
    pen.text((MARGIN, top + TILE // 2 - 22), row.label, INK, _font(20))
    stranger = row.enrolled is None
    pen.text((MARGIN, top + TILE // 2 + 4), "never enrolled" if stranger else "enrolled from one", FAINT, _font(14))
    left = MARGIN + LABEL
    if row.enrolled is not None:
        _tile(sheet, pen, row.enrolled, (left, top), BLUE)
        pen.text((left, top + TILE + 4), "enrolled", BLUE, _font(14))
    for place, probe in enumerate(row.probes):
        left = MARGIN + LABEL + (place + 1) * (TILE + GAP)
        colour, said = _verdict(probe)
        _tile(sheet, pen, probe.photo.path, (left, top), colour)
        pen.text((left, top + TILE + 3), said, colour, _font(14))
        pen.text((left, top + TILE + 19), f"{probe.similarity:.2f}", FAINT, _font(13))


def _verdict(probe: Probe) -> tuple[tuple[int, int, int], str]:
    if probe.right:
        return GREEN, probe.said or "nobody known"
    return (AMBER, "not recognised") if probe.said is None else (RED, f"“{probe.said}”")


def _tile(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, path: Path, at: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    photo = Image.fromarray(read_photo(path))
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    square = photo.crop((left, top, left + side, top + side)).resize((TILE, TILE), Image.Resampling.LANCZOS)
    pen.rounded_rectangle((at[0] - 5, at[1] - 5, at[0] + TILE + 4, at[1] + TILE + 4), 9, colour)
    mask = Image.new("L", (TILE, TILE), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, TILE - 1, TILE - 1), 5, 255)
    sheet.paste(square, at, mask)


def _legend(pen: ImageDraw.ImageDraw, left: int, top: int) -> None:
    words = (
        (GREEN, "right: the person's name, or nobody for a stranger"),
        (AMBER, "enrolled but not recognised"),
        (RED, "wrong name"),
    )
    for colour, text in words:
        pen.rounded_rectangle((left, top + 3, left + 14, top + 17), 3, colour)
        pen.text((left + 22, top), text, INK, _font(15))
        left += 22 + round(pen.textlength(text, _font(15))) + 30


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)

"""The chips that a gallery keeps where its owner wants that: the aligned picture of each look, for the next model."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgeface.core.align import CHIP_SIZE
from edgeface.core.types import Image
from edgeface.drivers.audit import append
from edgeface.drivers.gallery_errors import RESTORE
from edgeface.drivers.png import decode_png, png_size
from edgeface.drivers.vault import CHIP, Vault, ring_of
from edgeface.errors import GalleryDamaged


@dataclass(frozen=True, slots=True)
class Chip:
    """The picture of one look."""

    look: int
    """The number of the look."""
    person: int
    """The number of whom it shows."""
    png: bytes


def write_chips(connection: sqlite3.Connection, vault: Vault, person: int, chips: Iterable[tuple[int, Image]]) -> None:
    """Keep the chips of a person's looks, by the numbers of these, sealed as the vectors are."""
    key = vault.key_of(connection, person)
    rows = [(look, vault.seal(encode_chip(chip), key, CHIP)) for look, chip in chips]
    connection.executemany("INSERT INTO chips VALUES (?, ?)", rows)


def read_chips(connection: sqlite3.Connection, path: Path, vault: Vault, person: int | None = None) -> Iterator[Chip]:
    """Yield the chips of a person, or of all; whose key was destroyed is left out.

    Raise GalleryDamaged naming `path` when one does not decrypt or is no PNG of a chip.
    """
    key = "p.key" if ring_of(connection) else "NULL"
    rows = connection.execute(
        f"SELECT c.look, p.id, {key}, c.picture FROM chips c JOIN templates t ON t.id = c.look "
        "JOIN people p ON p.id = t.person_id WHERE ? IN (p.id, 0) ORDER BY c.look",
        (person or 0,),
    ).fetchall()
    for look, owner, key_id, stored in rows:
        png = vault.open(stored, key_id, CHIP)
        if png is not None:
            _check(png, path)
            yield Chip(look, owner, png)


def drop_chips(connection: sqlite3.Connection, person: int | None = None) -> int:
    """Delete the chips of a person, or of all, within a transaction; return how many."""
    rows = connection.execute(
        "SELECT t.person_id, count(*) FROM chips c JOIN templates t ON t.id = c.look WHERE ? IN (t.person_id, 0) "
        "GROUP BY t.person_id",
        (person or 0,),
    ).fetchall()
    connection.execute(
        "DELETE FROM chips WHERE look IN (SELECT id FROM templates WHERE ? IN (person_id, 0))", (person or 0,)
    )
    for owner, count in rows:
        append(connection, "chips dropped", person=owner, chips=count)
    return sum(count for _, count in rows)


def count_chips(connection: sqlite3.Connection, person: int) -> int:
    """Return how many chips of a person are kept."""
    (count,) = connection.execute(
        "SELECT count(*) FROM chips c JOIN templates t ON t.id = c.look WHERE t.person_id = ?", (person,)
    ).fetchone()
    return count


def encode_chip(chip: Image) -> bytes:
    """Return an RGB chip as a PNG, without loss."""
    import cv2

    done, png = cv2.imencode(".png", chip[..., ::-1])
    if not done:
        raise ValueError(f"a chip of shape {chip.shape} cannot be a PNG")
    return png.tobytes()


def decode_chip(png: bytes, path: Path) -> Image:
    """Return the RGB chip of a PNG. Raise GalleryDamaged naming `path` when it is none."""
    _check(png, path)
    picture = decode_png(png)
    if picture is None:
        raise _damaged(path)
    return picture


def _check(png: bytes, path: Path) -> None:
    if png_size(png) != (CHIP_SIZE, CHIP_SIZE):
        raise _damaged(path)


def _damaged(path: Path) -> GalleryDamaged:
    return GalleryDamaged(f"gallery {path} is damaged: a chip is no PNG of {CHIP_SIZE} px a side", hint=RESTORE)

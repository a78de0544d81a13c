"""The copies of a gallery's key file in the folders of its backups: one each, kept as it is beside the gallery."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgeface.drivers.keyring import Keyring, copy_keyring, destroy_keys, keyring_path
from edgeface.errors import StoreError


@dataclass(frozen=True, slots=True)
class Spread:
    """Where a change of the key file has arrived."""

    reached: list[Path]
    """Key files, the gallery's own first."""
    unreached: list[Path]
    """Folders that were not there: their copies are as old as the last backup to them."""


def remember_folder(connection: sqlite3.Connection, folder: Path) -> None:
    """Note a folder to which the gallery is backed up."""
    there = (str(folder.absolute()),)
    if not connection.execute("SELECT 1 FROM key_copies WHERE folder = ?", there).fetchone():
        connection.execute("INSERT INTO key_copies VALUES (?)", there)


def spread(connection: sqlite3.Connection, ring: Keyring) -> Spread:
    """Bring the copies in all folders that are there up to date."""
    reached, unreached = [ring.path], []
    for (name,) in connection.execute("SELECT folder FROM key_copies ORDER BY folder").fetchall():
        folder = Path(name)
        try:
            if not keyring_path(folder, ring.id).exists():
                unreached.append(folder)
                continue
            reached.append(copy_keyring(ring, folder))
        except (OSError, StoreError):
            unreached.append(folder)
    return Spread(reached, unreached)


def destroy_of(ring: Keyring, name_label: bytes, key_ids: Iterable[bytes | None]) -> int:
    """Destroy the keys of a person, by id and by name: those of rows that a backup alone has, too. Return how many."""
    theirs = {key_id for key_id, slot in ring.live.items() if slot.label == name_label}
    return destroy_keys(ring, theirs | {key_id for key_id in key_ids if key_id})

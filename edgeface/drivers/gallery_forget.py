"""Forget a person: destroy their key wherever it is, delete their rows, and leave no byte of them in the file."""

import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from edgeface.core.names import suggest
from edgeface.drivers.audit import Entry, append
from edgeface.drivers.gallery_chips import count_chips
from edgeface.drivers.gallery_errors import no_unknown
from edgeface.drivers.gallery_file import transaction
from edgeface.drivers.gallery_rows import ENROLLED, MARK, UNKNOWN
from edgeface.drivers.gallery_wipe import rewrite
from edgeface.drivers.key_copies import Spread, destroy_of, spread
from edgeface.drivers.keyring import label_of
from edgeface.drivers.vault import keyring_of
from edgeface.errors import StoreError

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was done to forget somebody."""

    name: str
    looks: int
    keys: int
    """How many keys of theirs were destroyed; 0 in a plain gallery."""
    chips: int
    """How many pictures of their looks were kept, and are deleted."""
    spread: Spread
    """Where the keys were destroyed, and where that is still to be done."""
    entry: Entry
    """What the audit log says of it."""


def forget(connection: sqlite3.Connection, path: Path, name: str, *, now: float, action: str = "forgotten") -> Receipt:
    """Erase a person of an open gallery. `now` is in Unix seconds, `action` what the audit log calls it.

    Raise StoreError when neither they nor a key of theirs is there.

    The key goes first: killed after that, the next who opens the gallery deletes the rows.
    """
    with transaction(connection):
        receipt = _erase(connection, path, name, now, action)
    _overwrite(connection, path, name)
    return receipt


def end_memory(connection: sqlite3.Connection, path: Path, number: int) -> None:
    """Let an unknown person be found no more, within a transaction; `finish_naming` then erases what is left of them.

    Raise StoreError when they are not there.
    """
    if not connection.execute("DELETE FROM unknowns WHERE person_id = ?", (number,)).rowcount:
        raise no_unknown(path, number)


def finish_naming(connection: sqlite3.Connection, path: Path, *, now: float) -> None:
    """Erase the remembered vectors of who was named since, whether a moment ago or before a crash."""
    if not _named(connection):
        return
    with transaction(connection):
        names = _named(connection)  # again: another process may have been quicker
        for name in names:
            _erase(connection, path, name, now, "unknown named")
    for name in names:
        _overwrite(connection, path, name)


def _named(connection: sqlite3.Connection) -> list[str]:
    """Return the stored names of unknown people whose memory ended when they were named."""
    return [
        name
        for (name,) in connection.execute(
            f"SELECT p.name FROM people p WHERE {UNKNOWN} AND p.id NOT IN (SELECT person_id FROM unknowns)"
        )
    ]


def _erase(connection: sqlite3.Connection, path: Path, name: str, now: float, action: str) -> Receipt:
    """Destroy the key and delete the rows, within a transaction."""
    rows = connection.execute(
        "SELECT p.id, p.key, count(t.id) FROM people p LEFT JOIN templates t ON t.person_id = p.id "
        "WHERE p.name = ? GROUP BY p.id",
        (name,),
    ).fetchall()
    ring = keyring_of(connection, path)
    keys = destroy_of(ring, label_of(ring.id, name), [key for _, key, _ in rows]) if ring else 0
    if not rows and not keys:
        names = [there for (there,) in connection.execute(f"SELECT p.name FROM people p WHERE {ENROLLED}")]
        raise StoreError(f"nobody called {name!r} is in gallery {path}", hint=suggest(name, names))
    arrived = spread(connection, ring) if ring else Spread([], [])
    chips = sum(count_chips(connection, number) for number, _, _ in rows)
    connection.executemany("DELETE FROM people WHERE id = ?", [(row[0],) for row in rows])
    looks, person = sum(count for _, _, count in rows), rows[0][0] if rows else None
    kept = {"chips": chips} if chips else {}
    entry = append(connection, action, person=person, at=now, looks=looks, keys=keys, **kept)
    return Receipt(name, looks, keys, chips, arrived, entry)


def _overwrite(connection: sqlite3.Connection, path: Path, name: str) -> None:
    """Leave no byte of who was deleted in the file, or say where some are left."""
    if not rewrite(connection):
        shown = name.removeprefix(MARK)
        LOG.warning(
            "%s is forgotten, but another process keeps reading: the vectors stay in %s-wal until it ends", shown, path
        )

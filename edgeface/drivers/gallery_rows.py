"""The rows of a gallery: people and their templates, read from and written to an open SQLite file."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeface.core.types import Embedding, Identity, Vector
from edgeface.drivers.gallery_errors import RESTORE
from edgeface.drivers.vault import Vault, ring_of
from edgeface.errors import GalleryDamaged

STORED = np.dtype("<f4")

MARK = "\x01"
"""Begins the stored name of somebody who came and is not enrolled; no person's name may hold it."""

ENROLLED = "substr(p.name, 1, 1) <> char(1)"
UNKNOWN = "substr(p.name, 1, 1) = char(1)"
"""True of the people p of a query who are enrolled, and of those who are not."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the gallery, as `edgeface list` shows them."""

    identity: Identity
    looks: int
    """How many templates are stored."""
    enrolled: float
    """Seconds since the Unix epoch, UTC."""
    model: str
    """SHA-256 of the model file that made the templates."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One stored look at somebody."""

    id: int
    identity: Identity
    embedding: Embedding
    source: str
    created: float
    """Seconds since the Unix epoch, UTC."""
    set_aside: str | None
    """Why nobody is compared with it; None: it is in use."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The threshold and margin that a household was calibrated to."""

    model: str
    """SHA-256 of the model file they belong to."""
    threshold: float
    margin: float
    rate: float
    """False accepts a visit of a stranger, as estimated."""
    people: int
    """How many were enrolled then."""
    made: float
    """Seconds since the Unix epoch, UTC."""


def read_people(connection: sqlite3.Connection) -> list[Person]:
    """Return everybody, sorted by name; looks that are set aside do not count."""
    rows = connection.execute(
        "SELECT p.id, p.name, count(t.id), p.enrolled_at, coalesce(max(t.model), '') FROM people p "
        "LEFT JOIN templates t ON t.person_id = p.id AND t.set_aside IS NULL "
        f"WHERE {ENROLLED} GROUP BY p.id"
    ).fetchall()
    everybody = [Person(Identity(id_, name), looks, at, model) for id_, name, looks, at, model in rows]
    return sorted(everybody, key=lambda person: (person.identity.name.casefold(), person.identity.name))


def read_templates(
    connection: sqlite3.Connection, path: Path, vault: Vault, whose: str = ENROLLED, *, upcoming: bool = False
) -> list[Template]:
    """Return every stored look, a person's looks together, in the order in which they came.

    Those of enrolled people, or with `UNKNOWN` of the others.

    Those set aside are among them; whose key was destroyed is left out. The schema may be an older one, as a backup's.
    With `upcoming` the vectors are those of the model that the gallery is being upgraded to, of looks that have one.
    Raise GalleryDamaged naming `path` when a vector is damaged.
    """
    columns = {row[1] for row in connection.execute("PRAGMA table_info(templates)")}
    reason = "t.set_aside" if "set_aside" in columns else "NULL"
    key = "p.key" if ring_of(connection) else "NULL"
    of, joined = ("n", "JOIN next_templates n ON n.look = t.id ") if upcoming else ("t", "")
    rows = connection.execute(
        f"SELECT t.id, p.id, p.name, {key}, {of}.vector, {of}.model, t.source, t.created_at, {reason} "
        f"FROM templates t {joined}JOIN people p ON p.id = t.person_id WHERE {whose} ORDER BY p.id, t.id"
    ).fetchall()
    opened = [(row, vault.open(row[4], row[3], row[5])) for row in rows]
    return [
        Template(id_, Identity(person, name), Embedding(_vector(blob, path), model), source, created, aside)
        for (id_, person, name, _, _, model, source, created, aside), blob in opened
        if blob is not None
    ]


def write_person(connection: sqlite3.Connection, name: str, enrolled: float) -> int:
    """Return the number of the person of that name, who is added if unknown."""
    connection.execute("INSERT INTO people (name, enrolled_at) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, enrolled))
    (number,) = connection.execute("SELECT id FROM people WHERE name = ?", (name,)).fetchone()
    return number


def write_looks(
    connection: sqlite3.Connection, vault: Vault, person: int, looks: Iterable[tuple[Embedding, str, float]]
) -> list[int]:
    """Add looks of a person: embedding, source and time; return their numbers."""
    key = vault.key_of(connection, person)
    insert = "INSERT INTO templates (person_id, vector, model, source, created_at) VALUES (?, ?, ?, ?, ?)"
    rows = [(person, sealed_vector(vault, e, key), e.model, source, created) for e, source, created in looks]
    numbers = [connection.execute(insert, row).lastrowid for row in rows]
    return [number for number in numbers if number is not None]


def sealed_vector(vault: Vault, embedding: Embedding, key: bytes | None) -> bytes:
    """Return what is stored of an embedding."""
    return vault.seal(embedding.vector.astype(STORED).tobytes(), key, embedding.model)


def write_reason(connection: sqlite3.Connection, looks: Iterable[int], reason: str | None) -> None:
    """Set looks aside for a reason, or take them back with None."""
    connection.executemany("UPDATE templates SET set_aside = ? WHERE id = ?", [(reason, look) for look in looks])


def read_calibration(connection: sqlite3.Connection, model: str) -> Calibrated | None:
    """Return what the household was calibrated to for a model, if it was."""
    row = connection.execute(
        "SELECT model, threshold, margin, rate, people, made_at FROM calibrations WHERE model = ?", (model,)
    ).fetchone()
    return Calibrated(*row) if row else None


def write_calibration(connection: sqlite3.Connection, made: Calibrated) -> None:
    """Keep a calibration in the place of the one before of its model."""
    connection.execute(
        "INSERT OR REPLACE INTO calibrations VALUES (?, ?, ?, ?, ?, ?)",
        (made.model, made.threshold, made.margin, made.rate, made.people, made.made),
    )


def _vector(blob: bytes, path: Path) -> Vector:
    """Return a stored vector, (size,). Raise GalleryDamaged when it is none."""
    if not isinstance(blob, bytes) or not blob or len(blob) % STORED.itemsize:
        raise GalleryDamaged(f"gallery {path} is damaged: a stored vector is incomplete", hint=RESTORE)
    vector = np.frombuffer(blob, STORED).astype(np.float32)
    if not np.isfinite(vector).all():
        raise GalleryDamaged(f"gallery {path} is damaged: a stored vector is not of numbers", hint=RESTORE)
    return vector

"""Move a gallery from one model to another: the vectors of both stand side by side until the old ones are retired.

The new vectors are rows of their own, `next_templates`, each beside the look it belongs to. So nobody who reads the
old vectors ever meets a new one, and a step that is killed is done again from where it stopped.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edgeface.core.types import Embedding
from edgeface.drivers.audit import append
from edgeface.drivers.gallery_errors import store_errors
from edgeface.drivers.gallery_file import open_if_filled
from edgeface.drivers.gallery_rows import ENROLLED, sealed_vector
from edgeface.drivers.vault import Vault
from edgeface.errors import EmbeddingMismatch, ModelError

OPEN = "SELECT number, old, new, begun_at, ended_at FROM upgrades WHERE ended_at IS NULL"

LOOKS = f"templates t JOIN people p ON p.id = t.person_id WHERE {ENROLLED}"
"""The looks at enrolled people; those at people who are only remembered have no new vector and go with the old ones."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A gallery's way from one model to another."""

    number: int
    old: str
    """SHA-256 of the model file that made the looks."""
    new: str
    begun: float
    """Seconds since the Unix epoch, UTC."""
    ended: float | None
    """None: both models are in use."""


@dataclass(frozen=True, slots=True)
class Moving:
    """How far somebody is; looks that are set aside do not count."""

    number: int
    name: str
    looks: int
    moved: int
    """Looks that the new model has a vector of."""
    chips: int
    """Looks of which a picture is kept."""


def upgrades_of(path: Path) -> list[Upgrade]:
    """Return all upgrades of the gallery in a file, oldest first; none where there is no file yet. Raise StoreError."""
    connection = open_if_filled(path)
    if connection is None:
        return []
    with closing(connection), store_errors(path):
        return read_upgrades(connection)


def read_upgrades(connection: sqlite3.Connection) -> list[Upgrade]:
    """Return all upgrades, oldest first; none of a gallery of an older schema. Only the last can be open."""
    if not connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'upgrades')").fetchone()[0]:
        return []
    return [Upgrade(*row) for row in connection.execute("SELECT * FROM upgrades ORDER BY number").fetchall()]


def open_upgrade(connection: sqlite3.Connection) -> Upgrade | None:
    """Return the upgrade that is going on."""
    row = connection.execute(OPEN).fetchone()
    return Upgrade(*row) if row else None


def begin(connection: sqlite3.Connection, old: str, new: str, *, now: float) -> Upgrade:
    """Begin an upgrade, or go on with the same one, within a transaction. `now` is in Unix seconds.

    Raise ModelError while another one is open or when the models are one, EmbeddingMismatch when the gallery is not of
    the old model.
    """
    going_on = open_upgrade(connection)
    if going_on and going_on.new != new:
        raise ModelError(
            f"the gallery is being upgraded to model {going_on.new[:12]}… already",
            hint="`edgeface model upgrade --finish` retires the old model, `--cancel` leaves the new one",
        )
    if going_on:
        return going_on
    if old == new:
        raise ModelError(f"model {new[:12]}… is in use already", hint="`edgeface model status` tells which are")
    for (other,) in connection.execute(f"SELECT DISTINCT t.model FROM {LOOKS} AND t.model <> ?", (old,)):
        raise EmbeddingMismatch(
            f"the gallery was made with model {other[:12]}…, the one in use is {old[:12]}…",
            hint="name the bundle that made it with recognition.model, so that both can run until all are moved",
        )
    connection.execute("INSERT INTO upgrades (old, new, begun_at) VALUES (?, ?, ?)", (old, new, now))
    append(connection, "upgrade begun", at=now)
    return Upgrade(*connection.execute(OPEN).fetchone())


def progress(connection: sqlite3.Connection) -> list[Moving]:
    """Return how far everybody is who can be recognised, sorted by name."""
    rows = connection.execute(
        "SELECT p.id, p.name, count(t.id), count(n.look), count(c.look) FROM people p "
        "JOIN templates t ON t.person_id = p.id AND t.set_aside IS NULL "
        "LEFT JOIN next_templates n ON n.look = t.id LEFT JOIN chips c ON c.look = t.id "
        f"WHERE {ENROLLED} GROUP BY p.id"
    ).fetchall()
    return sorted((Moving(*row) for row in rows), key=lambda person: person.name.casefold())


def unmoved_looks(connection: sqlite3.Connection) -> dict[int, list[int]]:
    """Return by the numbers of people which of their looks have a picture but no vector of the new model."""
    found: dict[int, list[int]] = {}
    for person, look in connection.execute(
        "SELECT t.person_id, t.id FROM templates t JOIN chips c ON c.look = t.id "
        "LEFT JOIN next_templates n ON n.look = t.id WHERE n.look IS NULL ORDER BY t.id"
    ):
        found.setdefault(person, []).append(look)
    return found


def write_next(
    connection: sqlite3.Connection, vault: Vault, person: int, vectors: Iterable[tuple[int, Embedding]]
) -> int:
    """Store new vectors of a person's looks, within a transaction; return how many were stored.

    Looks that are gone meanwhile, or have one already, are left out, and all where no upgrade to that model is open.
    """
    going_on, stored = open_upgrade(connection), 0
    there = {look for (look,) in connection.execute("SELECT id FROM templates WHERE person_id = ?", (person,))}
    chosen = [(look, vector) for look, vector in vectors if going_on and vector.model == going_on.new and look in there]
    if not chosen:
        return 0
    key = vault.key_of(connection, person)
    for look, vector in chosen:
        row = (look, sealed_vector(vault, vector, key), vector.model)
        stored += connection.execute("INSERT INTO next_templates VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row).rowcount
    return stored


def finish(connection: sqlite3.Connection, *, now: float) -> Upgrade:
    """Let the new vectors take the place of the old ones, within a transaction; looks without one are deleted.

    Raise ModelError when no upgrade is open.
    """
    going_on = _going_on(connection)
    connection.execute(
        "UPDATE templates SET model = ?, vector = (SELECT vector FROM next_templates WHERE look = id) "
        "WHERE id IN (SELECT look FROM next_templates)",
        (going_on.new,),
    )
    (lost,) = connection.execute(f"SELECT count(*) FROM {LOOKS} AND t.model <> ?", (going_on.new,)).fetchone()
    connection.execute("DELETE FROM templates WHERE model <> ?", (going_on.new,))
    connection.execute("DELETE FROM next_templates")
    connection.execute("DELETE FROM visits")  # similarities of the old model say nothing of the new one
    connection.execute("UPDATE upgrades SET ended_at = ? WHERE number = ?", (now, going_on.number))
    (looks,) = connection.execute(f"SELECT count(*) FROM {LOOKS}").fetchone()
    append(connection, "upgraded", at=now, looks=looks, lost=lost)
    return going_on


def cancel(connection: sqlite3.Connection, *, now: float) -> Upgrade:
    """Forget the new vectors and the upgrade, within a transaction. Raise ModelError when none is open."""
    going_on = _going_on(connection)
    dropped = connection.execute("DELETE FROM next_templates").rowcount
    connection.execute("DELETE FROM upgrades WHERE number = ?", (going_on.number,))
    append(connection, "upgrade cancelled", at=now, looks=dropped)
    return going_on


def _going_on(connection: sqlite3.Connection) -> Upgrade:
    going_on = open_upgrade(connection)
    if going_on is None:
        raise ModelError("no upgrade is going on", hint="`edgeface model upgrade BUNDLE` begins one")
    return going_on

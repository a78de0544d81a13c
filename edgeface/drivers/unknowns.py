"""Remember people who are not enrolled from visit to visit, where the owner wants that: vectors, and nothing else.

They are rows among the people of the gallery, so that their keys, backups, log and forgetting are those of everybody;
their name begins with a character that no person's name may hold, and nothing that is about enrolled people sees them.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeface.core.types import Embedding, Identity, Visitor
from edgeface.drivers.audit import append
from edgeface.drivers.gallery_errors import no_unknown
from edgeface.drivers.gallery_forget import Receipt
from edgeface.drivers.gallery_rows import MARK, write_looks
from edgeface.drivers.store import Gallery
from edgeface.errors import StoreError

PREFIX = "unknown-"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Somebody who came and is not enrolled."""

    id: int
    """Their number among the people of the gallery, which nobody else is ever given."""
    looks: int
    visits: int
    first: float
    """When they were seen first, in seconds since the Unix epoch, UTC."""
    last: float
    """When they were last seen to arrive, likewise."""
    ignored: bool

    @property
    def name(self) -> str:
        """What events and commands call them, such as "unknown-17"."""
        return f"{PREFIX}{self.id}"


class Unknowns:
    """The unknown people of a gallery, and an exact `Index` over them.

    Who has not come for `keep_seconds` is not found any more, and goes at the next sweep; who is ignored stays. A query
    is compared with looks of its own model only. While the gallery goes over to another model that is the old one, with
    which all of these people go: no picture of them is kept that the new one could look at.
    """

    def __init__(self, gallery: Gallery, *, keep_seconds: float, most: int = 0, away_seconds: float = 0.0) -> None:
        self._gallery, self._keep_seconds = gallery, keep_seconds
        self._most, self._away_seconds = most, away_seconds

    def everybody(self) -> list[Unknown]:
        """Return all who are remembered, in order of their numbers."""
        with self._gallery.reading_rows() as connection:
            return _read(connection)

    def nearest(self, query: Embedding, k: int) -> list[tuple[Identity, float]]:
        """Return up to k different unknown people and their best cosine, nearest first."""
        now = self._gallery.now()
        lasting = {one.id for one in self.everybody() if one.ignored or one.last + self._keep_seconds > now}
        best: dict[Identity, float] = {}
        for look in self._gallery.unknown_looks():
            if look.identity.id in lasting and look.embedding.model == query.model:
                cosine = float(np.dot(look.embedding.vector, query.vector))
                best[look.identity] = max(cosine, best.get(look.identity, -1.0))
        return sorted(best.items(), key=lambda found: -found[1])[: max(k, 0)]

    def remember(self, embeddings: Sequence[Embedding]) -> int | None:
        """Store somebody new and return their number; None where as many are remembered as may be."""
        if len(self.everybody()) >= self._most:
            return None
        now = self._gallery.now()
        with self._gallery.writing() as (connection, vault):
            number = connection.execute(
                "INSERT INTO people (name, enrolled_at) VALUES (?, ?)", (f"{MARK}new", now)
            ).lastrowid
            assert number is not None  # SQLite gives every inserted row one
            connection.execute("UPDATE people SET name = ? WHERE id = ?", (_stored(number), number))
            connection.execute("INSERT INTO unknowns VALUES (?, 1, ?, 0)", (number, now))
            write_looks(connection, vault, number, [(embedding, "visit", now) for embedding in embeddings])
            append(connection, "unknown remembered", person=number, at=now, looks=len(embeddings))
        return number

    def came(self, number: int) -> Visitor:
        """Note that somebody is there; it is another visit after they were away for `away_seconds`."""
        now = self._gallery.now()
        with self._gallery.changing() as connection:
            again = "visits = visits + (? - last_at > ?), last_at = max(last_at, ?)"
            connection.execute(
                f"UPDATE unknowns SET {again} WHERE person_id = ?",
                (now, self._away_seconds, now, number),
            )
            found = self._find(_read(connection), number)
        return Visitor(found.name, found.visits, found.ignored)

    def ignore(self, number: int) -> Unknown:
        """Let there be no more events of somebody, for good. Raise StoreError when they are not there."""
        with self._gallery.changing() as connection:
            self._find(_read(connection), number)
            connection.execute("UPDATE unknowns SET ignored = 1 WHERE person_id = ?", (number,))
            append(connection, "unknown ignored", person=number, at=self._gallery.now())
            return self._find(_read(connection), number)

    def name(self, number: int, name: str) -> Identity:
        """Enrol somebody with the looks that are remembered, and forget them as an unknown, both or neither.

        Killed in between, the next who opens the gallery overwrites what was remembered. Raise StoreError when they
        are not there, ConfigError for an impossible name.
        """
        return self._gallery.add(name, self.looks_of(number), source=f"{PREFIX}{number}", unknown=number)

    def looks_of(self, number: int) -> list[Embedding]:
        """Return the looks that are remembered of somebody. Raise StoreError when they are not there."""
        self._find(self.everybody(), number)
        return [look.embedding for look in self._gallery.unknown_looks() if look.identity.id == number]

    def forget(self, number: int) -> Receipt:
        """Erase somebody and destroy their key, as a person's. Raise StoreError when they are not there."""
        return self._erase(number, "forgotten")

    def sweep(self) -> list[Receipt]:
        """Forget who has not come for too long, but for those who are ignored; and who cannot be found any more."""
        lost, now = self.drop_lost(), self._gallery.now()
        over = [one.id for one in self.everybody() if not one.ignored and one.last + self._keep_seconds <= now]
        return [*lost, *(self._erase(number, "expired") for number in over)]

    def drop_lost(self) -> list[Receipt]:
        """Forget of whom no look is left, as when the model that made them was retired; the ignored ones too."""
        return [self._erase(one.id, "expired") for one in self.everybody() if not one.looks]

    def _erase(self, number: int, action: str) -> Receipt:
        self._find(self.everybody(), number)
        return self._gallery.erase_row(_stored(number), action)

    def _find(self, everybody: Sequence[Unknown], number: int) -> Unknown:
        found = next((one for one in everybody if one.id == number), None)
        if found is None:
            raise no_unknown(self._gallery.path, number)
        return found


def number_of(name: str) -> int:
    """Return the number in "unknown-17", or of "17". Raise StoreError when it is neither."""
    digits = name.strip().removeprefix(PREFIX)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise StoreError(
            f"{name!r} is no unknown person",
            hint="`edgeface unknowns list` shows who is remembered, such as unknown-17",
        )
    return int(digits)


def _stored(number: int) -> str:
    return f"{MARK}{PREFIX}{number}"


def _read(connection: sqlite3.Connection) -> list[Unknown]:
    rows = connection.execute(
        "SELECT u.person_id, count(t.id), u.visits, p.enrolled_at, u.last_at, u.ignored FROM unknowns u "
        "JOIN people p ON p.id = u.person_id LEFT JOIN templates t ON t.person_id = p.id GROUP BY p.id"
    ).fetchall()
    return [Unknown(*row[:5], ignored=bool(row[5])) for row in rows]

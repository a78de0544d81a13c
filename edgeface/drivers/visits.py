"""Keep how similar confirmed visitors were, as numbers only and for a while, where the owner wants that."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edgeface.core.types import AnyEvent, Event
from edgeface.drivers.gallery_errors import store_errors
from edgeface.drivers.gallery_file import connect_to_write, transaction
from edgeface.errors import SinkError, StoreError

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Visit:
    """One arrival that was given a name."""

    person: int
    model: str
    """SHA-256 of the model file that named them."""
    similarity: float
    """The best cosine among the looks that agreed on the name."""
    at: float
    """Seconds since the Unix epoch, UTC."""


def read_visits(connection: sqlite3.Connection, person: int | None = None) -> list[Visit]:
    """Return the visits of a person, or all, oldest first."""
    rows = connection.execute("SELECT * FROM visits WHERE ? IN (person_id, 0) ORDER BY at", (person or 0,))
    return [Visit(*row) for row in rows.fetchall()]


def drop_before(connection: sqlite3.Connection, at: float) -> int:
    """Delete visits older than that, within a transaction; return how many."""
    return connection.execute("DELETE FROM visits WHERE at < ?", (at,)).rowcount


class VisitKeeper:
    """A `Sink` that keeps the similarity of each arrival with a name, and drops those that are older than some days."""

    def __init__(self, path: Path, model: str, days: int, clock: Callable[[], float]) -> None:
        self._path, self._model, self._days, self._clock = path, model, days, clock

    def emit(self, event: AnyEvent) -> None:
        """Keep one arrival. Raise SinkError when the gallery cannot be written."""
        if not isinstance(event, Event) or event.kind != "arrived" or event.name is None or event.test:
            return
        try:
            with closing(connect_to_write(self._path)) as connection, store_errors(self._path):
                connection.execute("PRAGMA secure_delete = ON")
                with transaction(connection):
                    connection.execute(
                        "INSERT INTO visits SELECT id, ?, ?, ? FROM people WHERE name = ?",
                        (self._model, event.similarity, event.at, event.name),
                    )
                    drop_before(connection, self._clock() - self._days * DAY)
        except StoreError as error:
            raise SinkError(error.message, hint=error.hint) from error

    def close(self) -> None:
        """Nothing is held between two arrivals."""

"""Who agreed to be recognised: given by whom, when, to which text, and until when."""

import math
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from edgeface.core.names import clean_name, suggest
from edgeface.core.types import Identity
from edgeface.drivers.audit import append
from edgeface.drivers.gallery_rows import ENROLLED
from edgeface.errors import ConfigError, StoreError

MOST_TEXT = 100
"""Characters of a text's version."""
LAST_SECOND = 253402300799
"""The end of the year 9999, UTC."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What one person agreed to. Times are in seconds since the Unix epoch, UTC."""

    given_by: str
    """The person, or who speaks for them, such as a parent."""
    text: str
    """The version of the text that was agreed to."""
    given: float
    expires: float | None
    """None: never."""


def record_consent(connection: sqlite3.Connection, path: Path, name: str, consent: Consent) -> Identity:
    """Note a person's consent, in place of an earlier one; within a transaction.

    Raise StoreError when nobody has that name, ConfigError for an impossible text or time.
    """
    name, by = clean_name(name), clean_name(consent.given_by)
    text = consent.text.strip()
    if not 1 <= len(text) <= MOST_TEXT or not text.isprintable():
        raise ConfigError(
            f"the version of the text that was agreed to is {text!r:.120}",
            hint=f"give 1 to {MOST_TEXT} characters, such as 2026-11",
        )
    if consent.expires is not None and not consent.given < consent.expires <= LAST_SECOND:
        raise ConfigError(f"the consent of {name} would be over before it is given", hint="give a later day")
    row = connection.execute("SELECT id FROM people WHERE name = ?", (name,)).fetchone()
    if row is None:
        names = [there for (there,) in connection.execute(f"SELECT p.name FROM people p WHERE {ENROLLED}")]
        raise StoreError(f"nobody called {name!r} is in gallery {path}", hint=suggest(name, names))
    connection.execute(
        "INSERT OR REPLACE INTO consents VALUES (?, ?, ?, ?, ?)", (row[0], by, text, consent.given, consent.expires)
    )
    append(connection, "consented", person=row[0], at=consent.given)
    return Identity(row[0], name)


def read_consents(connection: sqlite3.Connection) -> dict[int, Consent]:
    """Return the consents by the numbers of their people."""
    rows = connection.execute("SELECT person_id, given_by, text, given_at, expires_at FROM consents").fetchall()
    return {person: Consent(by, text, given, expires) for person, by, text, given, expires in rows}


def read_expiries(connection: sqlite3.Connection, keep_seconds: float | None) -> dict[int, float]:
    """Return until when each person may be recognised, in Unix seconds; infinite: for ever.

    That is the end of their consent; without any it is `keep_seconds` after they were enrolled, if given.
    """
    rows = connection.execute(
        "SELECT p.id, p.enrolled_at, c.person_id, c.expires_at FROM people p "
        f"LEFT JOIN consents c ON c.person_id = p.id WHERE {ENROLLED}"
    ).fetchall()
    keep = math.inf if keep_seconds is None else keep_seconds
    return {
        person: enrolled + keep if asked is None else math.inf if expires is None else expires
        for person, enrolled, asked, expires in rows
    }

"""The gallery's log of what was done to whom: entries are only added, and each holds the hash of the one before.

An entry names people by their number in the gallery, which is never given to anybody else; a name is known as long as
its owner is in the gallery. So the log can be kept when somebody is forgotten.
"""

import hashlib
import json
import os
import pwd
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from edgeface.errors import StoreError

BEGINNING = bytes(32)
"""Stands for the hash before the first entry."""
PRUNED = "pruned"
"""The action of an entry that tells of older ones that were dropped."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done."""

    number: int
    at: float
    """Seconds since the Unix epoch, UTC."""
    actor: str
    """The user of the system who ran the command."""
    action: str
    person: int | None
    """The number of a person in the gallery; None where it was done to nobody in particular."""
    amounts: dict[str, int]
    """How many looks, keys or people."""
    previous: bytes
    hash: bytes
    """SHA-256 of all the above, the previous hash included; 32 bytes."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a whole log is."""

    entries: int
    dropped: int
    """Older entries that were dropped by their age, and are told of."""
    head: str
    """The hash of the last entry, hexadecimal. Kept elsewhere, it shows later that nothing was taken from the end."""


def append(
    connection: sqlite3.Connection, action: str, *, person: int | None = None, at: float | None = None, **amounts: int
) -> Entry:
    """Add an entry, within the transaction of what it tells of. `at` is in Unix seconds, or else now."""
    last = connection.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    number, previous = (last[0] + 1, last[1]) if last else (1, BEGINNING)
    at = time.time() if at is None else at
    entry = Entry(number, at, _actor(), action, person, amounts, previous, b"")
    digest = _digest(entry)
    connection.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (number, at, entry.actor, action, person, json.dumps(amounts), previous, digest),
    )
    return Entry(number, at, entry.actor, action, person, amounts, previous, digest)


def read_entries(connection: sqlite3.Connection, path: Path) -> list[Entry]:
    """Return all entries, oldest first. Raise StoreError when one cannot be read."""
    rows = connection.execute(
        "SELECT number, at, actor, action, person, amounts, previous, hash FROM audit ORDER BY number"
    ).fetchall()
    try:
        return [
            Entry(number, at, actor, action, person, json.loads(amounts), previous, digest)
            for number, at, actor, action, person, amounts, previous, digest in rows
        ]
    except ValueError as error:
        raise _broken(path, "an entry's amounts are not JSON") from error


def check(entries: list[Entry], path: Path, *, head: str = "") -> Checked:
    """Follow the chain from the first entry to the last. Raise StoreError naming where it breaks.

    With `head`, the hash of an entry or the beginning of it, that entry must still be there.
    """
    dropped = _check_start(entries, path)
    before: Entry | None = None
    for entry in entries:
        if before and (entry.number != before.number + 1 or entry.previous != before.hash):
            raise _broken(path, f"entries between {before.number} and {entry.number} were removed or changed")
        if entry.hash != _digest(entry):
            raise _broken(path, f"entry {entry.number} was changed")
        before = entry
    if head and not any(entry.hash.hex().startswith(head.lower()) for entry in entries):
        raise _broken(path, f"there is no entry with the hash {head}: entries were removed from the end, or all")
    return Checked(len(entries), dropped, before.hash.hex() if before else "")


def prune(connection: sqlite3.Connection, before: float, *, now: float) -> int:
    """Drop entries from before a time, and tell so in a new one; return how many. Times are in Unix seconds.

    It runs within a transaction. The last entry always stays.
    """
    (through,) = connection.execute(
        "SELECT max(number) FROM audit WHERE number < "
        "coalesce((SELECT min(number) FROM audit WHERE at >= ?), (SELECT max(number) FROM audit))",
        (before,),
    ).fetchone()
    if through is None:
        return 0
    (count,) = connection.execute("SELECT count(*) FROM audit WHERE number <= ?", (through,)).fetchone()
    append(connection, PRUNED, at=now, through=through)
    connection.execute("DELETE FROM audit WHERE number <= ?", (through,))
    return count


def _check_start(entries: list[Entry], path: Path) -> int:
    """Return how many entries were dropped by their age before the first."""
    if not entries:
        return 0
    first = entries[0]
    told = max((entry.amounts.get("through", 0) for entry in entries if entry.action == PRUNED), default=0)
    if first.number != told + 1 or (first.number == 1 and first.previous != BEGINNING):
        raise _broken(path, f"entries before {first.number} were removed")
    return told


def _digest(entry: Entry) -> bytes:
    told = [entry.number, entry.at, entry.actor, entry.action, entry.person, entry.amounts, entry.previous.hex()]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()


def _actor() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user whom the system does not list, as in a container
        return f"uid {os.getuid()}"


def _broken(path: Path, how: str) -> StoreError:
    return StoreError(
        f"the audit log of gallery {path} is broken: {how}",
        hint="somebody changed the file by other means than edgeface; compare it with a backup",
    )

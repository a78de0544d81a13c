"""Look after a gallery: set looks aside, drop pictures, forget whose time is over."""

import math
import sqlite3
from collections import Counter
from collections.abc import Collection, Sequence

from edgeface.core.names import suggest
from edgeface.drivers import gallery_chips
from edgeface.drivers.audit import append, prune
from edgeface.drivers.gallery_forget import Receipt
from edgeface.drivers.gallery_rows import Template, write_reason
from edgeface.drivers.store import Gallery
from edgeface.errors import StoreError


def set_aside(gallery: Gallery, numbers: Collection[int], reason: str) -> list[Template]:
    """Let looks, by their numbers, lie unused until they are taken back, all of them or none; return them.

    Raise StoreError for an unknown number, or where nothing would be left of a person.
    """
    with gallery.changing_looks() as connection:
        chosen = _chosen(gallery, numbers)
        left = Counter(look.identity for look in gallery.templates() if look.id not in numbers)
        for look in chosen:
            if not left[look.identity]:
                raise StoreError(
                    f"look {look.id} is the last in use of {look.identity.name!r}",
                    hint=f"enrol another look first, or `edgeface forget {look.identity.name}`",
                )
        write_reason(connection, numbers, reason)
        _note(connection, "set aside", chosen)
    return chosen


def take_back(gallery: Gallery, numbers: Collection[int]) -> list[Template]:
    """Use looks again that were set aside, all of them or none; return them. Raise StoreError for an unknown number."""
    with gallery.changing_looks() as connection:
        chosen = _chosen(gallery, numbers)
        write_reason(connection, numbers, None)
        _note(connection, "taken back", chosen)
    return chosen


def drop_chips(gallery: Gallery, name: str | None = None) -> int:
    """Delete the pictures that are kept of somebody's looks, or of all, and overwrite them; return how many.

    Raise StoreError when nobody has that name.
    """
    known = {person.identity.name: person.identity.id for person in gallery.people()}
    if name is not None and name not in known:
        raise StoreError(f"nobody called {name!r} is in gallery {gallery.path}", hint=suggest(name, known))
    with gallery.changing() as connection:
        dropped = gallery_chips.drop_chips(connection, known[name] if name is not None else None)
    gallery.wipe()
    return dropped


def sweep(gallery: Gallery, audit_seconds: float | None) -> tuple[list[Receipt], int]:
    """Forget whose time is over, and drop entries of the audit log that are older; return how many of these."""
    now, over = gallery.now(), gallery.expiries()
    names = [p.identity.name for p in gallery.people() if over.get(p.identity.id, math.inf) <= now]
    receipts = [gallery.erase_row(name, "expired") for name in names]
    if audit_seconds is None:
        return receipts, 0
    with gallery.changing() as connection:
        return receipts, prune(connection, now - audit_seconds, now=now)


def _chosen(gallery: Gallery, numbers: Collection[int]) -> list[Template]:
    known = {look.id: look for look in gallery.looks()}
    for number in numbers:
        if number not in known:
            raise StoreError(f"gallery {gallery.path} has no look {number}", hint="`edgeface gallery looks` lists them")
    return [known[number] for number in numbers]


def _note(connection: sqlite3.Connection, action: str, looks: Sequence[Template]) -> None:
    """Add to the audit log what was done to the looks of each person."""
    for person, count in Counter(look.identity.id for look in looks).items():
        append(connection, action, person=person, looks=count)

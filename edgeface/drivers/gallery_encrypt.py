"""Encrypt a plain gallery, all of it or nothing, and give an encrypted one another master key."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edgeface.drivers.audit import append
from edgeface.drivers.gallery_errors import store_errors
from edgeface.drivers.gallery_file import open_gallery, require, transaction
from edgeface.drivers.gallery_wipe import rewrite
from edgeface.drivers.key_copies import Spread, spread
from edgeface.drivers.keyring import make_keyring, rewrap
from edgeface.drivers.master_key import Master
from edgeface.drivers.vault import CHIP, Vault, keyring_of, ring_of
from edgeface.errors import StoreError


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A gallery that is encrypted now."""

    people: int
    looks: int
    keyring: Path
    """The key file, which belongs to it."""
    log_emptied: bool
    """False: another program keeps reading, and plain vectors stay in the log until it ends."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """A gallery with another master key."""

    keys: int
    spread: Spread
    """Where the key file is the new one, and where the old master key still opens it."""


def encrypt(path: Path, master: Master) -> Encrypted:
    """Encrypt every vector, each person's with a key of their own, in one transaction.

    The plain vectors are then overwritten in the file and its log; backups made before stay as they are. Raise
    StoreError when the gallery is encrypted already.
    """
    require(path)
    with closing(open_gallery(path, read_only=False)) as gallery, store_errors(path):
        with transaction(gallery):
            if ring_of(gallery):
                raise StoreError(
                    f"gallery {path} is encrypted already", hint="`edgeface gallery rotate-key` changes its master key"
                )
            ring = make_keyring(path.parent, master)
            gallery.execute("INSERT INTO encryption VALUES (?)", (ring.id,))
            looks = seal_plain(gallery, Vault(path, ring, ring.unlock(master)))
            append(gallery, "encrypted", looks=looks)
            (people,) = gallery.execute("SELECT count(*) FROM people").fetchone()
        emptied = rewrite(gallery)
    return Encrypted(people, looks, ring.path, emptied)


def seal_plain(gallery: sqlite3.Connection, vault: Vault) -> int:
    """Seal the looks of everybody who has no key, within a transaction; return how many. A plain vault does nothing."""
    keyless = [person for (person,) in gallery.execute("SELECT id FROM people WHERE key IS NULL").fetchall()]
    vault.make_keys(gallery, keyless)
    sealed = 0
    for person in keyless:
        sealed += _seal(gallery, vault, person, "templates", "id", "vector", "t.model")
        _seal(gallery, vault, person, "next_templates", "look", "vector", "s.model")
        _seal(gallery, vault, person, "chips", "look", "picture", f"'{CHIP}'")
    return sealed


def _seal(gallery: sqlite3.Connection, vault: Vault, person: int, table: str, look: str, held: str, bound: str) -> int:
    """Seal what a table holds of a person's looks, bound to the model that made it; return how many rows."""
    rows = gallery.execute(
        f"SELECT t.id, s.{held}, {bound}, p.key FROM {table} s JOIN templates t ON t.id = s.{look} "
        "JOIN people p ON p.id = t.person_id WHERE p.id = ?",
        (person,),
    ).fetchall()
    changed = [(vault.seal(plain, key, made_by), number) for number, plain, made_by, key in rows if key]
    gallery.executemany(f"UPDATE {table} SET {held} = ? WHERE {look} = ?", changed)
    return len(changed)


def rotate(path: Path, old: Master, new: Master) -> Rotated:
    """Wrap the people's keys with another master key; the vectors stay as they are.

    The old key file's bytes are overwritten, here and in the folders of backups that are there. Killed in the middle,
    the old master key or the new one opens the gallery. Raise StoreError when the gallery is plain or `old` is wrong.
    """
    require(path)
    with closing(open_gallery(path, read_only=False)) as gallery, store_errors(path), transaction(gallery):
        ring = keyring_of(gallery, path)
        if ring is None:
            raise StoreError(f"gallery {path} is not encrypted", hint="`edgeface gallery encrypt`")
        append(gallery, "rotated", keys=len(ring.live))
        ring = rewrap(ring, old, new)
        return Rotated(len(ring.live), spread(gallery, ring))

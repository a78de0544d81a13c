"""Prove that a gallery or a backup is whole, and put a backup back without losing what is there."""

import sqlite3
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edgeface.core.prepare import is_unit
from edgeface.drivers.audit import append
from edgeface.drivers.durable import sync_folder
from edgeface.drivers.gallery_backup import BEFORE_RESTORE, DAMAGED, copy_gallery, count, free_name
from edgeface.drivers.gallery_chips import read_chips
from edgeface.drivers.gallery_encrypt import seal_plain
from edgeface.drivers.gallery_errors import RESTORE, store_errors
from edgeface.drivers.gallery_file import (
    check_content,
    empty_log,
    exists,
    migrate,
    open_any_version,
    open_gallery,
    reading,
    schema_of,
    transaction,
)
from edgeface.drivers.gallery_rows import ENROLLED, MARK, UNKNOWN, read_templates
from edgeface.drivers.key_copies import remember_folder
from edgeface.drivers.keyring import copy_keyring, keyring_path, read_keyring
from edgeface.drivers.master_key import Master
from edgeface.drivers.vault import Vault, open_vault, open_vault_to_write, ring_of
from edgeface.errors import GalleryDamaged, StoreError

TABLES = (
    "people",
    "templates",
    "consents",
    "calibrations",
    "chips",
    "next_templates",
    "upgrades",
    "visits",
    "unknowns",
)

WITH_CHIPS = 6
"""Since this schema a gallery may hold chips, and the vectors of a model to come."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a whole gallery or backup holds."""

    people: int
    looks: int
    schema: int
    models: list[str]
    """SHA-256 of the model files that made the looks; one, unless the gallery is empty."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What restoring a backup changed."""

    people: int
    looks: int
    lost: list[str]
    """Who had looks that the backup lacks; they are in `aside`."""
    returned: list[str]
    """Who is in the gallery again, or with more looks; perhaps somebody who was forgotten since."""
    aside: Path | None
    """Where the content before is kept; None when there was none."""
    still_forgotten: list[str]
    """Who is in the backup, but was forgotten since: their key is gone, so they stay forgotten."""


def verify(path: Path, master: Master | None = None, keys: Path | None = None) -> Verified:
    """Read all of a gallery or backup, changing nothing. Raise StoreError saying what is wrong.

    `master` gives the key of an encrypted one; its key file is taken from the folder `keys`, if it is there, or else
    from its own.
    """
    with closing(open_any_version(path)) as connection, store_errors(path), reading(connection):
        check_content(connection, path)
        schema = schema_of(connection, path)
        people, looks = count(connection)
        ring = ring_of(connection)
        known = keys if ring and keys and keyring_path(keys, ring).exists() else None
        # A plain backup is none the worse for a key that was set since.
        vault = open_vault(connection, path, master if ring else None, known)
        templates = read_templates(connection, path, vault)
        models = sorted({template.embedding.model for template in templates})
        if schema >= WITH_CHIPS:
            deque(read_chips(connection, path, vault), maxlen=0)  # each is opened and looked at
            templates += read_templates(connection, path, vault, upcoming=True)
        templates += read_templates(connection, path, vault, UNKNOWN)
    for template in templates:
        if not is_unit(template.embedding.vector):
            name = template.identity.name.removeprefix(MARK)
            raise GalleryDamaged(f"gallery {path} is damaged: a look at {name} is not of unit length", hint=RESTORE)
    return Verified(people, looks, schema, models)


def restore(backup: Path, path: Path, *, force: bool, now: float, master: Master | None = None) -> Restored:
    """Give a gallery the content of a backup, in one transaction, and keep what it held in a file beside it.

    Programs that have the gallery open see the change. A damaged gallery is moved aside, and they must be started
    again. Who was forgotten by an encrypted gallery stays forgotten. Raise StoreError when the gallery has looks that
    the backup lacks, unless `force`, when the backup is damaged, and when it is of another encrypted gallery; the
    gallery is then unchanged. `now` is in Unix seconds.
    """
    if not exists(backup):
        raise StoreError(f"there is no backup at {backup}", hint="`edgeface gallery backup` makes one")
    if exists(path) and backup.samefile(path):
        raise StoreError(f"backup {backup} is the gallery itself", hint="name a file of `edgeface gallery backup`")
    verify(backup, master, path.parent)
    with closing(_in_memory(backup)) as kept, store_errors(path):
        damaged = _move_damaged(path, now)
        held = exists(path)
        with closing(open_gallery(path, read_only=False)) as gallery:
            with transaction(gallery):
                _adopt(gallery, path, kept, backup)
                vault = open_vault_to_write(gallery, path, master)
                forgotten = _drop_forgotten(kept, vault)
                lost, returned = _differences(gallery, kept, vault)
                if lost and not force:
                    raise StoreError(
                        f"gallery {path} has looks that backup {backup} lacks: of {_some(lost)}",
                        hint="--force restores it nevertheless, and keeps what is there in a file beside it",
                    )
                aside = _copy_aside(path, now) if held and count(gallery)[0] else damaged
                _replace(gallery, kept)
                seal_plain(gallery, vault)
                people, looks = count(gallery)
                append(gallery, "restored", at=now, people=people, looks=looks, lost=len(lost), returned=len(returned))
            empty_log(gallery)
    return Restored(people, looks, lost, returned, aside, forgotten)


def _adopt(gallery: sqlite3.Connection, path: Path, kept: sqlite3.Connection, backup: Path) -> None:
    """Let an empty gallery take over the key file of the backup. Raise StoreError for one of another gallery."""
    theirs, ours = ring_of(kept), ring_of(gallery)
    if theirs is None or theirs == ours:
        return
    if ours or count(gallery)[0]:
        raise StoreError(
            f"backup {backup} was made of another encrypted gallery than {path}",
            hint="restore it to another file with --gallery, then use `edgeface gallery export` and `import`",
        )
    if not keyring_path(
        path.parent, theirs
    ).exists():  # or else it has outlived the gallery, and knows best who is gone
        copy_keyring(read_keyring(keyring_path(backup.parent, theirs)), path.parent)
        remember_folder(gallery, backup.parent)
    gallery.execute("INSERT INTO encryption VALUES (?)", (theirs,))


def _drop_forgotten(kept: sqlite3.Connection, vault: Vault) -> list[str]:
    """Leave out whose key was destroyed."""
    gone = [(id_, name) for id_, name, key in kept.execute("SELECT id, name, key FROM people") if vault.is_gone(key)]
    kept.executemany("DELETE FROM people WHERE id = ?", [(id_,) for id_, _ in gone])
    return sorted(name for _, name in gone)


def _in_memory(path: Path) -> sqlite3.Connection:
    """Return a copy of the newest schema; the file stays as it is."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    memory.execute("PRAGMA foreign_keys = ON")
    with closing(open_any_version(path)) as source, store_errors(path):
        source.backup(memory)
        migrate(memory, path)
    return memory


def _move_damaged(path: Path, now: float) -> Path | None:
    """Move a gallery that is damaged, and its log, out of the way; leave any other."""
    if not exists(path):
        return None
    try:
        open_gallery(path, read_only=False).close()
    except GalleryDamaged:
        aside = free_name(path.parent, f"{path.stem}-{DAMAGED}", now)
        # The log first: a new gallery must never meet the log of another.
        for end in ("-wal", "-shm", "-journal", ""):
            part = path.with_name(path.name + end)
            if part.exists():
                part.rename(aside.with_name(aside.name + end))
        sync_folder(path.parent)
        return aside
    return None


def _copy_aside(path: Path, now: float) -> Path:
    aside = free_name(path.parent, f"{path.stem}-{BEFORE_RESTORE}", now)
    copy_gallery(path, aside)
    return aside


def _differences(gallery: sqlite3.Connection, kept: sqlite3.Connection, vault: Vault) -> tuple[list[str], list[str]]:
    """Return who has looks in the gallery alone, and who in the backup alone."""
    ours, theirs = Counter(_looks(gallery, vault)), Counter(_looks(kept, vault))
    return sorted({look[0] for look in ours - theirs}), sorted({look[0] for look in theirs - ours})


def _looks(connection: sqlite3.Connection, vault: Vault) -> Iterator[tuple[str, bytes | None, str]]:
    # A person without a look counts too.
    rows = connection.execute(
        "SELECT p.name, t.vector, p.key, t.model FROM people p LEFT JOIN templates t ON t.person_id = p.id "
        f"WHERE {ENROLLED}"
    )
    for name, vector, key, model in rows:
        yield name, vault.open(vector, key, model), model


def _replace(gallery: sqlite3.Connection, kept: sqlite3.Connection) -> None:
    for table in ("people", "calibrations", "upgrades"):  # looks and consents go with their people
        gallery.execute(f"DELETE FROM {table}")
    for table in TABLES:
        rows = kept.execute(f"SELECT * FROM {table}").fetchall()  # of the same schema as the gallery
        if rows:
            gallery.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    if not gallery.execute("SELECT EXISTS (SELECT 1 FROM audit)").fetchone()[0]:
        # A gallery that was lost goes on with the log of its backup.
        gallery.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", kept.execute("SELECT * FROM audit"))
    for (last,) in kept.execute("SELECT seq FROM sqlite_sequence WHERE name = 'people'"):
        # An id that the backup had given away is not given to another person.
        gallery.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'people'", (last,))


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

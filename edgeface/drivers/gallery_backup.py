"""Copy a gallery while it is in use, and keep the newest of the copies."""

import fcntl
import glob
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgeface.drivers.durable import is_draft, make_folder, replacing
from edgeface.drivers.gallery_errors import store_errors
from edgeface.drivers.gallery_file import check_content, connect_to_write, open_any_version, transaction
from edgeface.drivers.gallery_rows import ENROLLED
from edgeface.drivers.key_copies import remember_folder
from edgeface.drivers.keyring import copy_keyring
from edgeface.drivers.vault import keyring_of, ring_of
from edgeface.errors import StoreError

NAME = re.compile(r"gallery-(\d{8}T\d{6}Z)(?:-(\d+))?\.db")
"""A backup's file name: when it was made, UTC, and which of that second it is."""


BEFORE_RESTORE, DAMAGED = KEPT_ASIDE = ("before-restore", "damaged")
"""What `restore` calls the files beside a gallery in which it keeps what was there."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was made, and the older ones that made room for it."""

    path: Path
    people: int
    looks: int
    removed: list[Path]


def backup(path: Path, folder: Path, *, keep: int | None, now: float) -> Backup:
    """Copy a gallery, in use or not, to a dated file in a folder; leave only the `keep` newest there, if given.

    `now` is in Unix seconds. The copy is checked and on the disk before an older one is removed; when anything
    fails, the older ones stay. Files of other names are never removed. Of an encrypted gallery the key file is
    brought up to date there, one for all backups; the master key is not needed. Raise StoreError.
    """
    try:
        make_folder(folder)
        with _alone_in(folder):
            target = free_name(folder, "gallery", now)
            people, looks = copy_gallery(path, target)
            removed = _rotate(folder, target, keep)
    except OSError as error:
        raise StoreError(
            f"backups cannot be kept in {folder}: {error.strerror}", hint="name a folder that can be written"
        ) from error
    return Backup(target, people, looks, removed)


def copy_gallery(path: Path, target: Path) -> tuple[int, int]:
    """Copy a gallery, as it is at one moment, to one file; return how many people and looks it holds.

    Of an encrypted one the key file in that folder is brought up to date first. Writers go on meanwhile.
    Raise StoreError when the gallery or the copy is damaged, OSError when `target` cannot be written.
    """
    with (
        closing(open_any_version(path)) as source,
        replacing(target) as draft,
        store_errors(target),
        closing(sqlite3.connect(draft, isolation_level=None)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, with no log beside it
        check_content(copy, path)
        _copy_keys(path, target.parent)
        return count(copy)


def _copy_keys(path: Path, folder: Path) -> None:
    """Bring the key file that goes with the backups in a folder up to date. Raise StoreError, OSError."""
    with closing(open_any_version(path)) as gallery:
        if ring_of(gallery) is None or folder.samefile(path.parent):
            return
    with closing(connect_to_write(path)) as gallery, store_errors(path), transaction(gallery):
        remember_folder(gallery, folder)
        ring = keyring_of(gallery, path)
        if ring:
            copy_keyring(ring, folder)  # in the transaction, so that who is forgotten meanwhile is not copied


def count(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how many people and how many looks there are."""
    return connection.execute(
        f"SELECT (SELECT count(*) FROM people p WHERE {ENROLLED}), "
        f"(SELECT count(*) FROM templates t JOIN people p ON p.id = t.person_id WHERE {ENROLLED})"
    ).fetchone()


def free_name(folder: Path, stem: str, now: float) -> Path:
    """Return a dated path that no file has."""
    dated = f"{stem}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}"
    path, number = folder / f"{dated}.db", 1
    while path.exists():
        number += 1
        path = folder / f"{dated}-{number}.db"
    return path


def backups_in(folder: Path) -> list[Path]:
    """Return the backups in a folder, oldest first; none where there is no folder."""
    found = [(match, path) for path in folder.glob("gallery-*.db") if (match := NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found, key=lambda pair: (pair[0][1], int(pair[0][2] or 1)))]


def plain_copies(path: Path, folder: Path) -> list[Path]:
    """Return the copies of a gallery that are not encrypted, and may still hold whom it has forgotten.

    They are sought beside it, where `restore` keeps what was there, in a folder of backups, and in those that it was
    backed up to since it is encrypted. What cannot be read is taken for plain, and a folder that cannot be for empty:
    this follows what cannot be undone, and must not fail.
    """
    found = _unless_refused(_kept_aside, path)
    for there in dict.fromkeys([folder.absolute(), *_unless_refused(_folders_known, path)]):
        found += _unless_refused(backups_in, there)
    return [file for file in found if _is_plain(file)]


def _kept_aside(path: Path) -> list[Path]:
    return [file for kind in KEPT_ASIDE for file in sorted(path.parent.glob(f"{glob.escape(path.stem)}-{kind}-*.db"))]


def _folders_known(path: Path) -> list[Path]:
    with closing(open_any_version(path)) as gallery, store_errors(path):
        return [Path(name) for (name,) in gallery.execute("SELECT folder FROM key_copies ORDER BY folder")]


def _unless_refused(listing: Callable[[Path], list[Path]], where: Path) -> list[Path]:
    try:
        return listing(where)
    except (OSError, StoreError):
        return []


def _is_plain(file: Path) -> bool:
    try:
        with closing(open_any_version(file)) as copy, store_errors(file):
            return ring_of(copy) is None
    except StoreError:
        return True


def _rotate(folder: Path, newest: Path, keep: int | None) -> list[Path]:
    for path in folder.iterdir():
        if is_draft(path):  # of a backup that was killed: only we are here
            path.unlink()
    if keep is None:
        return []
    # A clock that was set back must not make the new one the oldest.
    older = [path for path in backups_in(folder) if path != newest]
    removed = older[: max(len(older) - (keep - 1), 0)]
    for path in removed:
        path.unlink()
    return removed


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let other backups to this folder wait until the block ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

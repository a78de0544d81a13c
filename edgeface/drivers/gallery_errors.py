"""What SQLite's refusals mean for a gallery, and what to do about them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeface.errors import GalleryDamaged, StoreError

RESTORE = "`edgeface gallery restore` a backup, or move the file away and enrol again"


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn whatever SQLite or the file system refuses into one StoreError that names the gallery."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        reason, hint = _meaning(error, path)
        refused = GalleryDamaged if code_of(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR) else StoreError
        raise refused(f"gallery {path} {reason}", hint=hint) from error
    except UnicodeDecodeError as error:  # in a row, or in SQLite's own message about a damaged one
        raise GalleryDamaged(f"gallery {path} is damaged: a text is not UTF-8", hint=RESTORE) from error
    except OSError as error:
        raise StoreError(f"gallery {path} cannot be opened: {error.strerror}") from error


def code_of(error: sqlite3.DatabaseError) -> int:
    """Return SQLite's primary code, where no room for the file that readers share counts as a full disk."""
    code = getattr(error, "sqlite_errorcode", 0)
    return sqlite3.SQLITE_FULL if code == sqlite3.SQLITE_IOERR_SHMSIZE else code & 0xFF


def _meaning(error: sqlite3.DatabaseError, path: Path) -> tuple[str, str]:
    """Return what an SQLite error says of the gallery, and what to do."""
    meanings = {
        sqlite3.SQLITE_FULL: ("cannot be written: the disk is full", "free some space, then try again"),
        sqlite3.SQLITE_READONLY: ("is read-only", f"make {path} and its folder writable"),
        sqlite3.SQLITE_BUSY: ("is locked by another process", "try again when it has finished"),
        sqlite3.SQLITE_CORRUPT: (f"is damaged: {error}", RESTORE),
        sqlite3.SQLITE_NOTADB: ("is not a gallery", "give another path, or move the file away"),
        sqlite3.SQLITE_IOERR: (f"cannot be read or written: {error}", "check the disk"),
        sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "check the permissions of the file and its folder"),
    }
    return meanings.get(code_of(error), (f"cannot be used: {error}", RESTORE))


def no_unknown(path: Path, number: int) -> StoreError:
    """Return what to raise where nobody unknown of that number is remembered."""
    return StoreError(
        f"there is no unknown-{number} in gallery {path}", hint="`edgeface unknowns list` shows who is remembered"
    )

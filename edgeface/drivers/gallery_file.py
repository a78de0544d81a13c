"""The SQLite file behind a gallery: how it is opened, checked and kept up to date."""

import errno
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from edgeface.drivers.durable import make_file, make_folder, sync_folder
from edgeface.drivers.gallery_errors import RESTORE, code_of, store_errors
from edgeface.drivers.gallery_schema import definitions, version_of
from edgeface.drivers.gallery_tables import APPLICATION_ID, KINDS, MIGRATIONS
from edgeface.errors import GalleryDamaged, StoreError

BUSY_SECONDS = 5.0
SPARE_BYTES = 1 << 20

ENROL = "enrol somebody first: `edgeface enroll`"


def require(path: Path) -> None:
    """Raise StoreError where there is no gallery."""
    if not exists(path):
        raise StoreError(f"there is no gallery at {path}", hint=ENROL)


def exists(path: Path) -> bool:
    """Tell whether there is a gallery's file. Raise StoreError where there cannot be one."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise _unopened(path, error) from error
    if stat.S_ISDIR(mode):
        raise StoreError(f"gallery {path} is a folder", hint="give the path of a file, such as gallery.db")
    if not stat.S_ISREG(mode):
        raise StoreError(f"gallery {path} is not a file", hint="give the path of a file, such as gallery.db")
    return True


def open_gallery(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open or create a gallery of the newest schema. Raise StoreError when that cannot be done."""
    _prepare(path, read_only=read_only)
    with store_errors(path):
        connection = _connect_readable(path) if read_only else _connect(path, "mode=rw")
        try:
            _configure(connection, path, read_only=read_only)
        except BaseException:
            connection.close()
            raise
    return connection


def open_any_version(path: Path) -> sqlite3.Connection:
    """Open a gallery or a backup for reading, whatever known schema it has. Raise StoreError."""
    require(path)
    connection = open_if_filled(path)
    if connection is None:
        raise StoreError(f"gallery {path} is empty", hint=ENROL)
    return connection


def open_if_filled(path: Path) -> sqlite3.Connection | None:
    """Open it likewise, but return None where there is no file, or nothing in it yet. Raise StoreError."""
    if not exists(path):
        return None
    with store_errors(path):
        connection = _connect_readable(path)
        try:
            filled = schema_of(connection, path) > 0
        except BaseException:
            connection.close()
            raise
    if not filled:
        connection.close()
    return connection if filled else None


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Connect to a gallery that was just opened and checked, for one small change. Raise StoreError."""
    with store_errors(path):
        connection = _connect(path, "mode=rw")
        connection.execute("PRAGMA synchronous = EXTRA")
    return connection


def imagine_gallery(path: Path) -> sqlite3.Connection:
    """Return an empty gallery in memory, for where there is no file yet. Raise StoreError where none can be made."""
    try:
        make_folder(path.parent)
    except OSError as error:
        raise _unopened(path, error) from error
    if not os.access(path.parent, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise _unopened(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, path)
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all of the statements or none, whatever happens in between."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back when the disk is full
            connection.execute("ROLLBACK")
        raise


@contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all statements see the gallery as it is at the first of them."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def empty_log(connection: sqlite3.Connection) -> bool:
    """Fold the log of recent writes (`-wal`) into the file and empty it, for it may hold what was deleted.

    Return False when another connection has kept reading or writing for BUSY_SECONDS.
    """
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def check_writable(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreError when the gallery is read-only, locked or on a full disk."""
    with store_errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Reading and beginning go well on a read-only gallery; this does not.
            connection.execute("DELETE FROM people WHERE id < 0")
        finally:
            connection.execute("ROLLBACK")
        free = shutil.disk_usage(path.parent).free
    if free < SPARE_BYTES:
        raise StoreError(f"gallery {path} cannot grow: the disk is full", hint="free some space")


def _prepare(path: Path, *, read_only: bool) -> None:
    if read_only:
        require(path)
        return
    exists(path)
    try:
        make_folder(path.parent)
        if not path.exists():
            # Before SQLite makes it, so that the file of faces is nobody else's to read, not even for a moment.
            make_file(path)
            sync_folder(path.parent)
    except OSError as error:
        raise _unopened(path, error) from error


def _unopened(path: Path, error: OSError | ValueError) -> StoreError:
    reason = getattr(error, "strerror", None) or str(error)
    return StoreError(f"gallery {path} cannot be opened: {reason}", hint="check the path and its permissions")


def _connect(path: Path, options: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{options}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        # As sqlite.org/security.html advises for files that a stranger may have made.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
    except BaseException:
        connection.close()
        raise
    return connection


NO_ROOM_BESIDE_IT = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL)
"""What SQLite says where it can add no file to the gallery's folder."""


def _connect_readable(path: Path) -> sqlite3.Connection:
    """Connect for reading; where no file can be added SQLite must be told that nobody writes."""
    connection = _connect(path, "mode=ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except BaseException as error:  # a UnicodeDecodeError too, where SQLite's message quotes what is no text
        connection.close()
        if not isinstance(error, sqlite3.DatabaseError) or code_of(error) not in NO_ROOM_BESIDE_IT:
            raise
        if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK and _take_back(path):
            return _connect(path, "mode=ro")
        return _connect(path, "immutable=1")
    return connection


def _take_back(path: Path) -> bool:
    """Take back what a power cut left half written, which only a writer may; return False where nobody may write."""
    if not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        return False
    with closing(_connect(path, "mode=rw")) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master")
    return True


def _configure(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")  # so that VACUUM leaves no copy in a temporary file
    version = schema_of(connection, path)
    if read_only:
        if not version:
            raise StoreError(f"gallery {path} is empty", hint=ENROL)
        if version < len(MIGRATIONS):
            raise StoreError(f"gallery {path} is of an older schema", hint="`edgeface gallery migrate`")
    else:
        # EXTRA is FULL, and the folder too is on the disk before the journal of a migration counts as gone.
        connection.execute("PRAGMA synchronous = EXTRA")
        if version < len(MIGRATIONS):
            if version:
                _check_apart(path)
            migrate(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        empty_log(connection)  # a `forget` that was killed may have left vectors there
    check_content(connection, path)


def _check_apart(path: Path) -> None:
    """Refuse a damaged gallery before it is migrated, so that it stays as it is.

    By a connection of its own: SQLite 3.40 cannot empty the log of one that has checked a file which had no log yet.
    """
    with closing(_connect(path, "mode=ro")) as connection:
        check_content(connection, path)


def check_content(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreError when the file's structure or the kinds of its values are damaged."""
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise GalleryDamaged(f"gallery {path} is damaged: {verdict.splitlines()[-1]}", hint=RESTORE)
    if connection.execute("PRAGMA foreign_key_check").fetchone():
        raise GalleryDamaged(f"gallery {path} is damaged: a look belongs to nobody", hint=RESTORE)
    schema = schema_of(connection, path)
    for table, kinds in ((table, kinds) for since, table, kinds in KINDS if since <= schema):
        (wrong,) = connection.execute(f"SELECT count(*) FROM {table} WHERE NOT ({kinds})").fetchone()
        if wrong:
            raise GalleryDamaged(f"gallery {path} is damaged: {table} holds values of the wrong kind", hint=RESTORE)


def schema_of(connection: sqlite3.Connection, path: Path) -> int:
    """Return the file's schema version, 0 for an empty file. Refuse another program's, a newer or a changed one."""
    found = definitions(connection)
    if not found:
        return 0
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    if mark != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program", hint="give another path for the gallery")
    version = version_of(connection, found, MIGRATIONS)
    if version is None:
        raise GalleryDamaged(f"gallery {path} is damaged: its tables are not those of edgeface", hint=RESTORE)
    if version > len(MIGRATIONS):
        raise StoreError(
            f"gallery {path} has schema {version}, this edgeface knows {len(MIGRATIONS)}",
            hint="upgrade edgeface: pip install --upgrade edgeface",
        )
    return version


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema up to date, all of it or nothing."""
    with transaction(connection):
        version = schema_of(connection, path)  # again: another process may have been quicker
        for number, statements in enumerate(MIGRATIONS[version:], version + 1):
            for statement in statements:
                connection.execute(statement)
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (number, time.time()))

"""The connection to a gallery's file, which is made when somebody is first written to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from edgeface.drivers.gallery_errors import store_errors
from edgeface.drivers.gallery_file import exists, imagine_gallery, open_gallery, transaction


class GalleryConnection:
    """An open gallery; where there is no file yet, an empty one in memory, unless `read_only`, which needs one.

    Goes over to the file as soon as this or another process has made it. Raise StoreError when it cannot be opened.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self._gone_over = 0
        self._absent = not read_only and not exists(path)
        self._connection: sqlite3.Connection | None = (
            imagine_gallery(path) if self._absent else open_gallery(path, read_only=read_only)
        )

    def __repr__(self) -> str:
        return f"GalleryConnection({str(self.path)!r}, {'open' if self.is_open else 'closed'})"

    @property
    def is_open(self) -> bool:
        """Whether it is not closed yet."""
        return self._connection is not None

    @property
    def has_file(self) -> bool:
        """Whether there is a file."""
        return not self._absent

    @property
    def rows(self) -> sqlite3.Connection:
        """The database as it is now. Raise ValueError after `close`."""
        if self._connection is None:
            raise ValueError(f"gallery {self.path} was closed")
        if self._absent and exists(self.path):  # another process has made it
            self.make_file()
        return self._connection

    def version(self) -> tuple[int, int]:
        """Return what is another once somebody else has changed the gallery, or it has gone over to the file."""
        (changes,) = self.rows.execute("PRAGMA data_version").fetchone()
        return self._gone_over, changes

    def make_file(self) -> None:
        """Go over to the file, which is made if there is none yet."""
        if self._absent:
            made = open_gallery(self.path, read_only=False)
            self.close()
            self._connection, self._absent = made, False
            self._gone_over += 1

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        if self._connection:
            with self.errors():
                self._connection.close()
        self._connection = None

    def errors(self) -> AbstractContextManager[None]:
        """Turn whatever is refused into a StoreError that names the gallery."""
        return store_errors(self.path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the database to read from."""
        with self.errors():
            yield self.rows

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Yield the database in a transaction, for a change that is kept when the block ends well."""
        with self.errors(), transaction(self.rows):
            yield self.rows

"""Tell whether an SQLite file defines exactly the tables that edgeface made, before anything of it is read.

A file of a stranger may have a view in the place of a table, or a trigger or an index of an expression: that is code,
which runs when the file is read or written, and need not end.
"""

import functools
import sqlite3
from collections.abc import Sequence
from contextlib import closing

Definitions = frozenset[tuple[object, ...]]
"""The kind, name, table and statement of each table, index, view and trigger."""
Migration = tuple[str, ...]


def definitions(connection: sqlite3.Connection) -> Definitions:
    """Return all that a file defines."""
    return frozenset(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


def version_of(connection: sqlite3.Connection, found: Definitions, migrations: Sequence[Migration]) -> int | None:
    """Return the schema version of a file that defines `found`, or None when it is not as edgeface makes it.

    It may be above that of the last migration: such a file may define more.
    """
    journal = {known for known in _defined_by((migrations[0],)) if known[1] == "migrations"}
    if not journal <= found:
        return None
    (version,) = connection.execute("SELECT max(number) FROM migrations").fetchone()
    if not isinstance(version, int) or version < 1:
        return None
    if version <= len(migrations) and found != _defined_by(tuple(migrations[:version])):
        return None
    return version


@functools.cache
def _defined_by(migrations: tuple[Migration, ...]) -> Definitions:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statements in migrations:
            for statement in statements:
                connection.execute(statement)
        return definitions(connection)

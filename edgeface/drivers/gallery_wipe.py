"""Leave no byte of what was deleted in a gallery's file."""

import sqlite3

from edgeface.drivers.gallery_errors import code_of
from edgeface.drivers.gallery_file import empty_log


def rewrite(connection: sqlite3.Connection) -> bool:
    """Write the file anew without what was deleted, where there is room and nobody writes, and empty the log.

    Return False when another connection has kept reading or writing for BUSY_SECONDS. What was deleted is overwritten
    in any case.
    """
    try:
        connection.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if code_of(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
            raise
    return empty_log(connection)

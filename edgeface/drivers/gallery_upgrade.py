"""Bring a gallery of an older edgeface up to date."""

import os
from contextlib import closing
from pathlib import Path

from edgeface.drivers.gallery_file import MIGRATIONS, open_any_version, open_gallery, schema_of


def migrate_file(path: Path) -> tuple[int, int]:
    """Bring the schema up to date, all of it or nothing; return which it was and which it is.

    Raise StoreError when there is no gallery, it is damaged or cannot be written; it is then as it was.
    """
    with closing(open_any_version(path)) as connection:
        old = schema_of(connection, path)
    open_gallery(path, read_only=False).close()
    return old, len(MIGRATIONS)


def upgrade(path: Path) -> None:
    """Do so before the gallery is only read, where it can be written; otherwise who reads it is told of its age.

    Raise StoreError when there is no gallery, or it is damaged.
    """
    with closing(open_any_version(path)) as connection:
        is_old = schema_of(connection, path) < len(MIGRATIONS)
    if is_old and _is_writable(path) and _is_writable(path.parent):
        migrate_file(path)


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)

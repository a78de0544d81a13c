"""Bring a gallery of an older edgeface up to date before it is only read."""

import os
from contextlib import closing
from pathlib import Path

from edgeface.drivers.gallery_file import MIGRATIONS, open_any_version, open_gallery, schema_of


def upgrade(path: Path) -> None:
    """Bring the schema up to date, where the file can be written; otherwise who reads it is told of its age.

    Raise StoreError when there is no gallery, or it is damaged.
    """
    with closing(open_any_version(path)) as connection:
        is_old = schema_of(connection, path) < len(MIGRATIONS)
    if is_old and _is_writable(path) and _is_writable(path.parent):
        open_gallery(path, read_only=False).close()


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)

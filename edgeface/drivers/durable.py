"""Write files so that a power cut leaves the old one or the new one, never half of one.

What root makes here belongs to the owner of the folder it is made in: in the service's folder root enrols people, and
the service must be able to read them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, for the owner alone, to stay even if the power goes."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in reversed(missing):
        descriptor = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            _hand_over(descriptor, made)
        finally:
            os.close(descriptor)
        sync_folder(made.parent)


def make_file(path: Path) -> None:
    """Make an empty file for the owner alone; what is there already stays, but a link is refused with OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        _hand_over(descriptor, path)
    finally:
        os.close(descriptor)


def _hand_over(descriptor: int, path: Path) -> None:
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.fchown(descriptor, folder.st_uid, folder.st_gid)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a draft, empty and for the owner alone, that takes the place of `path` when the block ends well.

    The draft lies beside `path`; it is on the disk before it gets the name, and the name is on the disk before
    this returns. When the block fails the draft is removed; after a kill it stays, see `is_draft`.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    draft.unlink(missing_ok=True)
    make_file(draft)
    try:
        yield draft
        descriptor = os.open(draft, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def is_draft(path: Path) -> bool:
    """Tell whether a file is a draft of `replacing`."""
    return path.name.startswith(".") and path.name.endswith(".part")

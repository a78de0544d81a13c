"""Record what Python writes to the files of a folder beside SQLite's: a gallery's key file and its drafts.

For as long as it records, `os.open`, `pwrite`, `fsync`, `replace` and `unlink` and `Path.write_bytes` note what they do
and pass it on. A file keeps its handle when it is renamed, as on a disk.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.bench.recorder import Entry

HANDLES = count(1)


@contextmanager
def recording_files(folder: Path, log: list[Entry]) -> Iterator[None]:
    """Add to the log what is done to the files of a folder by other programs' means than SQLite's."""
    whole = os.open, os.pwrite, os.fsync, os.replace, os.unlink, os.close, Path.write_bytes
    real_open, real_pwrite, real_fsync, real_replace, real_unlink, real_close, _ = whole
    handles: dict[int, str | None] = {}

    def name_of(path: Any) -> str | None:
        place = Path(path)
        return place.name if place.parent == folder else None

    def opened(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        name = name_of(path)
        is_new = name is not None and not Path(path).exists()
        descriptor = real_open(path, flags, *arguments, **named)
        if Path(path) == folder:
            handles[descriptor] = None
        elif name is not None and not name.startswith("gallery.db"):
            if is_new:
                log.append(Entry("create", name))
            handle = next(HANDLES)
            log.append(Entry("open", name, handle))
            handles[descriptor] = f"#{handle}"
        return descriptor

    def pwrite(descriptor: int, content: bytes, place: int) -> int:
        handle = handles.get(descriptor)
        if handle:
            log.append(Entry("write", handle, place, bytes(content)))
        return real_pwrite(descriptor, content, place)

    def fsync(descriptor: int) -> None:
        real_fsync(descriptor)
        if descriptor in handles:
            handle = handles[descriptor]
            log.append(Entry("fsync", handle) if handle else Entry("folder", ""))

    def close(descriptor: int) -> None:
        handles.pop(descriptor, None)
        real_close(descriptor)

    def replace(source: Any, target: Any, **named: Any) -> None:
        real_replace(source, target, **named)
        before, after = name_of(source), name_of(target)
        if before and after:
            log.append(Entry("rename", before, 0, after.encode()))

    def unlink(path: Any, **named: Any) -> None:
        real_unlink(path, **named)
        name = name_of(path)
        if name:
            log.append(Entry("delete", name))

    def write_bytes(path: Path, content: bytes) -> int:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            return os.pwrite(descriptor, content, 0)
        finally:
            os.close(descriptor)

    os.open, os.pwrite, os.fsync, os.replace, os.unlink, os.close = opened, pwrite, fsync, replace, unlink, close
    Path.write_bytes = write_bytes  # pyright: ignore[reportAttributeAccessIssue] (put back below)
    try:
        yield
    finally:
        os.open, os.pwrite, os.fsync, os.replace, os.unlink, os.close, Path.write_bytes = whole

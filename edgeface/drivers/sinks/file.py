"""Append events to a file, which is rotated by size and may be renamed by others at any time."""

import os
from pathlib import Path

from edgeface.core.types import AnyEvent
from edgeface.drivers.sinks.json_lines import event_json
from edgeface.errors import SinkError


class EventFile:
    """A `Sink` that appends each event as a line of JSON to a file that only its owner can read.

    A file that would grow beyond `max_bytes` (0: no limit) becomes `name.1`, that one `name.2` and so on,
    up to `keep`. When the file has been renamed or deleted, as logrotate does, the next line begins a new one.
    """

    def __init__(self, path: Path, *, max_bytes: int = 0, keep: int = 5) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._file: int | None = None
        self._size = 0

    def __repr__(self) -> str:
        return f"EventFile({self._path}, {'closed' if self._file is None else 'open'})"

    def emit(self, event: AnyEvent) -> None:
        """Append one line, wholly or not at all. Raise SinkError when that cannot be done."""
        line = (event_json(event) + "\n").encode()
        try:
            file = self._open()
            if self._max_bytes and self._size and self._size + len(line) > self._max_bytes:
                self._rotate()
                file = self._open()
            self._append(file, line)
        except OSError as error:
            raise SinkError(
                f"events cannot be written to {self._path}: {error.strerror}",
                hint="see that the folder exists, is writable and has room",
            ) from error

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _open(self) -> int:
        """Return the file that has the path now."""
        if self._file is not None and not self._is_current(self._file):
            self.close()
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._file).st_size
        return self._file

    def _is_current(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self._path.stat())
        except FileNotFoundError:
            return False

    def _rotate(self) -> None:
        self.close()
        for number in range(self._keep - 1, 0, -1):
            if self._numbered(number).exists():
                self._numbered(number).replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _append(self, file: int, line: bytes) -> None:
        written = os.write(file, line)
        if written < len(line):  # the disk is full: half a line would spoil the next one too
            os.ftruncate(file, self._size)
            raise OSError(None, "the disk is full")

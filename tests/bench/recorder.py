"""Record what SQLite writes to the files of a folder, and when it waits for the disk, through a thin VFS.

The default VFS of SQLite's shared library is replaced, for this process, by a copy that notes and passes on. See
sqlite.org/c3ref/vfs.html and sqlite.org/c3ref/io_methods.html.
"""

import ctypes
import sqlite3
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

assert sqlite3.sqlite_version  # loads the shared library that is searched for below

Close = CFUNCTYPE(c_int, c_void_p)
Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
Sync = CFUNCTYPE(c_int, c_void_p, c_int)
Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
Delete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)

METHODS = {1: 12, 2: 16, 3: 18}
"""How many functions a version of sqlite3_io_methods has."""


class _Methods(Structure):
    _fields_ = (
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", c_void_p),
        ("truncate", c_void_p),
        ("sync", c_void_p),
        ("others", c_void_p * 13),
    )


class _File(Structure):
    _fields_ = (("methods", POINTER(_Methods)),)


class _Vfs(Structure):
    _fields_ = (
        ("version", c_int),
        ("file_size", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("own", c_void_p),
        ("open", c_void_p),
        ("delete", c_void_p),
        ("others", c_void_p * 14),
    )


@dataclass(frozen=True)
class Entry:
    """One thing that was done to a file."""

    kind: str
    """create, write, truncate, sync or delete."""
    file: str
    place: int = 0
    """Of a write: the offset; of a truncation: the new size; of a deletion: 1 if the folder was synced."""
    content: bytes = b""


class Recorder:
    """The log of all that SQLite does to the files of `folder`, while one is set."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.log: list[Entry] = []
        self._names: dict[int, str] = {}
        self._tables: dict[int, tuple[_Methods, Any]] = {}
        self._kept: list[Any] = []  # what C holds must not be collected
        library = ctypes.CDLL(_library())
        library.sqlite3_vfs_find.restype = c_void_p
        self._original = library.sqlite3_vfs_find(None)
        self._vfs = _Vfs.from_buffer_copy(ctypes.string_at(self._original, ctypes.sizeof(_Vfs)))
        self._open, self._delete = Open(self._vfs.open), Delete(self._vfs.delete)
        self._vfs.name = b"edgeface-recorder"
        self._vfs.open = self._pointer(Open(self._on_open))
        self._vfs.delete = self._pointer(Delete(self._on_delete))
        if library.sqlite3_vfs_register(byref(self._vfs), 1):
            raise RuntimeError("SQLite does not take the recording VFS")

    def _pointer(self, function: Any) -> int | None:
        self._kept.append(function)
        return ctypes.cast(function, c_void_p).value

    def _name(self, path: bytes | None) -> str | None:
        """Return the file's name, if its folder is recorded."""
        found = Path(path.decode()) if path else None
        return found.name if found and found.parent == self.folder else None

    def _on_open(self, _vfs: int, path: int | None, file: int, flags: int, out: int | None) -> int:
        name = self._name(ctypes.string_at(path) if path else None)
        is_new = name is not None and self.folder is not None and not (self.folder / name).exists()
        code = self._open(self._original, path, file, flags, out)
        self._names.pop(file, None)
        if not code and name is not None:
            if is_new:
                self.log.append(Entry("create", name))
            self._names[file] = name
            opened = ctypes.cast(file, POINTER(_File)).contents
            opened.methods = ctypes.pointer(self._noting(opened.methods))
        return code

    def _noting(self, original: Any) -> _Methods:
        """Return a file's functions with those that change something replaced by ones that note it."""
        address = ctypes.addressof(original.contents)
        if address not in self._tables:
            size = _Methods.close.offset + METHODS[min(original.contents.version, 3)] * ctypes.sizeof(c_void_p)
            copy = _Methods.from_buffer_copy(ctypes.string_at(address, size).ljust(ctypes.sizeof(_Methods), b"\0"))
            write, truncate, sync = Write(copy.write), Truncate(copy.truncate), Sync(copy.sync)

            def on_write(file: int, content: int, amount: int, place: int) -> int:
                self.log.append(Entry("write", self._names[file], place, ctypes.string_at(content, amount)))
                return write(file, content, amount, place)

            def on_truncate(file: int, size: int) -> int:
                self.log.append(Entry("truncate", self._names[file], size))
                return truncate(file, size)

            def on_sync(file: int, flags: int) -> int:
                code = sync(file, flags)
                self.log.append(Entry("sync", self._names[file]))
                return code

            copy.write = self._pointer(Write(on_write))
            copy.truncate = self._pointer(Truncate(on_truncate))
            copy.sync = self._pointer(Sync(on_sync))
            self._tables[address] = (copy, original)
        return self._tables[address][0]

    def _on_delete(self, _vfs: int, path: bytes, synced: int) -> int:
        code = self._delete(self._original, path, synced)
        name = self._name(path)
        if not code and name is not None:
            self.log.append(Entry("delete", name, int(bool(synced))))
        return code


def _library() -> str:
    """Return the path of the SQLite library that Python has loaded. Raise RuntimeError when it is built in."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        if "libsqlite3" in line:
            return line.split(maxsplit=5)[5]
    raise RuntimeError("power cuts need a Python whose sqlite3 uses a shared libsqlite3, as Debian's does")

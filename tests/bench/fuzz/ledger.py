"""What a worker tells while it runs, in a file that outlives it: counts, and the input that it is busy with."""

import mmap
import struct
import time
from pathlib import Path
from typing import Self

HEAD = struct.Struct("<QQddd")
"""Executions that ended; of these refusals; when the present one began, on the wall's clock (0: none) and on the
processor's; and the processor's seconds of the slowest."""
SIZE = struct.Struct("<Q")
MOST_BYTES = 1 << 20
"""Of an input."""


class Ledger:
    """A file in memory that a worker writes and the bench reads, even after the worker was killed."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(HEAD.size + SIZE.size + MOST_BYTES))
        with path.open("r+b") as stream:
            self._map = mmap.mmap(stream.fileno(), 0)
        self.executions, self.refusals, self.began, self.began_cpu, self.slowest = HEAD.unpack_from(self._map)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._map.close()

    def begin(self, content: bytes) -> None:
        """Note the input before it is parsed."""
        SIZE.pack_into(self._map, HEAD.size, len(content))
        start = HEAD.size + SIZE.size
        self._map[start : start + len(content)] = content
        self.began, self.began_cpu = time.monotonic(), time.process_time()
        self._write()

    def end(self, *, refused: bool) -> None:
        """Count one execution."""
        self.slowest = max(self.slowest, time.process_time() - self.began_cpu)
        self.executions += 1
        self.refusals += refused
        self.began = 0.0
        self._write()

    def read(self) -> None:
        """Take over what the other side wrote."""
        self.executions, self.refusals, self.began, self.began_cpu, self.slowest = HEAD.unpack_from(self._map)

    def abandon(self) -> None:
        """Count the execution in which a worker died."""
        self.executions += 1
        self.began = 0.0
        self._write()

    @property
    def content(self) -> bytes:
        """The input of the present execution, or of the last."""
        (size,) = SIZE.unpack_from(self._map, HEAD.size)
        start = HEAD.size + SIZE.size
        return bytes(self._map[start : start + size])

    def _write(self) -> None:
        HEAD.pack_into(self._map, 0, self.executions, self.refusals, self.began, self.began_cpu, self.slowest)

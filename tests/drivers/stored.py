"""What tests of the gallery file share: made-up looks, a second process, and what is on the disk."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Embedding
from edgeface.drivers.store import Gallery

MODEL = "ab" * 32
OTHER_MODEL = "cd" * 32
SIZE = 8
NOW = 1_764_057_600.0
"""2025-11-25 08:00:00 UTC."""

CHILD = """
import os, signal, sys
from pathlib import Path
import numpy as np
from edgeface.core.types import Embedding
from edgeface.drivers.store import Gallery
path, model = Path(sys.argv[1]), sys.argv[2]
vectors = np.eye(8, dtype=np.float32)
gallery = Gallery(path, model)
"""


def looks(*rows: int, model: str = MODEL, size: int = SIZE) -> list[Embedding]:
    return [Embedding(np.eye(size, dtype=np.float32)[row], model) for row in rows]


def in_a_child(path: Path, script: str, *, wait: bool = True) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD + script, str(path), MODEL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if wait:
        child.communicate(timeout=30)
    return child


def all_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def of_person(seed: int, looks: int, size: int = 512) -> list[Embedding]:
    vectors = np.random.default_rng(seed).normal(size=(looks, size))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [Embedding(vector, MODEL) for vector in vectors.astype(np.float32)]


def windows(content: bytes) -> npt.NDArray[np.uint64]:
    """Return every run of 8 bytes, from any offset."""
    return np.unique(
        np.concatenate([np.frombuffer(content[at:][: (len(content) - at) // 8 * 8], "<u8") for at in range(8)])
    )


def traces(folder: Path, looks: list[Embedding]) -> int:
    """Count the aligned runs of 8 bytes of vectors that stand anywhere in the files of a folder."""
    wanted = np.concatenate([np.frombuffer(look.vector.astype("<f4").tobytes(), "<u8") for look in looks])
    return sum(int(np.isin(wanted, windows(file.read_bytes())).sum()) for file in folder.iterdir() if file.is_file())


def names(path: Path) -> list[str]:
    with Gallery(path, MODEL, read_only=True) as gallery:
        return [person.identity.name for person in gallery.people()]


def damage(path: Path) -> None:
    """Overwrite all but the first page."""
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)

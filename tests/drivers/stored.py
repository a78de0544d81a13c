"""What tests of the gallery file share: made-up looks, a second process, and all that is on the disk."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from edgeface.core.types import Embedding

MODEL = "ab" * 32
OTHER_MODEL = "cd" * 32
SIZE = 8

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

"""Read a teacher's embeddings: the targets of a stage that distils."""

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeface.errors import ConfigError


def teacher_vectors(path: Path, order: Path, chips: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return the teacher's unit vector of every chip, matched by path. Raise ConfigError for a chip without one."""
    try:
        with np.load(path, allow_pickle=False) as content:
            vectors = content["vectors"].astype(np.float32)
        with order.open(encoding="utf-8", newline="") as file:
            rows = {row["file"]: place for place, row in enumerate(csv.DictReader(file))}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"the teacher's vectors {path} or their order {order} cannot be read: {error}",
            hint="an .npz with `vectors`, and a CSV whose column `file` names the chip of each",
        ) from error
    missing = [chip for chip in chips if chip not in rows]
    if missing or len(rows) != len(vectors):
        raise ConfigError(
            f"teacher {path} has {len(vectors)} vectors for {len(rows)} chips, {len(missing)} of ours are missing",
            hint="make the teacher's vectors for this very set of chips",
        )
    return vectors[[rows[chip] for chip in chips]]

"""Read what a teacher says about chips, blends of them and unlabelled chips: the targets of a stage that distils."""

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Image, Vector
from edgeface.errors import ConfigError
from edgeface_train.blend import Blends
from edgeface_train.chips import ChipSet
from edgeface_train.warp import unbent


class Unlabelled(NamedTuple):
    """Chips of which nobody knows who is on them."""

    images: Image
    """(k, side, side, 3), of the side of the chips that are trained on."""
    vectors: Vector
    """(k, size) unit vectors of them."""


class Teacher(NamedTuple):
    """The targets of n chips, of m blends of them, and of k unlabelled ones; in training numbered in this order."""

    vectors: Vector
    """(n, size) unit vectors of the chips."""
    blends: Blends
    """Their pairs are positions among the n chips."""
    blend_vectors: Vector
    """(m, size) unit vectors of the blends."""
    unlabelled: Unlabelled | None = None

    @property
    def behind(self) -> tuple[int, int]:
        """How many blends, and how many unlabelled chips, are numbered behind the chips."""
        return len(self.blend_vectors), len(self.unlabelled.vectors) if self.unlabelled else 0


def read_teacher(path: Path, order: Path | None, chips: Sequence[str], unlabelled: ChipSet | None = None) -> Teacher:
    """Return what a teacher says about chips, matched by path, the blends of none but these, and unlabelled chips.

    The file holds `vectors` and, unless `order` is given, a CSV whose column `file` does it, the `files` they are of;
    with blends also `pairs`, of rows of `vectors`, `seams`, `blend_vectors` and, where faces were bent, `warps`, with
    unlabelled chips `unlabelled_files` and `unlabelled_vectors`, as `edgeface data teach` writes them.
    Raise ConfigError for a file that does not, or a chip without a vector.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            vectors = content["vectors"].astype(np.float32)
            files = _ordered(order) if order else content["files"].tolist()
            blends, blend_vectors = _blends(content, vectors)
            nobody = _unlabelled(content, vectors) if unlabelled else {}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"the teacher's vectors {path} or their order {order} cannot be read: {error}",
            hint="an .npz with `vectors`, and a CSV whose column `file` names the chip of each",
        ) from error
    rows = {file: place for place, file in enumerate(files)}
    missing = [chip for chip in chips if chip not in rows]
    if missing or len(rows) != len(vectors):
        raise ConfigError(
            f"teacher {path} has {len(vectors)} vectors for {len(rows)} chips, {len(missing)} of ours are missing",
            hint="make the teacher's vectors for this very set of chips",
        )
    ours = np.array([rows[chip] for chip in chips], np.int64)
    place = np.full(len(vectors), -1, np.int32)
    place[ours] = np.arange(len(ours))
    pairs = place[blends.pairs]
    kept = (pairs >= 0).all(axis=1)
    told = Teacher(vectors[ours], Blends(pairs[kept], blends.seams[kept], blends.warps[kept]), blend_vectors[kept])
    return told._replace(unlabelled=_matched(path, unlabelled, nobody)) if unlabelled else told


def teacher_vectors(path: Path, order: Path | None, chips: Sequence[str]) -> Vector:
    """Return the teacher's unit vector of every chip, matched by path. Raise ConfigError for a chip without one."""
    return read_teacher(path, order, chips).vectors


def _ordered(order: Path) -> list[str]:
    with order.open(encoding="utf-8", newline="") as file:
        return [row["file"] for row in csv.DictReader(file)]


def _unlabelled(content: npt.NDArray | dict[str, npt.NDArray], vectors: Vector) -> dict[str, Vector]:
    """Return the vectors of a file's unlabelled chips by path, none where it has none."""
    if "unlabelled_vectors" not in content:
        return {}
    files, told = content["unlabelled_files"].tolist(), content["unlabelled_vectors"].astype(np.float32)
    if told.shape != (len(files), vectors.shape[1]):
        raise ValueError(f"its {len(told)} unlabelled vectors do not fit its {len(files)} unlabelled files")
    return dict(zip(files, told, strict=True))


def _matched(path: Path, chips: ChipSet, known: dict[str, Vector]) -> Unlabelled:
    missing = [chip for chip in chips.paths if chip not in known]
    if missing:
        raise ConfigError(
            f"teacher {path} has no vectors of {len(missing)} of {len(chips)} unlabelled chips, such as {missing[0]}",
            hint="ask it about them with `edgeface data teach --unlabelled`",
        )
    return Unlabelled(chips.images, np.stack([known[chip] for chip in chips.paths]))


def _blends(content: npt.NDArray | dict[str, npt.NDArray], vectors: Vector) -> tuple[Blends, Vector]:
    """Return the blends of a file, none where it has none; a file from before there were warps has unbent ones."""
    if "pairs" not in content:
        return Blends(np.empty((0, 2), np.int32), np.empty((0, 3), np.float32), unbent(0)), vectors[:0]
    pairs, seams, told = (content[name] for name in ("pairs", "seams", "blend_vectors"))
    warps = straight = unbent(len(told))
    if "warps" in content:
        warps = content["warps"].astype(np.float32)
    fits = pairs.shape == (len(told), 2) and seams.shape == (len(told), 3) and told.shape[1:] == vectors.shape[1:]
    if not fits or warps.shape != straight.shape or (len(pairs) and not 0 <= pairs.min() <= pairs.max() < len(vectors)):
        raise ValueError(f"its {len(told)} blends do not fit its {len(vectors)} vectors")
    return Blends(pairs.astype(np.int32), seams.astype(np.float32), warps), told.astype(np.float32)

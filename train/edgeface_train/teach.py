"""Ask a teacher, any function from chips to vectors, about a folder of chips, blends of them and unlabelled chips.

What it said is kept by the digest of each picture: a run that was stopped goes on, and one for a folder that grew asks
about the new chips alone.
"""

import os
import time
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Image, Vector
from edgeface.errors import ConfigError
from edgeface_train.blend import Blends, blend, draw_blends
from edgeface_train.chips import ChipSet, load_chips, load_unlabelled
from edgeface_train.doctor.clean import apply_clean, read_clean
from edgeface_train.evaluation.candidates import Candidate, chips_for, load_peer
from edgeface_train.sampling import centres
from edgeface_train.warp import warp as bent

BLOCK = 128
"""Pictures the teacher is given at once."""
SAVE_SECONDS = 60.0
PART = ".part"
"""Behind the name of the file in which an unfinished run keeps what the teacher has said."""


class Answers:
    """What one teacher has said, by the SHA-256 of the picture."""

    def __init__(self, teacher: Candidate, out: Path) -> None:
        self._teacher, self._part = teacher, out.with_name(out.name + PART)
        self._known: dict[bytes, Vector] = {}
        self._saved = time.monotonic()
        for path in (out, self._part):
            if path.exists():
                self._known |= _said_before(path, teacher.name)

    def about(self, pictures: Image) -> tuple[Vector, npt.NDArray[np.uint8]]:
        """Return (n, size) unit vectors and (n, 32) digests of (n, side, side, 3) pictures, asking where need be."""
        digests = [sha256(picture.tobytes()).digest() for picture in pictures]
        new = [place for place, digest in enumerate(digests) if digest not in self._known]
        if new:
            said = self._teacher.embed(chips_for(self._teacher, pictures[new])).astype(np.float16)
            self._known |= {digests[place]: vector for place, vector in zip(new, said, strict=True)}
        if time.monotonic() - self._saved > SAVE_SECONDS:
            self._saved = time.monotonic()
            self.save()
        return (
            np.stack([self._known[digest] for digest in digests]),
            np.stack([np.frombuffer(digest, np.uint8) for digest in digests]),
        )

    def save(self) -> None:
        """Keep what was said so far, beside the file that it will end in."""
        digests = np.stack([np.frombuffer(digest, np.uint8) for digest in self._known])
        write_arrays(
            self._part, teacher=self._teacher.name, digests=digests, vectors=np.stack(list(self._known.values()))
        )

    def done(self) -> None:
        """Drop the unfinished file."""
        self._part.unlink(missing_ok=True)


def teach(
    chips: Path,
    adapter: Path,
    out: Path,
    *,
    clean: Path | None,
    blends: int,
    seed: int,
    tell: Callable[[str], object],
    warp: float = 0.0,
    unlabelled: Path | None = None,
) -> None:
    """Write a teacher's vectors of all chips of a folder, of so many blends of those that a clean list leaves, their
    faces bent by up to `warp` pixels, and of a folder of unlabelled chips.

    The file has `files`, `vectors` (n, size), `digests`, `teacher`, and with blends `pairs` (m, 2), rows of `vectors`,
    `seams` (m, 3), `warps` (m, 2, NODES, NODES), `blend_vectors` (m, size) and `blend_digests`; see `blend.py` and
    `warp.py`. Of unlabelled chips it has `unlabelled_files`, `unlabelled_vectors` (k, size) and `unlabelled_digests`.
    Raise ConfigError for a folder, list or adapter that cannot be used. Interrupted, it keeps what it has.
    """
    teacher = load_peer(adapter)
    if teacher.distance != "cosine":
        raise ConfigError(f"teacher {teacher.name} gives no unit vectors", hint="divide by their length in the adapter")
    people = load_chips(chips)
    listed = read_clean(clean) if clean else None
    kept = load_chips(chips, edit=lambda listing: apply_clean(listing, listed) if listed else listing)
    if blends and len(kept.names) < 2:
        raise ConfigError(f"{chips} has one person, a blend is of two", hint="give chips of more people")
    nobody = load_unlabelled(unlabelled, apart=[chips]) if unlabelled else None
    answers = Answers(teacher, out)
    try:
        vectors, digests = _ask(answers, people.images, "chips", tell)
        arrays = {"files": np.array(people.paths), "vectors": vectors, "digests": digests}
        if blends:
            arrays |= _ask_about_blends(answers, people, kept, vectors, blends, warp, seed, tell)
        if nobody:
            arrays |= _ask_about_unlabelled(answers, nobody, tell)
    except KeyboardInterrupt:
        answers.save()
        raise
    write_arrays(out, teacher=teacher.name, **arrays)
    answers.done()


def _ask_about_blends(
    answers: Answers,
    people: ChipSet,
    kept: ChipSet,
    vectors: Vector,
    count: int,
    warp: float,
    seed: int,
    tell: Callable[[str], object],
) -> dict[str, npt.NDArray]:
    rows = {path: row for row, path in enumerate(people.paths)}
    row = np.array([rows[path] for path in kept.paths], np.int32)
    middles = centres(vectors[row].astype(np.float32), kept.people, len(kept.names))
    drawn = draw_blends(kept, middles, count, np.random.default_rng(seed), warp=warp)
    said, digests = _ask(answers, _Blended(kept.images, drawn), "blends", tell)
    return {
        "pairs": row[drawn.pairs],
        "seams": drawn.seams,
        "warps": drawn.warps,
        "blend_vectors": said,
        "blend_digests": digests,
    }


def _ask_about_unlabelled(answers: Answers, nobody: ChipSet, tell: Callable) -> dict[str, npt.NDArray]:
    said, digests = _ask(answers, nobody.images, "unlabelled chips", tell)
    return {
        "unlabelled_files": np.array(nobody.paths),
        "unlabelled_vectors": said,
        "unlabelled_digests": digests,
    }


class _Blended:
    """Blends that are made when they are looked at."""

    def __init__(self, images: Image, blends: Blends) -> None:
        self._images, self._blends = images, blends

    def __len__(self) -> int:
        return len(self._blends.pairs)

    def __getitem__(self, block: slice) -> Image:
        one, other = self._blends.pairs[block].T
        warps = self._blends.warps[block]
        return blend(bent(self._images[one], warps), bent(self._images[other], warps), self._blends.seams[block])


def _ask(
    answers: Answers, pictures: Image | _Blended, what: str, tell: Callable[[str], object]
) -> tuple[Vector, npt.NDArray[np.uint8]]:
    found = []
    for block in _blocks(len(pictures)):
        found.append(answers.about(pictures[block]))
        tell(f"{min(block.stop, len(pictures)):,} of {len(pictures):,} {what}")
    vectors, digests = zip(*found, strict=True)
    return np.concatenate(vectors), np.concatenate(digests)


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, count, BLOCK))


def _said_before(path: Path, teacher: str) -> dict[bytes, Vector]:
    """Return what a file holds of this teacher, by digest; nothing of a file without digests, or of another teacher."""
    try:
        with np.load(path, allow_pickle=False) as content:
            if "digests" not in content or str(content["teacher"]) != teacher:
                return {}
            found = dict(zip(map(bytes, content["digests"]), content["vectors"], strict=True))
            for kind in ("blend", "unlabelled"):
                if f"{kind}_digests" in content:
                    digests, vectors = content[f"{kind}_digests"], content[f"{kind}_vectors"]
                    found |= zip(map(bytes, digests), vectors, strict=True)
            return found
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path} cannot be read: {error}", hint="remove it, or choose another file") from error


def write_arrays(path: Path, **arrays: npt.ArrayLike) -> None:
    """Write an .npz, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    named: dict[str, Any] = {name: np.asarray(value) for name, value in arrays.items()}
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with draft.open("wb") as file:
            np.savez(file, **named)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)

"""Turn photos, or chips that are aligned already, into one file of unit vectors."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from edgeface.core.align import CHIP_SIZE, align
from edgeface.core.prepare import crop_centre
from edgeface.core.protocols import Detector, Embedder
from edgeface.core.types import Image, Vector
from edgeface.errors import ConfigError, EnrollmentError, NoFaceFound, PoorPhoto

CHIP_SIZES = (CHIP_SIZE, 128)
"""Sides of the aligned chips that are accepted: without a border, and with 8 px of it."""

Cut = Callable[[Image, str], Image]
"""Cuts the chip of one face out of a picture of that name. Raises EnrollmentError where there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """The vectors of the photos that have a face, and why the others have none."""

    names: list[str]
    vectors: Vector
    """(len(names), size), unit length."""
    skipped: list[str]
    """A line for each of the others."""


def embed_photos(
    photos: Iterable[tuple[str, Path]],
    *,
    read: Callable[[Path], Image],
    cut: Cut,
    embedder: Embedder,
    on_photo: Callable[[int], None] = lambda _: None,
) -> Embedded:
    """Embed one face a photo; `on_photo` hears how many photos are done."""
    names, vectors, skipped = [], [], []
    for done, (name, path) in enumerate(photos, start=1):
        try:
            [embedding] = embedder.embed([cut(read(path), name)])
        except EnrollmentError as reason:
            skipped.append(reason.message)
        else:
            names.append(name)
            vectors.append(embedding.vector)
        on_photo(done)
    if not vectors:
        raise NoFaceFound(f"none of {len(skipped)} photos can be embedded; {skipped[0] if skipped else ''}")
    return Embedded(names, np.stack(vectors), skipped)


def largest_face(detector: Detector) -> Cut:
    """Return a cut of the largest face of a photo."""

    def cut(image: Image, name: str) -> Image:
        faces = detector.detect(image)
        if not faces:
            raise NoFaceFound(f"{name}: no face found")
        return align(image, faces[0].landmarks)

    return cut


def aligned_chip(image: Image, name: str) -> Image:
    """Return the middle 112x112 of a picture that is an aligned chip already."""
    height, width = image.shape[:2]
    if height != width or height not in CHIP_SIZES:
        sizes = " or ".join(f"{size}x{size}" for size in CHIP_SIZES)
        raise PoorPhoto(f"{name}: {width}x{height} pixels, an aligned chip has {sizes}")
    return crop_centre(image[np.newaxis], CHIP_SIZE)[0]


def save(path: Path, embedded: Embedded, model: str) -> None:
    """Write `names`, `vectors` and `model` to an .npz file, which appears only when it is complete.

    Raise ConfigError when it cannot be written.
    """
    draft = path.with_name(path.name + ".part")
    content = BytesIO()  # NumPy 1 leaves a complaint behind when it writes to a disk that fills
    np.savez(content, names=np.array(embedded.names), vectors=embedded.vectors, model=np.array(model))
    try:
        draft.write_bytes(content.getvalue())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error

"""Read every chip once and keep what the checks need: digests, a perceptual hash, quality and a vector."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeface.core.align import CHIP_SIZE
from edgeface.core.prepare import crop_centre
from edgeface.core.protocols import Embedder
from edgeface.core.quality import MIDDLE, luminance, sharpness
from edgeface.core.types import Embedding, Image, Vector
from edgeface_train.chips import Listing, read_chip
from edgeface_train.duplicates import perceptual_hash

BLOCK = 256
"""Chips decoded at once; nothing of a chip but its figures outlives its block."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one chip once its pixels are forgotten."""

    file_digest: bytes
    """Of the file's bytes."""
    pixel_digest: bytes
    """Of the decoded picture: the same for one picture saved in two formats without loss."""
    hash: int
    """See `perceptual_hash`."""
    sharpness: float
    """See `edgeface.core.quality.sharpness`."""
    brightness: float
    """Mean of the grey face, 0 to 255."""


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A folder of chips, read."""

    listing: Listing
    seen: list[Seen]
    vectors: Vector | None
    """(n, size), unit length; None where no embedder was given."""
    model: str = ""
    """SHA-256 of the model file that made them."""


def scan(listing: Listing, embedder: Embedder | None, on_chip: Callable[[int], None] = lambda _: None) -> Scan:
    """Read the chips of a folder, and embed them if there is an embedder; `on_chip` hears how many are done.

    Raise ConfigError for a chip that is none.
    """
    seen: list[Seen] = []
    embeddings: list[Embedding] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # OpenCV decodes and hashes without the GIL
        for start in range(0, len(listing.paths), BLOCK):
            block = listing.paths[start : start + BLOCK]
            for found, chip in pool.map(lambda path: _look(listing.folder / path), block):
                seen.append(found)
                if embedder is not None:
                    embeddings += embedder.embed([chip])
            on_chip(len(seen))
    if not embeddings:
        return Scan(listing, seen, None)
    return Scan(listing, seen, np.stack([embedding.vector for embedding in embeddings]), embeddings[0].model)


def _look(path: Path) -> tuple[Seen, Image]:
    chip = read_chip(path)
    face = luminance(crop_centre(chip[np.newaxis], CHIP_SIZE)[0][MIDDLE])
    return Seen(
        file_digest=hashlib.blake2b(path.read_bytes(), digest_size=16).digest(),
        pixel_digest=hashlib.blake2b(chip.tobytes(), digest_size=16).digest(),
        hash=perceptual_hash(chip),
        sharpness=sharpness(face),
        brightness=float(face.mean()),
    ), chip

"""Fill a gallery with people who do not exist, to measure what a search among many takes."""

from contextlib import closing
from pathlib import Path

import numpy as np

from edgeface.core.prepare import normalise
from edgeface.drivers.gallery_errors import store_errors
from edgeface.drivers.gallery_file import open_gallery, transaction
from edgeface.drivers.gallery_rows import STORED

SOURCE = "bench"


def enrol_crowd(path: Path, model: str, *, people: int, size: int, seed: int = 11) -> None:
    """Make a gallery of people with one random unit vector of `size` values each; always the same ones.

    Directions drawn at random are nearly orthogonal to each other and to any face: nobody is taken for them. They are
    stored in one transaction, as `Gallery.add` would take half a minute for a thousand.
    """
    vectors = normalise(np.random.default_rng(seed).normal(size=(people, size)).astype(np.float32)).astype(STORED)
    numbers = range(1, people + 1)
    with closing(open_gallery(path, read_only=False)) as gallery, store_errors(path), transaction(gallery):
        gallery.executemany(
            "INSERT INTO people (id, name, enrolled_at) VALUES (?, ?, 0)",
            [(number, f"stranger {number}") for number in numbers],
        )
        gallery.executemany(
            "INSERT INTO templates (person_id, vector, model, source, created_at) VALUES (?, ?, ?, ?, 0)",
            [(number, vector.tobytes(), model, SOURCE) for number, vector in zip(numbers, vectors, strict=True)],
        )

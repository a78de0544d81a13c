"""All templates of a gallery in memory, and the exact search among them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Identity, Vector
from edgeface.drivers.gallery_errors import RESTORE
from edgeface.drivers.gallery_rows import Template
from edgeface.errors import GalleryDamaged


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """All templates in memory, a person's rows together."""

    vectors: npt.NDArray[np.float32]
    """(templates, size)"""
    starts: npt.NDArray[np.intp]
    """The first row of each person."""
    people: list[Identity]
    models: frozenset[str]
    expiries: npt.NDArray[np.float64]
    """Until when each person may be recognised, in Unix seconds."""

    def nearest(self, query: Vector, k: int, *, now: float) -> list[tuple[Identity, float]]:
        """Return up to k different people and their best cosine, nearest first; ties by who came first.

        `query` is a unit vector, (size,); who may no longer be recognised at `now`, in Unix seconds, is left out.
        """
        if not self.people:
            return []
        best = np.maximum.reduceat(self.vectors @ query, self.starts)
        best[self.expiries <= now] = -np.inf
        order = np.argsort(-best, kind="stable")[: min(max(k, 0), int(np.isfinite(best).sum()))]
        return [(self.people[place], float(best[place])) for place in order]


def stack(templates: list[Template], expiries: Mapping[int, float], path: Path) -> Matrix:
    """Stack the templates of a gallery. Raise GalleryDamaged naming `path` when those of one model differ in size."""
    if not templates:
        return Matrix(np.empty((0, 0), np.float32), np.empty(0, np.intp), [], frozenset(), np.empty(0))
    models = frozenset(template.embedding.model for template in templates)
    vectors = [template.embedding.vector for template in templates]
    if len(models) == 1 and len({len(vector) for vector in vectors}) > 1:
        raise GalleryDamaged(f"gallery {path} is damaged: vectors of one model differ in size", hint=RESTORE)
    owners = [template.identity.id for template in templates]
    starts = np.flatnonzero(np.diff(owners, prepend=owners[0] - 1))
    # Of several models nothing is compared, so the first vector stands for all.
    matrix = np.stack(vectors if len(models) == 1 else vectors[:1])
    people = [templates[start].identity for start in starts]
    # Somebody who came between two reads has no date yet: the next search reads both again.
    until = np.array([expiries.get(person.id, np.inf) for person in people])
    return Matrix(matrix, starts, people, models, until)

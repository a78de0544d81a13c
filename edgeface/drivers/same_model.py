"""Let no vector of one model meet those of another: each check raises EmbeddingMismatch and names both."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from edgeface.core.types import Embedding
from edgeface.drivers.matrix import Matrix
from edgeface.drivers.model_upgrade import Upgrade
from edgeface.errors import EmbeddingMismatch


def check_embedding(embedding: Embedding, matrix: Matrix, model: str, path: Path) -> None:
    """Let an embedding into a gallery that is open for a model, if that made both."""
    if embedding.model != model:
        raise EmbeddingMismatch(
            f"an embedding of model {_short(embedding.model)} was given to a gallery opened for model {_short(model)}"
        )
    check_models(matrix.models, model, path)
    check_size(embedding, matrix.vectors.shape[1] if matrix.people else len(embedding.vector))


def check_models(models: Collection[str], model: str, path: Path) -> None:
    """Let a gallery be used whose looks are of one model alone."""
    others = sorted(set(models) - {model})
    if others:
        raise EmbeddingMismatch(
            f"gallery {path} was made with model {_short(others[0])}, this one is {_short(model)}",
            hint="enrol everybody again in another gallery file, or use that model with --model",
        )


def check_size(embedding: Embedding, size: int) -> None:
    """Let an embedding pass that has so many values, all of them finite."""
    if embedding.vector.shape != (size,) or not np.isfinite(embedding.vector).all():
        raise EmbeddingMismatch(f"an embedding must be {size} finite values, not {embedding.vector.shape} of them")


def check_upgrade(upgrade: Upgrade | None, model: str, path: Path) -> None:
    """Let nobody be enrolled by the model to come alone, while an upgrade is going on."""
    if upgrade and upgrade.ended is None and upgrade.old != model:
        raise EmbeddingMismatch(
            f"gallery {path} is of model {_short(upgrade.old)} until its upgrade is finished",
            hint="`edgeface model upgrade --finish`",
        )


def _short(digest: str) -> str:
    return f"{digest[:12]}…" if len(digest) > 12 else digest

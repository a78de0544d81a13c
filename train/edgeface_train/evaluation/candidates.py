"""What is put on the bench: the variants of a bundle as a device runs them, and peers through small adapters.

A peer is a Python file, which is run. It defines, itself or on the object that its function `load()` returns:

```
name: str                   how the report calls it
size: int                   side of the chips it wants: 112, the standard chip; 128, with a border of 8 pixels;
                            any other number gives the standard chip scaled to it
embed(chips) -> vectors     (n, size, size, 3) RGB uint8 -> (n, d) float32 of unit length, on one thread
distance: str               optional: "cosine", or "euclidean" for vectors of any length
file_bytes: int             optional: size of its weights
```
"""

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import numpy.typing as npt

from edgeface.card import Bundle
from edgeface.core.align import CHIP_SIZE
from edgeface.core.prepare import crop_centre
from edgeface.core.types import Image
from edgeface.drivers.embedder import TfliteEmbedder
from edgeface.errors import ConfigError, MissingExtra
from edgeface_train.chips import BORDER, SIZES, with_border
from edgeface_train.evaluation.pairs import Distance

PRECISION = ("int8", "float16", "float32")
"""Variants from the coarsest to the finest."""

UNIT = 1e-3
"""How far a peer's vectors may be from unit length."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A network to be measured."""

    name: str
    side: int
    """Of the chips it is given, in pixels."""
    embed: Callable[[Image], npt.NDArray[np.float32]]
    """(n, side, side, 3) RGB to (n, d)."""
    bytes: int | None
    model: str = ""
    thresholds: dict[float, float] = field(default_factory=dict)
    """Of the card, by false-accept rate."""
    distance: Distance = "cosine"


def variants(bundle: Bundle, names: Sequence[str]) -> list[Candidate]:
    """Open variants of a bundle, all of them unless named, the coarsest first."""
    chosen = list(dict.fromkeys(names)) or list(bundle.card.files)
    for name in chosen:
        bundle.variant(name)  # before any is opened
    return [_variant(bundle, name) for name in sorted(chosen, key=_precision)]


def load_peer(path: Path) -> Candidate:
    """Run an adapter and check what it defines. Raise ConfigError, or MissingExtra for a package it lacks."""
    specification = importlib.util.spec_from_file_location(f"edgeface_peer_{path.stem}", path)
    if not path.is_file() or specification is None or specification.loader is None:
        raise ConfigError(f"peer {path} is not a Python file", hint="train/README.md says what an adapter defines")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # a dataclass in it looks its own module up
    try:
        specification.loader.exec_module(module)
        peer: Any = module.load() if hasattr(module, "load") else module
    except ImportError as error:
        raise MissingExtra(
            f"peer {path} needs {error.name or error}, which is not installed", hint="its first lines say what it needs"
        ) from error
    distance: Any = getattr(peer, "distance", "cosine")
    checks = [
        (isinstance(getattr(peer, "name", None), str), "a name"),
        (isinstance(getattr(peer, "size", None), int) and peer.size > 0, "a size in pixels"),
        (callable(getattr(peer, "embed", None)), "a function embed"),
        (distance in get_args(Distance), f"a distance out of {', '.join(get_args(Distance))}"),
    ]
    for good, wanted in checks:
        if not good:
            raise ConfigError(f"peer {path} lacks {wanted}", hint="train/README.md says what an adapter defines")

    def embed(chips: Image) -> npt.NDArray[np.float32]:
        return _checked(peer.embed(chips), len(chips), distance, path)

    return Candidate(peer.name, peer.size, embed, getattr(peer, "file_bytes", None), distance=distance)


def chips_for(candidate: Candidate, chips: Image) -> Image:
    """Return (n, side, side, 3) chips as a candidate wants them, from chips of 112 or 128 px.

    A border that the chips do not have repeats their rim.
    """
    if candidate.side == chips.shape[1]:
        return chips
    centre = crop_centre(chips, CHIP_SIZE)
    if candidate.side == CHIP_SIZE:
        return centre
    if candidate.side in SIZES:
        return with_border(centre)
    side = (candidate.side, candidate.side)
    how = cv2.INTER_AREA if candidate.side < CHIP_SIZE else cv2.INTER_CUBIC
    return np.stack([cv2.resize(chip, side, interpolation=how) for chip in centre]).astype(np.uint8, copy=False)


def embed_all(
    candidate: Candidate, chips: Image, on_chip: Callable[[], object]
) -> tuple[npt.NDArray[np.float32], float]:
    """Embed chips one at a time, as a device does; return (n, d) vectors and the median CPU milliseconds of one.

    CPU time of the whole process is counted: another program does not stretch it, and a second thread hides
    nothing. The first chip is embedded once more, uncounted.
    """
    wanted, vectors, spent = chips_for(candidate, chips), [], []
    with _one_thread():
        candidate.embed(wanted[:1])
        for place in range(len(wanted)):
            started = time.process_time()
            vectors.append(candidate.embed(wanted[place : place + 1]))
            spent.append(time.process_time() - started)
            on_chip()
    return np.concatenate(vectors).astype(np.float32, copy=False), float(np.median(spent)) * 1000


def most_precise(names: Sequence[str]) -> str:
    """Return the variant that the others are held against."""
    return max(names, key=_precision)


def _precision(name: str) -> int:
    return PRECISION.index(name) if name in PRECISION else -1


def _variant(bundle: Bundle, name: str) -> Candidate:
    embedder, file = TfliteEmbedder(bundle, variant=name), bundle.variant(name)

    def embed(chips: Image) -> npt.NDArray[np.float32]:
        return np.stack([embedding.vector for embedding in embedder.embed(list(chips))])

    side = CHIP_SIZE if bundle.card.input.size <= CHIP_SIZE else CHIP_SIZE + 2 * BORDER
    thresholds = {float(rate): threshold for rate, threshold in file.thresholds.items()}
    return Candidate(name, side, embed, file.bytes, file.sha256, thresholds)


def _checked(vectors: Any, count: int, distance: str, path: Path) -> npt.NDArray[np.float32]:
    values = np.asarray(vectors, np.float32)
    if values.ndim != 2 or len(values) != count or not np.isfinite(values).all():
        raise ConfigError(f"peer {path} gave {values.shape} for {count} chips, or what is no number")
    lengths = np.linalg.norm(values, axis=1)
    if distance == "cosine" and np.abs(lengths - 1).max() > UNIT:
        raise ConfigError(
            f"peer {path} gave a vector of length {lengths[np.abs(lengths - 1).argmax()]:.4f}, not 1",
            hint='divide by the length, or set distance = "euclidean"',
        )
    return values


@contextmanager
def _one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)

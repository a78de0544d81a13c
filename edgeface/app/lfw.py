"""Measure verification on Labeled Faces in the Wild: its pairs, its ten folds, its rule of the central face.

Source: Huang et al. 2007, view 2, "unrestricted, labeled outside data".
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeface.core.align import align
from edgeface.core.metrics import tenfold_accuracy
from edgeface.core.protocols import Detector, Embedder
from edgeface.core.types import Face, Image, Vector
from edgeface.errors import ConfigError, EnrollmentError

FOLDS = 10
ALWAYS_REFUSED, ALWAYS_ACCEPTED = -2.0, 2.0
"""Stand in for the cosine of a pair with an undetected face: wrong at every threshold."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos, each a person's name and the photo's number."""

    first: tuple[str, int]
    second: tuple[str, int]
    fold: int

    @property
    def same(self) -> bool:
        """Whether both show the same person."""
        return self.first[0] == self.second[0]


@dataclass(frozen=True, slots=True)
class Verification:
    """What the ten folds gave."""

    accuracy: float
    """Mean over the folds; a pair with an undetected face counts as an error."""
    standard_error: float
    pairs: int
    pairs_without_a_face: int


def read_pairs(path: Path) -> list[Pair]:
    """Read pairs.txt: `name n m` for the same person, `name n other m` for two; a header line is optional."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"pairs file {path} cannot be read: {getattr(error, 'strerror', error)}") from error
    numbered = [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]
    header = numbered.pop(0)[1] if numbered and len(numbered[0][1]) <= 2 else []
    couples = [_couple(path, number, words) for number, words in numbered]
    folds = int(header[0]) if len(header) == 2 and header[0].isdigit() else FOLDS
    if folds < 2 or len(couples) < folds:
        raise ConfigError(f"pairs file {path} has {len(couples)} pairs, too few for {folds} folds")
    return [Pair(first, second, place * folds // len(couples)) for place, (first, second) in enumerate(couples)]


def photos_of(pairs: Sequence[Pair]) -> list[tuple[str, int]]:
    """Return each photo that the pairs name, once."""
    return list(dict.fromkeys(photo for pair in pairs for photo in (pair.first, pair.second)))


def photo_path(folder: Path, person: str, number: int) -> Path:
    """Return where LFW keeps a photo: folder/Ada_Lovelace/Ada_Lovelace_0001.jpg."""
    return folder / person / f"{person}_{number:04d}.jpg"


def evaluate(
    folder: Path,
    pairs: Sequence[Pair],
    *,
    read: Callable[[Path], Image],
    detector: Detector,
    embedder: Embedder,
    on_photo: Callable[[int], None] = lambda _: None,
) -> Verification:
    """Embed each photo once, compare the pairs and average the accuracy over the folds."""
    photos = photos_of(pairs)
    _check_present(folder, photos)
    vectors: dict[tuple[str, int], Vector | None] = {}
    for done, photo in enumerate(photos, start=1):
        vectors[photo] = _embed(photo_path(folder, *photo), read, detector, embedder)
        on_photo(done)
    similarities = [_similarity(pair, vectors[pair.first], vectors[pair.second]) for pair in pairs]
    same = np.array([pair.same for pair in pairs])
    folds = np.array([pair.fold for pair in pairs])
    accuracy = tenfold_accuracy(np.array(similarities, np.float32), same, folds)
    missing = sum(vectors[pair.first] is None or vectors[pair.second] is None for pair in pairs)
    return Verification(accuracy.mean, accuracy.standard_error, len(pairs), missing)


def central_face(faces: Sequence[Face], image: Image) -> Face:
    """Return the face whose box is centred nearest to the middle, which in LFW is the person named."""
    height, width = image.shape[:2]

    def distance(face: Face) -> float:
        box = face.box
        return math.hypot(box.left + box.width / 2 - width / 2, box.top + box.height / 2 - height / 2)

    return min(faces, key=distance)


def _couple(path: Path, number: int, words: list[str]) -> tuple[tuple[str, int], tuple[str, int]]:
    if len(words) == 3 and words[1].isdigit() and words[2].isdigit():
        return (words[0], int(words[1])), (words[0], int(words[2]))
    if len(words) == 4 and words[1].isdigit() and words[3].isdigit():
        return (words[0], int(words[1])), (words[2], int(words[3]))
    raise ConfigError(
        f"pairs file {path}, line {number}: {' '.join(words)!r} is no pair",
        hint="a line is `name n m` or `name n other m`",
    )


def _check_present(folder: Path, photos: Sequence[tuple[str, int]]) -> None:
    missing = [path for photo in photos if not (path := photo_path(folder, *photo)).is_file()]
    if missing:
        raise ConfigError(
            f"{len(missing)} of {len(photos)} photos that the pairs name are missing, first {missing[0]}",
            hint="give the folder that holds one folder a person, as lfw.tgz unpacks it",
        )


def _embed(path: Path, read: Callable[[Path], Image], detector: Detector, embedder: Embedder) -> Vector | None:
    """Return the unit vector of the person named, (size,); None where the photo shows no face or is refused."""
    try:
        image = read(path)
    except EnrollmentError:
        return None
    faces = detector.detect(image)
    if not faces:
        return None
    return embedder.embed([align(image, central_face(faces, image).landmarks)])[0].vector


def _similarity(pair: Pair, first: Vector | None, second: Vector | None) -> float:
    """Return the cosine of two photos, or what is wrong at every threshold where one of them shows no face."""
    if first is None or second is None:
        return ALWAYS_REFUSED if pair.same else ALWAYS_ACCEPTED
    return float(first @ second)

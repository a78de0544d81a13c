"""A painted world in which recognition is exactly predictable: a person is a square of one colour on a wall.

The cosine of two people is that of their colours seen from middle grey: -1/3 for RED and GREEN, above 0.97
for RED and PINKISH. A square's grain makes it sharp; without grain it is blurred. A white dot is a
nose turned away.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from edgeface.core.align import CHIP_SIZE, TEMPLATE
from edgeface.core.types import AnyEvent, Box, Embedding, Face, Frame, Identity, Image

RED, GREEN, BLUE = (220, 40, 40), (40, 220, 40), (40, 40, 220)
YELLOW = (220, 220, 40)
PINKISH = (220, 40, 60)
"""Resembles RED: their cosine is above 0.97."""
MODEL = hashlib.sha256(b"colour").hexdigest()
NEW_MODEL = hashlib.sha256(b"hue").hexdigest()
START = 1_700_000_000.0


@dataclass(frozen=True)
class Square:
    """A person in a picture."""

    colour: tuple[int, int, int]
    left: int = 100
    top: int = 60
    size: int = 112
    sharp: bool = True
    light: float = 1.0
    turned: bool = False


def paint(*squares: Square, width: int = 520, height: int = 180, wall: int = 0) -> Image:
    """Return a picture with squares on a wall, which is black or grey."""
    image = np.full((height, width, 3), wall, np.uint8)
    for square in squares:
        grain = np.random.default_rng(7).integers(-24, 25, (square.size, square.size, 1))
        face = np.array(square.colour) + (grain if square.sharp else 0)
        if square.turned:
            nose = slice(square.size // 2 - 3, square.size // 2 + 3)
            face = np.broadcast_to(face, (square.size, square.size, 3)).copy()
            face[nose, :6] = 255 / square.light
        area = np.s_[square.top : square.top + square.size, square.left : square.left + square.size]
        image[area] = np.clip(face * square.light, 0, 255)
    return image


class SquareDetector:
    """Finds what is not the wall; its landmarks are the template's, so that a chip is exactly the square."""

    def detect(self, image: Image) -> list[Face]:
        """Return one face a square, largest first."""
        mask = (np.abs(image.astype(int) - image[0, 0]).max(axis=2) > 12).astype(np.uint8)
        count, _, boxes, _ = cv2.connectedComponentsWithStats(mask)
        faces = [self._face(image, *map(int, boxes[place][:4])) for place in range(1, count)]
        large = [face for face in faces if face.box.width >= 8]
        return sorted(large, key=lambda face: -face.box.width * face.box.height)

    def _face(self, image: Image, left: int, top: int, width: int, height: int) -> Face:
        scale = np.array([width, height]) / CHIP_SIZE
        landmarks = (TEMPLATE * scale + (left, top)).astype(np.float32)
        white = np.argwhere(image[top : top + height, left : left + width].min(axis=2) > 250)
        if len(white):
            row, column = white.mean(axis=0)
            landmarks[2] = left + column, top + row
        return Face(Box(left, top, width, height), landmarks, 0.99)


class ColourEmbedder:
    """Takes a chip's mean colour, seen from middle grey, for its embedding."""

    def __init__(self) -> None:
        self.chips_seen = 0

    @property
    def model(self) -> str:
        """A digest, as of a file."""
        return MODEL

    def embed(self, chips: Sequence[Image]) -> list[Embedding]:
        """Embed chips, counting them."""
        self.chips_seen += len(chips)
        return [Embedding(self._vector(chip), MODEL) for chip in chips]

    def _vector(self, chip: Image) -> np.ndarray:
        assert chip.shape == (CHIP_SIZE, CHIP_SIZE, 3)
        colour = chip[10:-10, 10:-10].mean(axis=(0, 1)) - 128
        return (colour / np.linalg.norm(colour)).astype(np.float32)


class HueEmbedder(ColourEmbedder):
    """Another model: a colour's three channels and their opposites, all halved, under a digest of its own.

    Its vectors have another size, so that one that meets those of `ColourEmbedder` fails, and is not merely wrong.
    """

    @property
    def model(self) -> str:
        """A digest, as of a file."""
        return NEW_MODEL

    def embed(self, chips: Sequence[Image]) -> list[Embedding]:
        """Embed chips, counting them."""
        self.chips_seen += len(chips)
        vectors = [self._vector(chip) for chip in chips]
        return [Embedding(np.concatenate([vector, -vector]) / np.sqrt(np.float32(2)), NEW_MODEL) for vector in vectors]


@dataclass
class PaintedCamera:
    """Shows pictures at a fixed rate; a context manager that knows whether it was closed."""

    pictures: Sequence[Image]
    fps: float = 10.0
    closed: bool = field(default=False, init=False)

    def __enter__(self) -> "PaintedCamera":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def frames(self) -> Iterator[Frame]:
        """Yield the pictures in turn, then end."""
        for number, picture in enumerate(self.pictures):
            yield Frame(picture, START + number / self.fps)

    def close(self) -> None:
        """Remember it."""
        self.closed = True


class FakeGallery:
    """People in memory."""

    def __init__(self) -> None:
        self.looks: list[tuple[Identity, Embedding]] = []
        self.chips: list[Image] = []
        self.upcoming: list[Embedding] = []

    def add(
        self,
        name: str,
        embeddings: Sequence[Embedding],
        source: str = "",
        *,
        chips: Sequence[Image] = (),
        upcoming: Sequence[Embedding] = (),
    ) -> Identity:
        """Store looks of a person, new or known."""
        self.chips += chips
        self.upcoming += upcoming
        known = {identity.name: identity for identity, _ in self.looks}
        identity = known.get(name, Identity(len(known) + 1, name))
        self.looks += [(identity, embedding) for embedding in embeddings]
        return identity

    def holds(self, identity: Identity) -> bool:
        """Tell whether somebody has a look."""
        return any(known == identity for known, _ in self.looks)

    def nearest(self, query: Embedding, k: int) -> list[tuple[Identity, float]]:
        """Return the best cosine of each of the k nearest people."""
        best: dict[Identity, float] = {}
        for identity, embedding in self.looks:
            best[identity] = max(best.get(identity, -1.0), float(embedding.vector @ query.vector))
        return sorted(best.items(), key=lambda item: -item[1])[:k]


class ListSink:
    """Keeps the events it is given."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.closed = False

    def emit(self, event: AnyEvent) -> None:
        """Keep one event."""
        self.events.append(event)

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def gallery_of(**people: tuple[int, int, int]) -> FakeGallery:
    """Return a gallery in which each person is known by one square of their colour."""
    gallery, detector, embedder = FakeGallery(), SquareDetector(), ColourEmbedder()
    for name, colour in people.items():
        image = paint(Square(colour))
        from edgeface.core.align import align

        [face] = detector.detect(image)
        gallery.add(name, embedder.embed([align(image, face.landmarks)]))
    return gallery

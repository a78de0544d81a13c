"""The seams: what the application needs of the world, and nothing about how it is done."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from edgeface.core.types import AnyEvent, Embedding, Face, Frame, Gap, Identity, Image


class Camera(Protocol):
    """A source of frames."""

    def frames(self) -> Iterator[Frame | Gap]:
        """Yield the newest frame each time; end when the source ends. Raise CameraError when it fails.

        A supervised camera yields gaps instead of failing.
        """
        ...

    def close(self) -> None:
        """Release the source. A second call does nothing."""
        ...


class Detector(Protocol):
    """Finds faces and their five landmarks."""

    def detect(self, image: Image) -> list[Face]:
        """Return the faces in an RGB image, largest first, in the pixels of that image."""
        ...


class Embedder(Protocol):
    """Turns aligned chips into embeddings."""

    @property
    def model(self) -> str:
        """SHA-256 of the model file, as in `Embedding.model`."""
        ...

    def embed(self, chips: Sequence[Image]) -> list[Embedding]:
        """Embed upright (112, 112, 3) RGB chips, in order."""
        ...


class Index(Protocol):
    """Finds the nearest people. It knows no threshold: that is policy."""

    def nearest(self, query: Embedding, k: int) -> list[tuple[Identity, float]]:
        """Return up to k different people and their best cosine, nearest first.

        Raise EmbeddingMismatch when the gallery was made by another model.
        """
        ...


class PartialIndex(Index, Protocol):
    """An index that not everybody is in yet."""

    def holds(self, identity: Identity) -> bool:
        """Tell whether somebody is in it."""
        ...


class Sink(Protocol):
    """Somewhere events go."""

    def emit(self, event: AnyEvent) -> None:
        """Deliver one event. Raise HardwareError when that fails; the next event may fare better."""
        ...

    def close(self) -> None:
        """Let go of what it holds, within about a second. A second call does nothing.

        Another thread may be in `emit`, which should end soon then.
        """
        ...


@runtime_checkable
class NotingSink(Sink, Protocol):
    """A sink that shows how things are now, which must not lag behind with the events that wait for it."""

    def note(self, event: AnyEvent) -> None:
        """Take in what an event says of the present, before it is delivered; return at once."""
        ...

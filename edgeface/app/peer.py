"""Let another library do the job of the loop on the same frames, timed in the same way."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edgeface.app.bench import Measured, TimedCamera, summarise
from edgeface.app.stages import Stopwatch
from edgeface.core.protocols import Camera
from edgeface.core.types import Frame, Image

Vectors = npt.NDArray[np.float64]
"""One vector, (size,), or those of several people, (people, size)."""


class Peer(Protocol):
    """What recognises faces frame by frame, without tracks: finds, aligns and describes each, and looks it up."""

    vector_size: int

    def find(self, image: Image) -> list[Any]:
        """Return where the faces are."""
        ...

    def align(self, image: Image, place: Any) -> Any:
        """Return the landmarks of one of them."""
        ...

    def describe(self, image: Image, landmarks: Any) -> Vectors:
        """Return its vector, (vector_size,)."""
        ...

    def match(self, known: Vectors, vector: Vectors) -> int | None:
        """Return which of the known vectors, (people, vector_size), is the same person's; None: nobody's."""
        ...


def first_vector(camera: Camera, peer: Peer) -> Vectors | None:
    """Return the vector of the first face that a peer finds in a source; None when it finds none."""
    for frame in camera.frames():
        if isinstance(frame, Frame):
            for place in peer.find(frame.image):
                return peer.describe(frame.image, peer.align(frame.image, place))
    return None


def enrolled(somebody: Vectors, people: int, seed: int = 11) -> Vectors:
    """Return the vectors of so many people, (people, size): random ones of unit length, and somebody's at the end."""
    others = np.random.default_rng(seed).normal(size=(people - 1, len(somebody)))
    return np.vstack([others / np.linalg.norm(others, axis=1, keepdims=True), somebody])


def measure_peer(camera: TimedCamera, peer: Peer, known: Vectors, stopwatch: Stopwatch) -> Measured:
    """Recognise the last of the known people in a source, and count when they come and go.

    Raise ValueError for a source without a frame after the warm-up.
    """
    named: list[bool] = []
    events = 0
    for frame in camera.frames():
        if isinstance(frame, Frame):
            here = len(known) - 1 in set(_recognise(frame.image, peer, known, stopwatch))
            events += here != (named[-1] if named else False)
            named.append(here)
    return summarise(stopwatch, named, events + bool(named and named[-1]))


def _recognise(image: Image, peer: Peer, known: Vectors, stage: Stopwatch) -> Iterator[int]:
    with stage("detect"):
        places = peer.find(image)
    for place in places:
        with stage("align"):
            landmarks = peer.align(image, place)
        with stage("embed"):
            vector = peer.describe(image, landmarks)
        with stage("search"):
            found = peer.match(known, vector)
        if found is not None:
            yield found

"""The nouns of face recognition on a stream: frame, face, embedding, match, event."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""A picture, (height, width, 3), RGB. Blue-first order exists only inside drivers."""

Vector = npt.NDArray[np.float32]
"""An embedding's values, (size,), unit length."""

Landmarks = npt.NDArray[np.float32]
"""(5, 2) points x, y in pixels: right eye, left eye, nose, right and left mouth corner *of the person* (so
the right eye is the one on the left of the picture)."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a stream and when it was taken."""

    image: Image
    seconds: float
    """Seconds since the Unix epoch, UTC."""
    small: Image | None = None
    """The same picture in fewer pixels, where the camera gives one beside it: motion and faces are sought there, while
    chips are cut from `image`."""

    @property
    def sought(self) -> Image:
        """The picture in which to seek motion and faces."""
        return self.image if self.small is None else self.small


@dataclass(frozen=True, slots=True)
class Gap:
    """No picture came, but time goes on."""

    seconds: float
    """As of a frame."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the frame; it may reach outside."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A detected face."""

    box: Box
    landmarks: Landmarks
    score: float
    """The detector's confidence, 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A face as a point on the unit sphere of one model."""

    vector: Vector
    model: str
    """SHA-256 of the model file that made it: vectors of two models are never compared."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody in the gallery."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """What one look at a face says about who it is."""

    face: Face
    identity: Identity | None
    """None: nobody in the gallery is near enough, or two people are about equally near."""
    similarity: float
    """Cosine to the nearest person, -1 to 1; -1 for an empty gallery."""
    runner_up: float
    """Cosine to the nearest *other* person; -1 when there is none."""


Turn = Literal["left", "right"]
"""A turn of the head, to the person's own side."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """Whether a face has moved as a living one does. It proves little: a film of somebody moves likewise."""

    verdict: Literal["alive", "unproven"]
    relief: float
    """How much of its motion no flat picture could make, in sizes of the face; see `edgeface.core.liveness.relief`."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is not enrolled, remembered from visit to visit."""

    name: str
    """Such as "unknown-17"."""
    visits: int
    """How often they came, this visit included."""
    ignored: bool = False
    """True: nothing is told of them."""


@dataclass(frozen=True, slots=True)
class Event:
    """Somebody came or went."""

    kind: Literal["arrived", "left"]
    name: str | None
    """None: a face that belongs to nobody in the gallery."""
    at: float
    """Seconds since the Unix epoch, UTC."""
    similarity: float
    track: int
    """Number of the track, from 1, within one run of one camera."""
    test: bool = False
    """True: nobody came or went, a sink is being tried out."""
    visit: str = ""
    """The same for the arrival and the departure of one visit, and for no other; empty: it belongs to no visit."""
    liveness: Liveness | None = None
    """What was seen of it so far; None: it was not looked for."""
    unknown: Visitor | None = None
    """Who it is that is not enrolled; None: unknown people are not remembered, or it is somebody enrolled."""
    camera: str = ""
    """Which of several cameras saw it; empty: there is one."""


@dataclass(frozen=True, slots=True)
class UnprovenEvent:
    """A face resembles somebody enrolled, whose name is withheld as long as nothing shows that it is alive."""

    state: Literal["asked", "failed"]
    """"asked": it is to turn now; "failed": it did not show in time that it is alive, or is gone."""
    turns: tuple[Turn, ...]
    """The turns of the head that are asked for, in this order; empty when it failed."""
    relief: float
    """As in `Liveness`."""
    at: float
    """Seconds since the Unix epoch, UTC."""
    track: int
    """Number of the track, from 1, within one run of one camera."""
    kind: Literal["unproven"] = "unproven"
    test: bool = False
    camera: str = ""
    """As of an event."""


CameraState = Literal["starting", "ok", "faulty"]
CameraReason = Literal["unavailable", "lost", "stalled", "black", "frozen", "size", "slow", "clock"]


@dataclass(frozen=True, slots=True)
class CameraEvent:
    """The state of a live camera changed, or the system's clock was set."""

    state: CameraState
    reason: CameraReason | None
    """None: all is well. "clock" changes no state."""
    detail: str
    """For people."""
    camera: str
    at: float
    """Seconds since the Unix epoch, UTC."""
    kind: Literal["camera"] = "camera"
    test: bool = False


@dataclass(frozen=True, slots=True)
class ThermalEvent:
    """The loop was slowed because the board is too hot, or runs freely again."""

    state: Literal["ok", "slowed"]
    reason: Literal["temperature", "throttled"] | None
    """None: all is well. "throttled": the firmware holds the processor's clock down."""
    detail: str
    """For people."""
    celsius: float | None
    """None: there is no sensor."""
    at: float
    """Seconds since the Unix epoch, UTC."""
    kind: Literal["thermal"] = "thermal"
    test: bool = False


@dataclass(frozen=True, slots=True)
class NoFaceEvent:
    """Something has moved for long, and no face was found."""

    at: float
    """Seconds since the Unix epoch, UTC."""
    seconds: float
    """For how long it has moved."""
    kind: Literal["no_face"] = "no_face"
    test: bool = False
    camera: str = ""
    """As of an event."""


AnyEvent = Event | UnprovenEvent | CameraEvent | ThermalEvent | NoFaceEvent
"""What sinks are told."""


Right = Literal["owner", "group", "other"]
"""What somebody may ask of a running daemon: the superuser and the daemon's own user everything; who belongs to the
configured group everything but similarities; others how it is, without names."""

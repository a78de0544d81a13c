"""How a running daemon is, in words and numbers, and what of it whoever asks may know."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgeface.core.types import CameraReason, CameraState, Event, Right


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """A camera of the daemon."""

    name: str
    state: CameraState
    reason: CameraReason | None
    detail: str
    since: float | None
    """Seconds since the Unix epoch, UTC; None: a recording."""


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """How the events for one sink fare."""

    name: str
    waiting: int
    delivered: int
    failed: int
    dropped: int


@dataclass(frozen=True, slots=True)
class UpgradeStatus:
    """How far the gallery is on its way to another model."""

    to: str
    """The first digits of the new model's digest."""
    moved: int
    """People whom the new model can name."""
    people: int
    waiting: Sequence[str]
    """Who must be enrolled again."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a daemon is."""

    version: str
    uptime_seconds: float
    frames_per_second: float | None
    """None: not counted yet."""
    cameras: Sequence[CameraStatus]
    people: int
    """How many are enrolled."""
    model: str
    """Name, variant and the first digits of the digest."""
    gallery: str
    last_event: Event | None
    sinks: Sequence[SinkStatus]
    upgrade: UpgradeStatus | None = None
    """None: one model is in use."""


def describe(status: Status, right: Right) -> dict[str, Any]:
    """Return a status for JSON, without similarities; others than owner and group get no names, places or events."""
    said = asdict(status)
    fps, event = status.frames_per_second, status.last_event
    said["uptime_seconds"] = round(status.uptime_seconds, 1)
    said["frames_per_second"] = None if fps is None else round(fps, 1)
    said["last_event"] = event and {"kind": event.kind, "name": event.name, "at": event.at} | (
        {"camera": event.camera} if event.camera else {}
    )
    if right == "other":
        said |= {"gallery": None, "last_event": None, "sinks": []}
        said["upgrade"] = said["upgrade"] and said["upgrade"] | {"waiting": []}
        said["cameras"] = [camera | {"name": None, "detail": None} for camera in said["cameras"]]
    return said

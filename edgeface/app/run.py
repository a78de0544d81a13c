"""Watch a camera until it ends and tell the sinks who arrives and who leaves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeface.app.pipeline import Pipeline, Recognition
from edgeface.core.presence import Presence, Sighting
from edgeface.core.protocols import Camera, Sink
from edgeface.core.types import CameraEvent, Event
from edgeface.errors import CameraError


@dataclass(slots=True)
class Summary:
    """What a watch has been through so far."""

    frames: int = 0
    """Frames examined."""
    seconds: float = 0.0
    """Time of the stream from the first to the last of them."""
    events: int = 0


def watch(
    camera: Camera,
    pipeline: Pipeline,
    presence: Presence,
    sinks: Sequence[Sink],
    *,
    every: int = 1,
    on_frame: Callable[[Recognition], None] | None = None,
    on_camera: Callable[[CameraEvent], None] | None = None,
) -> Summary:
    """Examine every n-th frame until the source ends; however it ends, whoever is present is said to leave.

    `on_frame` is called after each examined frame, for instance to draw it; `on_camera` with the first frame,
    and when the camera fails.
    """
    summary = Summary()
    first = last = None
    try:
        for number, frame in enumerate(camera.frames()):
            if number % every:
                continue
            if first is None and on_camera is not None:
                on_camera(CameraEvent("up", None, frame.seconds))
            first, last = frame.seconds if first is None else first, frame.seconds
            recognition = pipeline.recognize(frame)
            summary.frames, summary.seconds = summary.frames + 1, last - first
            _emit(presence.update(sightings(recognition), last), sinks, summary)
            if on_frame is not None:
                on_frame(recognition)
    except CameraError as error:
        if on_camera is not None and last is not None:
            on_camera(CameraEvent("down", error.message, last))
        raise
    finally:
        if last is not None:
            _emit(presence.flush(last), sinks, summary)
    return summary


def sightings(recognition: Recognition) -> list[Sighting]:
    """Return the decided faces of a frame: who is still undecided has neither arrived nor stayed."""
    return [
        Sighting(face.track, face.verdict.identity, face.verdict.similarity)
        for face in recognition.faces
        if face.verdict.state != "undecided"
    ]


def _emit(events: Sequence[Event], sinks: Sequence[Sink], summary: Summary) -> None:
    for event in events:
        summary.events += 1
        for sink in sinks:
            sink.emit(event)

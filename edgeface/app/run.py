"""Watch a camera until it ends and tell the sinks who arrives and who leaves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgeface.app.pipeline import Pipeline, Recognition
from edgeface.core.duty import Duty
from edgeface.core.presence import Presence, Sighting
from edgeface.core.protocols import Camera, Sink
from edgeface.core.types import Event, Gap


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
    duty: Duty | None = None,
    on_frame: Callable[[Recognition], None] | None = None,
    on_beat: Callable[[], bool] | None = None,
    date: Callable[[float], float] = float,
) -> Summary:
    """Examine every n-th frame until the source ends; however it ends, whoever is present is said to leave.

    Of these frames a `duty` chooses those that are worth it; it never leaves one out while somebody is present.

    `on_frame` is called after each examined frame, for instance to draw it, `on_beat` after each frame and gap; when
    that returns True the watch ends. While a camera gives gaps, whoever is present leaves once the patience of presence
    is over. `date` turns the time of frames into that of events.
    """
    summary = Summary()
    first = last = None
    number = 0
    try:
        for frame in camera.frames():
            if isinstance(frame, Gap):
                _emit(presence.update([], frame.seconds), sinks, summary, date)
            else:
                if number % every == 0 and (duty is None or duty.wants(frame, occupied=presence.occupied)):
                    first, last = frame.seconds if first is None else first, frame.seconds
                    recognition = pipeline.recognize(frame)
                    if duty is not None:
                        duty.searched(frame, found=bool(recognition.faces))
                    summary.frames, summary.seconds = summary.frames + 1, last - first
                    _emit(presence.update(sightings(recognition), last), sinks, summary, date)
                    if on_frame is not None:
                        on_frame(recognition)
                number += 1
            if on_beat is not None and on_beat():
                break
    finally:
        if last is not None:
            _emit(presence.flush(last), sinks, summary, date)
    return summary


def sightings(recognition: Recognition) -> list[Sighting]:
    """Return the decided faces of a frame: who is still undecided has neither arrived nor stayed."""
    return [
        Sighting(face.track, face.verdict.identity, face.verdict.similarity)
        for face in recognition.faces
        if face.verdict.state != "undecided"
    ]


def _emit(events: Sequence[Event], sinks: Sequence[Sink], summary: Summary, date: Callable[[float], float]) -> None:
    for event in events:
        summary.events += 1
        for sink in sinks:
            sink.emit(replace(event, at=date(event.at)))

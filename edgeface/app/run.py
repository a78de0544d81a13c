"""Watch a camera until it ends and tell the sinks who arrives and who leaves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgeface.app.attention import Attention
from edgeface.app.pipeline import Pipeline, Recognition
from edgeface.core.presence import Presence, Sighting
from edgeface.core.protocols import Camera, Sink
from edgeface.core.types import AnyEvent, Frame, Gap


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
    attention: Attention | None = None,
    on_frame: Callable[[Recognition], None] | None = None,
    on_beat: Callable[[], bool] | None = None,
    date: Callable[[float], float] = float,
) -> Summary:
    """Examine every n-th frame until the source ends; however it ends, whoever is present is said to leave.

    Of these frames `attention` chooses those that are worth it; it never leaves one out while somebody is present.

    `on_frame` is called after each examined frame, for instance to draw it, `on_beat` after each frame and gap; when
    that returns True the watch ends. While a camera gives gaps, whoever is present leaves once the patience of presence
    is over. `date` turns the time of frames into that of events.
    """
    summary = Summary()
    first = last = None
    number = 0

    def tell(events: Sequence[AnyEvent]) -> None:
        for event in events:
            summary.events += 1
            for sink in sinks:
                sink.emit(replace(event, at=date(event.at)))

    def examine(frame: Frame) -> bool:
        nonlocal first, last
        first, last = frame.seconds if first is None else first, frame.seconds
        recognition = pipeline.recognize(frame)
        summary.frames, summary.seconds = summary.frames + 1, last - first
        tell(presence.update(sightings(recognition), last))
        if on_frame is not None:
            on_frame(recognition)
        return bool(recognition.faces)

    try:
        for frame in camera.frames():
            if isinstance(frame, Gap):
                tell(presence.update([], frame.seconds))
            else:
                if number % every == 0:
                    if attention is None:
                        examine(frame)
                    else:
                        tell(attention.attend(frame, presence, examine))
                number += 1
            if on_beat is not None and on_beat():
                break
    finally:
        if last is not None:
            tell(presence.flush(last))
    return summary


def sightings(recognition: Recognition) -> list[Sighting]:
    """Return the decided faces of a frame: who is still undecided has neither arrived nor stayed."""
    return [
        Sighting(face.track, face.verdict.identity, face.verdict.similarity)
        for face in recognition.faces
        if face.verdict.state != "undecided"
    ]

"""Watch a camera until it ends and tell the sinks who arrives and who leaves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgeface.app.attention import Attention
from edgeface.app.liveness import Prover
from edgeface.app.pipeline import Pipeline, Recognition
from edgeface.app.visitors import Visitors
from edgeface.core.presence import Presence, Sighting
from edgeface.core.protocols import Camera, Sink
from edgeface.core.types import AnyEvent, Frame, Gap


@dataclass(slots=True)
class Summary:
    """What a watch has been through so far."""

    frames: int = 0
    """Frames examined."""
    events: int = 0
    first_seconds: float | None = None
    last_seconds: float | None = None
    """When the first and the last of the frames were taken; None: there was none."""

    @property
    def seconds(self) -> float:
        """Time of the stream from the first to the last frame."""
        if self.first_seconds is None or self.last_seconds is None:
            return 0.0
        return self.last_seconds - self.first_seconds


def watch(
    camera: Camera,
    pipeline: Pipeline,
    presence: Presence,
    sinks: Sequence[Sink],
    *,
    every: int = 1,
    attention: Attention | None = None,
    prover: Prover | None = None,
    visitors: Visitors | None = None,
    on_frame: Callable[[Recognition], None] | None = None,
    on_beat: Callable[[], bool] | None = None,
    date: Callable[[float], float] = float,
) -> Summary:
    """Examine every n-th frame until the source ends; however it ends, whoever is present is said to leave.

    Of these frames `attention` chooses those that are worth it; it never leaves one out while somebody is present.

    `prover` says which faces are sighted; without it all are about whom a verdict was reached.

    `visitors` says which unknown people came before.

    `on_frame` is called after each examined frame, for instance to draw it, `on_beat` after each frame and gap; when
    that returns True the watch ends. While a camera gives gaps, whoever is present leaves once the patience of presence
    is over. `date` turns the time of frames into that of events.
    """
    summary = Summary()
    number = 0

    def tell(events: Sequence[AnyEvent]) -> None:
        for event in events:
            summary.events += 1
            for sink in sinks:
                sink.emit(replace(event, at=date(event.at)))

    def examine(frame: Frame) -> bool:
        if summary.first_seconds is None:
            summary.first_seconds = frame.seconds
        summary.last_seconds = frame.seconds
        recognition = pipeline.recognize(frame)
        summary.frames += 1
        seen, unproven = (sightings(recognition), []) if prover is None else prover.judge(recognition)
        if visitors is not None:
            seen = visitors.name(recognition, seen)
        tell(unproven)
        tell(presence.update(seen, frame.seconds))
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
        if summary.last_seconds is not None:
            tell(prover.flush() if prover else [])
            tell(presence.flush(summary.last_seconds))
    return summary


def sightings(recognition: Recognition) -> list[Sighting]:
    """Return the decided faces of a frame: who is still undecided has neither arrived nor stayed."""
    return [
        Sighting(face.track, face.verdict.identity, face.verdict.similarity)
        for face in recognition.faces
        if face.verdict.state != "undecided"
    ]

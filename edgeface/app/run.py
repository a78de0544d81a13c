"""Watch cameras until they end and tell the sinks who arrives and who leaves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from edgeface.app.attention import Attention
from edgeface.app.liveness import Prover
from edgeface.app.pipeline import Pipeline, Recognition
from edgeface.app.visitors import Visitors
from edgeface.core.presence import Presence, Sighting
from edgeface.core.protocols import Camera, Sink
from edgeface.core.types import Event, Frame, Gap, NoFaceEvent, UnprovenEvent


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


class Lookout:
    """Takes what one camera gives, a frame or a gap at a time, and tells the sinks who arrives and who leaves.

    Every n-th frame is examined, and of these those that `attention` finds worth it; it never leaves one out while
    somebody is present. `prover` says which faces are sighted, without it all about whom a verdict was reached;
    `visitors` says which unknown people came before. Both know the tracks of this camera alone, as presence does.
    `on_frame` is called after each examined frame, for instance to draw it. While a camera gives gaps, whoever is
    present leaves once the patience of presence is over. `date` turns the time of frames into that of events, which
    bear the `name` of the camera where it has one.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        presence: Presence,
        sinks: Sequence[Sink],
        *,
        name: str = "",
        every: int = 1,
        attention: Attention | None = None,
        prover: Prover | None = None,
        visitors: Visitors | None = None,
        on_frame: Callable[[Recognition], None] | None = None,
        date: Callable[[float], float] = float,
    ) -> None:
        self._pipeline, self._presence, self._sinks = pipeline, presence, sinks
        self._name, self._every, self._attention = name, every, attention
        self._prover, self._visitors = prover, visitors
        self._on_frame, self._date = on_frame, date
        self._number = 0
        self.summary = Summary()

    @property
    def period_seconds(self) -> float:
        """How far apart the next frames may be; 0: as they come."""
        return self._attention.period_seconds if self._attention else 0.0

    def take(self, seen: Frame | Gap) -> None:
        """Take in the next frame or gap."""
        if isinstance(seen, Gap):
            self._tell(self._presence.update([], seen.seconds))
            return
        if self._number % self._every == 0:
            if self._attention is None:
                self._examine(seen)
            else:
                self._tell(self._attention.attend(seen, self._presence, self._examine))
        self._number += 1

    def end(self) -> None:
        """Say that whoever is present leaves."""
        if self.summary.last_seconds is not None:
            self._tell(self._prover.flush() if self._prover else [])
            self._tell(self._presence.flush(self.summary.last_seconds))

    def _examine(self, frame: Frame) -> bool:
        summary = self.summary
        if summary.first_seconds is None:
            summary.first_seconds = frame.seconds
        summary.last_seconds = frame.seconds
        recognition = self._pipeline.recognize(frame)
        summary.frames += 1
        seen, unproven = (sightings(recognition), []) if self._prover is None else self._prover.judge(recognition)
        if self._visitors is not None:
            seen = self._visitors.name(recognition, seen)
        self._tell(unproven)
        self._tell(self._presence.update(seen, frame.seconds))
        if self._on_frame is not None:
            self._on_frame(recognition)
        return bool(recognition.faces)

    def _tell(self, events: Sequence[Event | UnprovenEvent | NoFaceEvent]) -> None:
        for event in events:
            self.summary.events += 1
            for sink in self._sinks:
                sink.emit(replace(event, at=self._date(event.at), camera=self._name))


def watch_all(
    seen: Iterable[tuple[str, Frame | Gap]],
    lookouts: Mapping[str, Lookout],
    *,
    on_beat: Callable[[], bool] | None = None,
) -> None:
    """Hand what each camera gives to the lookout of its name; however that ends, whoever is present is said to leave.

    `on_beat` is called after each frame and gap; when it returns True the watch ends.
    """
    try:
        for name, each in seen:
            lookouts[name].take(each)
            if on_beat is not None and on_beat():
                break
    finally:
        for lookout in lookouts.values():
            lookout.end()


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
    """Watch one camera until its source ends, as `watch_all` does with what a `Lookout` is made of."""
    lookout = Lookout(
        pipeline,
        presence,
        sinks,
        every=every,
        attention=attention,
        prover=prover,
        visitors=visitors,
        on_frame=on_frame,
        date=date,
    )
    watch_all((("", seen) for seen in camera.frames()), {"": lookout}, on_beat=on_beat)
    return lookout.summary


def sightings(recognition: Recognition) -> list[Sighting]:
    """Return the decided faces of a frame: who is still undecided has neither arrived nor stayed."""
    return [
        Sighting(face.track, face.verdict.identity, face.verdict.similarity)
        for face in recognition.faces
        if face.verdict.state != "undecided"
    ]

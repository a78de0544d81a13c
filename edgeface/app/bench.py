"""Measure what the loop of `edgeface run` takes on this machine, stage by stage."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edgeface.app.pipeline import Pipeline, Recognition
from edgeface.app.run import watch
from edgeface.app.stages import StageTime, Stopwatch, stage_times
from edgeface.core.align import align
from edgeface.core.presence import Presence
from edgeface.core.protocols import Camera, Detector, Embedder
from edgeface.core.quality import LIVE_LIMITS, assess, reasons
from edgeface.core.types import AnyEvent, Embedding, Frame, Gap

WARM_UP_FRAMES = 5
"""Left out of what is measured: the first frames lay out the memory of the networks."""

SEARCHED_SECONDS = 10.0
"""So much of a source is searched for a face to enrol."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a number of frames took, after a warm-up."""

    frames: int
    fps: float
    """Frames a second of work: waiting for a turn does not count."""
    cpu_fps: float
    """Likewise, of the processor's time: what an idle machine would reach whose threads never work side by side."""
    named: int
    """Frames in which somebody enrolled bore the name."""
    events: int
    """Of all frames, those of the warm-up too."""
    stages: list[StageTime]


class TimedCamera:
    """Yields the frames of a camera and times what becomes of each, until it is taken away or time is up.

    The warm-up takes none of the `seconds`: a machine that is too busy for that still measures a frame.
    `turn` is asked before each frame and may wait; when it says False the source ends.
    """

    def __init__(
        self,
        camera: Camera,
        stopwatch: Stopwatch,
        *,
        seconds: float = math.inf,
        turn: Callable[[], bool] = lambda: True,
    ) -> None:
        self._camera, self._stopwatch = camera, stopwatch
        self._seconds, self._turn = seconds, turn

    def frames(self) -> Iterator[Frame | Gap]:
        """Yield frames; the time until the next is asked for counts as the frame's."""
        frames = iter(self._camera.frames())
        worked = 0.0
        while worked < self._seconds and self._turn():
            with self._stopwatch("frame"):
                with self._stopwatch("capture"):
                    frame = next(frames, None)
                if frame is not None:
                    yield frame
            if frame is None:
                return
            took = self._stopwatch.close_frame()
            if len(self._stopwatch.frames) > WARM_UP_FRAMES:
                worked += took

    def close(self) -> None:
        """Release the camera."""
        self._camera.close()


class Count:
    """A `Sink` that counts events."""

    def __init__(self) -> None:
        self.events = 0

    def emit(self, event: AnyEvent) -> None:  # noqa: ARG002 (a sink is told it)
        """Count it."""
        self.events += 1

    def close(self) -> None:
        """Do nothing."""


def measure(camera: TimedCamera, pipeline: Pipeline, presence: Presence, stopwatch: Stopwatch) -> Measured:
    """Recognise the people of a source; `pipeline` must use the same stopwatch as the camera.

    Raise ValueError for a source without a frame after the warm-up.
    """
    named: list[bool] = []

    def look(seen: Recognition) -> None:
        named.append(any(face.verdict.state == "known" for face in seen.faces))

    sink = Count()
    watch(camera, pipeline, presence, [sink], on_frame=look)
    return summarise(stopwatch, named, sink.events)


def summarise(stopwatch: Stopwatch, named: Sequence[bool], events: int) -> Measured:
    """Sum up the frames after the warm-up. Raise ValueError when there is none."""
    kept = stopwatch.frames[WARM_UP_FRAMES:]
    if not kept:
        raise ValueError(f"{len(stopwatch.frames)} frames are too few, more than {WARM_UP_FRAMES} are needed")
    took, worked = (sum(times) for times in zip(*(frame["frame"] for frame in kept), strict=True))
    return Measured(
        frames=len(kept),
        fps=len(kept) / took,
        cpu_fps=len(kept) / worked,
        named=sum(named[WARM_UP_FRAMES : WARM_UP_FRAMES + len(kept)]),
        events=events,
        stages=stage_times(kept),
    )


@dataclass(frozen=True, slots=True, eq=False)
class FirstLook:
    """The first good look at a face of a source."""

    embedding: Embedding
    width: int
    """Of the frame, in pixels."""
    height: int


def first_look(camera: Camera, detector: Detector, embedder: Embedder) -> FirstLook | None:
    """Embed the first face of a source that is good enough, the largest of its frame.

    None when there is no such face in the first ten seconds.
    """
    start: float | None = None
    for frame in camera.frames():
        start = frame.seconds if start is None else start
        if frame.seconds - start > SEARCHED_SECONDS:
            return None
        if isinstance(frame, Frame):
            for face in detector.detect(frame.image):
                chip = align(frame.image, face.landmarks)
                if not reasons(assess(frame.image, face, chip), LIVE_LIMITS):
                    height, width = frame.image.shape[:2]
                    return FirstLook(embedder.embed([chip])[0], width, height)
    return None

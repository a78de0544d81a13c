"""Time the stages of a frame: how long each took, frame by frame."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np

Stage = Callable[[str], AbstractContextManager[None]]
"""Surrounds the work of the stage that it is given the name of."""

STAGES = ("capture", "cut", "detect", "track", "align", "quality", "embed", "search", "decide", "frame")
"""In the order of a frame's journey; "frame" is the whole of it."""

_untimed = nullcontext()


def untimed(_stage: str) -> AbstractContextManager[None]:
    """Time nothing."""
    return _untimed


@dataclass(frozen=True, slots=True)
class StageTime:
    """How long a stage took, in milliseconds of the clock and of the processor, all threads together."""

    stage: str
    frames: int
    """In how many frames it had work to do; the percentiles are over these."""
    p50_ms: float
    p95_ms: float
    cpu_p50_ms: float
    """On a machine that does other work meanwhile, the processor's time says more than the clock's."""
    mean_ms: float
    """Over all frames, with and without work: the means of the stages add up to about the whole frame's."""
    cpu_mean_ms: float


class Stopwatch:
    """A `Stage` that adds up, frame by frame, what each stage takes; of several faces the times are added."""

    def __init__(self, now: Callable[[], float], cpu: Callable[[], float]) -> None:
        self._now, self._cpu = now, cpu
        self._current: dict[str, tuple[float, float]] = {}
        self.frames: list[dict[str, tuple[float, float]]] = []
        """Of each frame that was closed, the seconds of the clock and of the processor by stage."""

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time what happens inside."""
        now, cpu = self._now(), self._cpu()
        try:
            yield
        finally:
            took, worked = self._current.get(stage, (0.0, 0.0))
            self._current[stage] = (took + self._now() - now, worked + self._cpu() - cpu)

    def close_frame(self) -> float:
        """Let what comes next belong to another frame; return the seconds that this one took."""
        self.frames.append(self._current)
        self._current = {}
        return self.frames[-1]["frame"][0]


def stage_times(frames: Sequence[dict[str, tuple[float, float]]]) -> list[StageTime]:
    """Sum up the stages of some frames, in the order of a frame's journey; unknown ones come last."""
    names = [*STAGES, *sorted({name for frame in frames for name in frame} - set(STAGES))]
    return [_time(name, frames) for name in names if any(name in frame for frame in frames)]


def _time(name: str, frames: Sequence[dict[str, tuple[float, float]]]) -> StageTime:
    took = np.array([frame[name] for frame in frames if name in frame]) * 1000
    (p50, cpu_p50), (p95, _) = np.percentile(took, [50, 95], axis=0).tolist()
    mean, cpu_mean = (took.sum(axis=0) / len(frames)).tolist()
    return StageTime(name, len(took), p50, p95, cpu_p50, mean, cpu_mean)

"""Measure how often living faces are refused, and pictures accepted, by the proof of liveness."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from edgeface.core.cuts import Cuts
from edgeface.core.liveness import LivenessLimits, Proof
from edgeface.core.metrics import wilson
from edgeface.core.protocols import Camera, Detector
from edgeface.core.tracking import Tracker
from edgeface.core.types import Frame, Gap, Landmarks, Turn


@dataclass(frozen=True, slots=True)
class Trial:
    """One face that was followed, and what came of it."""

    alive: bool
    relief: float
    """The most that any window showed."""
    seconds: float
    """For how long it was followed."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of the trials of one kind ended as they should not."""

    kind: str
    genuine: bool
    """True: it counts refusals of living faces; False: it counts pictures that were accepted."""
    count: int
    trials: int
    low: float | None
    high: float | None
    """The 95 % interval by Wilson; None without a trial."""
    too_short: int
    """Faces that were not followed for a whole window, and are no trials."""
    median_relief: float | None

    @property
    def rate(self) -> float | None:
        """None without a trial."""
        return self.count / self.trials if self.trials else None


def trials_of(camera: Camera, detector: Detector, limits: LivenessLimits) -> list[Trial]:
    """Follow every face of a recording, each for the time that a proof may take, and return a trial for each.

    Nobody in a recording turns as asked, so that nothing is asked. Where a film cuts, other faces begin.
    """
    passive = replace(limits, turns=0)
    tracker, cuts = Tracker(), Cuts()
    scene = 0
    followed: dict[tuple[int, int], _Followed] = {}
    for frame in _frames(camera):
        scene += cuts.update(frame)
        for track in tracker.update(detector.detect(frame.image), frame.seconds).active:
            # Nothing is drawn where no turn is asked for.
            face = followed.setdefault((scene, track.number), _Followed(Proof(passive, lambda: "left"), frame.seconds))
            face.see(track.face.landmarks, frame.seconds)
    return [face.trial() for face in followed.values()]


def live_trial(
    camera: Camera,
    detector: Detector,
    limits: LivenessLimits,
    *,
    draw: Callable[[], Turn],
    tell: Callable[[str], None],
) -> Trial:
    """Let whoever is largest before a live camera prove that they are alive; the first failure ends it.

    `tell` hears what is asked. Nobody found for the whole time is a trial that failed.
    """
    tracker, proof, asked = Tracker(), Proof(limits, draw), False
    begun, now, of = None, 0.0, None
    for frame in _frames(camera):
        now = frame.seconds
        begun = now if begun is None else begun
        if now - begun > limits.seconds:
            break
        tracks = tracker.update(detector.detect(frame.image), now).active
        if not tracks:
            continue
        if tracks[0].number != of:
            of, proof, asked = tracks[0].number, Proof(limits, draw), False
        if not proof.update(tracks[0].face.landmarks, now):
            break
        if proof.asked and not asked:
            tell(f"look at the camera, then turn your head: {', '.join(proof.asked)}; look ahead after each turn")
            asked = True
        if proof.alive:
            break
    return Trial(proof.alive, proof.relief, 0.0 if begun is None else now - begun)


def rate_of(kind: str, trials: Sequence[Trial], *, genuine: bool, least_seconds: float = 0.0) -> Rate:
    """Count the trials that ended wrongly; a face followed for less than `least_seconds` is none."""
    long_enough = [trial for trial in trials if trial.alive or trial.seconds >= least_seconds]
    wrong = sum(trial.alive != genuine for trial in long_enough)
    low, high = wilson(wrong, len(long_enough)) if long_enough else (None, None)
    median = statistics.median(trial.relief for trial in long_enough) if long_enough else None
    too_short = len(trials) - len(long_enough)
    return Rate(kind, genuine, wrong, len(long_enough), low, high, too_short, median)


@dataclass(slots=True)
class _Followed:
    """One face of a recording, looked at until its proof succeeds or fails."""

    proof: Proof
    first_seconds: float
    last_seconds: float = -math.inf
    ended: bool = False

    def see(self, landmarks: Landmarks, seconds: float) -> None:
        if not self.ended:
            self.ended = not self.proof.update(landmarks, seconds) or self.proof.alive
            self.last_seconds = seconds

    def trial(self) -> Trial:
        return Trial(self.proof.alive, self.proof.relief, self.last_seconds - self.first_seconds)


def _frames(camera: Camera) -> Iterator[Frame]:
    return (seen for seen in camera.frames() if not isinstance(seen, Gap))

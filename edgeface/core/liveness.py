"""Tell a living face from a still picture of one, by how its five landmarks move; it never needs the pixels."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeface.core.quality import pose
from edgeface.core.types import Landmarks, Turn

MOST_YAW = 50.0
"""Degrees. Nearer to a profile the hidden eye and mouth corner are guessed, and wander by themselves."""

MOST_STEP_SECONDS = 1.5
"""After a longer pause in what is seen, evidence begins anew: who knows who stands there now."""


@dataclass(frozen=True, slots=True)
class LivenessLimits:
    """What a living face must show."""

    least_relief: float = 0.1
    """As of `relief`."""
    turns: int = 2
    """So many turns of the head are asked for, each to a random side; 0: none."""
    turn_degrees: float = 20.0
    """So far the head must turn from where it looked at first."""
    seconds: float = 10.0
    """Within which all of that must be shown."""
    window_seconds: float = 3.0
    """Relief is measured over so long."""
    bin_seconds: float = 0.25
    """Landmarks are averaged over so long first, as each frame's are off by a pixel or so."""


def relief(shapes: npt.ArrayLike) -> float:
    """Return how much of the motion of (n, 5, 2) landmarks no flat picture could make, in sizes of the face.

    The landmarks of a flat thing, moved in any way before a distant camera, are all affine images of one another: with
    centred, size-normalised shapes stacked to (2n, 5), only two singular values differ from zero. A head that turns has
    a third, as the nose stands out, and a face that speaks or smiles more. The third over the root of n is returned.
    Source: Tomasi and Kanade 1992, "Shape and motion from image streams under orthography", the rank theorem.
    """
    points = np.asarray(shapes, np.float64)
    if points.ndim != 3 or points.shape[1:] != (5, 2):
        raise ValueError(f"landmarks must be (n, 5, 2), not {points.shape}")
    if len(points) < 2:
        return 0.0
    centred = points - points.mean(axis=1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=(1, 2)) / 5)
    if not (size > 0).all():
        return 0.0
    stacked = (centred / size[:, None, None]).transpose(0, 2, 1).reshape(-1, 5)
    return float(np.linalg.svd(stacked, compute_uv=False)[2] / math.sqrt(len(points)))


class Proof:
    """The evidence of one track that its face is alive, and what is asked of it.

    Without `turns` enough relief within some window proves it. With them the head must also turn as asked, back to the
    middle after each turn; a turn to the wrong side, or `seconds` without the proof, and other turns are asked for.
    `draw` chooses a side at random.
    """

    def __init__(self, limits: LivenessLimits, draw: Callable[[], Turn]) -> None:
        self._limits, self._draw = limits, draw
        self._begun: float | None = None
        self._turns: tuple[Turn, ...] = ()
        self.alive = False
        self.relief = 0.0
        """The most of any window so far."""

    @property
    def asked(self) -> tuple[Turn, ...]:
        """The turns that are asked for, in order, those done included."""
        return self._turns

    def update(self, landmarks: Landmarks, seconds: float) -> bool:
        """Take in the face of one more frame; return False when the evidence was not enough, and begins anew."""
        if self.alive:
            return True
        if self._begun is None or not 0 <= seconds - self._last_seconds <= MOST_STEP_SECONDS:
            self._begin(seconds)
        elif seconds - self._begun > self._limits.seconds:
            self._begin(seconds)
            return False
        self._last_seconds = seconds
        if abs(pose(landmarks)[0]) <= MOST_YAW and not self._collect(landmarks, seconds):
            self._begin(seconds, self._middle)
            return False
        return True

    def _begin(self, seconds: float, middle: float | None = None) -> None:
        """Drop all evidence and draw other turns; with `middle`, the head must first come back to there."""
        self._begun = self._last_seconds = self._bin_seconds = seconds
        self._bin: list[Landmarks] = []
        self._shapes: deque[Landmarks] = deque(maxlen=round(self._limits.window_seconds / self._limits.bin_seconds))
        self._enough = False
        self._turns = tuple(self._draw() for _ in range(self._limits.turns))
        self._done = 0
        self._middle, self._turned = middle, middle is not None

    def _collect(self, landmarks: Landmarks, seconds: float) -> bool:
        """Average landmarks over a bin, and look at it once it is full; return False after a wrong turn."""
        if self._bin and seconds - self._bin_seconds >= self._limits.bin_seconds:
            shape = np.asarray(np.mean(self._bin, axis=0), np.float32)
            self._bin = []
            self._shapes.append(shape)
            if not self._turn(pose(shape)[0]):
                return False
            if len(self._shapes) == self._shapes.maxlen:
                found = relief(list(self._shapes))
                self.relief = max(self.relief, found)
                self._enough = self._enough or found >= self._limits.least_relief
            self.alive = self._enough and self._done == len(self._turns)
        if not self._bin:
            self._bin_seconds = seconds
        self._bin.append(landmarks)
        return True

    def _turn(self, yaw: float) -> bool:
        """Compare a yaw in degrees with the turn that is asked for now; return False when it is the wrong one."""
        if self._middle is None:
            self._middle = yaw
        away, degrees = yaw - self._middle, self._limits.turn_degrees
        if self._turned:
            self._turned = abs(away) > degrees / 2
            return True
        if self._done == len(self._turns) or abs(away) < degrees:
            return True
        self._turned = True
        # A nose that points to the right of the picture points to the person's left.
        right_one = ("left" if away > 0 else "right") == self._turns[self._done]
        self._done += right_one
        return right_one

"""Follow faces from frame to frame by where they stand, so that looks at one face can be counted together.

A track is a place that a face keeps, not a person. Nothing here compares appearances: when a film cuts, or
somebody steps aside for another between two frames, the track runs on with another face in it. That is why
identity is a vote over the latest looks only (`edgeface.core.decision.Ballot`), why that vote begins anew where a
film cuts (`edgeface.core.cuts`), and why no gap longer than the patience is ever bridged.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from edgeface.core.types import Box, Face

MAX_SHIFT = 0.75
"""Farthest a face may have moved without enough overlap, in sizes of the box (the root of its area). At a few
frames a second a walker moves half a box, which leaves an overlap of a third along a side and of a seventh
along the diagonal."""

MIN_SIZE_RATIO = 0.6
"""Smaller box over larger one, by size, for such a move to be believed."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A face that has been followed so far."""

    number: int
    """From 1, in order of first sight, never used twice by one tracker."""
    face: Face
    """As it was last seen."""
    first_seconds: float
    last_seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class TrackUpdate:
    """What one frame did to the tracks."""

    active: list[Track]
    """The tracks seen in this frame: one for each face, in the order of the faces."""
    ended: list[int]
    """Numbers of the tracks given up since the last frame."""


class Tracker:
    """Gives each face of a frame the number of the face that stood there before, or a new one.

    Pairs of a track and a face are taken greedily, each once: first by overlap, best first, down to
    `min_iou`; then, among what is left, by distance of the centres, nearest first, if the face has moved by
    no more than `MAX_SHIFT` and kept its size within `MIN_SIZE_RATIO`. A track that was not seen for longer
    than `patience_seconds` ends before the frame is looked at; so do all when the clock jumps back by more.
    """

    def __init__(self, patience_seconds: float = 1.0, min_iou: float = 0.3) -> None:
        self._patience_seconds = patience_seconds
        self._min_iou = min_iou
        self._tracks: dict[int, Track] = {}
        self._last_number = 0

    def update(self, faces: Sequence[Face], seconds: float) -> TrackUpdate:
        """Take in the faces of one frame, none included, and the time of that frame."""
        ended = [
            number
            for number, track in self._tracks.items()
            if not abs(seconds - track.last_seconds) <= self._patience_seconds
        ]
        for number in ended:
            del self._tracks[number]
        numbers = self._associate(faces)
        active = []
        for index, face in enumerate(faces):
            if index in numbers:
                track = replace(self._tracks[numbers[index]], face=face, last_seconds=seconds)
            else:
                self._last_number += 1
                track = Track(self._last_number, face, seconds, seconds)
            self._tracks[track.number] = track
            active.append(track)
        return TrackUpdate(active, ended)

    def _associate(self, faces: Sequence[Face]) -> dict[int, int]:
        """Return the numbers of known tracks by index of face."""
        numbers: dict[int, int] = {}
        for candidates in (self._overlapping(faces), self._moved(faces)):
            for _, number, index in sorted(candidates):
                if index not in numbers and number not in numbers.values():
                    numbers[index] = number
        return numbers

    def _overlapping(self, faces: Sequence[Face]) -> Iterator[tuple[float, int, int]]:
        for number, track in self._tracks.items():
            for index, face in enumerate(faces):
                overlap = iou(track.face.box, face.box)
                if overlap > 0 and overlap >= self._min_iou:
                    yield -overlap, number, index

    def _moved(self, faces: Sequence[Face]) -> Iterator[tuple[float, int, int]]:
        for number, track in self._tracks.items():
            for index, face in enumerate(faces):
                shift, size_ratio = _shift(track.face.box, face.box)
                if shift <= MAX_SHIFT and size_ratio >= MIN_SIZE_RATIO:
                    yield shift, number, index


def iou(a: Box, b: Box) -> float:
    """Return the area that two boxes share over the area that they cover together, 0 to 1."""
    across = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    down = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (a.width * a.height + b.width * b.height - shared)


def _shift(a: Box, b: Box) -> tuple[float, float]:
    """Return the distance of the centres in mean sizes, and the smaller size over the larger one."""
    sizes = sorted(math.sqrt(max(box.width * box.height, 0.0)) for box in (a, b))
    if not sizes[0] > 0:
        return math.inf, 0.0
    across = a.left + a.width / 2 - b.left - b.width / 2
    down = a.top + a.height / 2 - b.top - b.height / 2
    return math.hypot(across, down) / math.sqrt(sizes[0] * sizes[1]), sizes[0] / sizes[1]

"""Another way to recognise, in the painted world: the squares' mean colours, without tracks or votes."""

from itertools import count

import numpy as np
import pytest

from edgeface.app.bench import WARM_UP_FRAMES, TimedCamera
from edgeface.app.peer import enrolled, first_vector, measure_peer
from edgeface.app.stages import Stopwatch
from tests.fakes import BLUE, RED, PaintedCamera, Square, SquareDetector, paint


class ColourPeer:
    """Takes mean colours for vectors."""

    vector_size = 3

    def find(self, image):
        return [face.box for face in SquareDetector().detect(image)]

    def align(self, image, place):
        return image[int(place.top) :, int(place.left) :][:100, :100]

    def describe(self, image, landmarks):
        colour = landmarks.mean(axis=(0, 1)) - 128
        return colour / np.linalg.norm(colour)

    def match(self, known, vector):
        distances = np.linalg.norm(known - vector, axis=1)
        return int(distances.argmin()) if distances.min() < 0.3 else None


def measured(pictures, people=3):
    ticks = count()
    stopwatch = Stopwatch(lambda: next(ticks) / 1000, lambda: 0.5 * next(ticks) / 1000)
    known = enrolled(first_vector(PaintedCamera([paint(), paint(Square(RED))]), ColourPeer()), people)
    return measure_peer(TimedCamera(PaintedCamera(pictures), stopwatch), ColourPeer(), known, stopwatch)


def test_every_face_of_every_frame_is_embedded_and_looked_up():
    found = measured([paint(Square(RED))] * 12)
    assert [time.stage for time in found.stages] == ["capture", "detect", "align", "embed", "search", "frame"]
    assert {time.frames for time in found.stages} == {12 - WARM_UP_FRAMES}
    assert found.named == found.frames == 12 - WARM_UP_FRAMES


def test_who_comes_and_goes_makes_events():
    there, empty = paint(Square(RED)), paint()
    assert measured([there] * 8).events == 2
    assert measured([empty] * 3 + [there] * 3 + [empty] * 3 + [there] * 3).events == 4
    assert measured([empty] * 8).events == 0


def test_somebody_else_is_not_named():
    found = measured([paint(Square(BLUE))] * 8)
    assert (found.named, found.events) == (0, 0)


def test_people_are_unit_vectors_that_are_always_the_same_and_somebody_comes_last():
    somebody = np.array([0.0, 3.0, 4.0])
    known = enrolled(somebody, 5)
    assert known.shape == (5, 3)
    assert np.linalg.norm(known[:-1], axis=1) == pytest.approx(1)
    assert np.array_equal(known[-1], somebody)
    assert np.array_equal(known, enrolled(somebody, 5))
    assert enrolled(somebody, 1).tolist() == [[0, 3, 4]]


def test_nobody_is_found_where_there_is_nobody():
    assert first_vector(PaintedCamera([paint()] * 3), ColourPeer()) is None

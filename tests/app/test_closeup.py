"""Landmarks are found anew where the face has more pixels than in the picture that was searched."""

import numpy as np
import pytest

from edgeface.app.closeup import REACH, CloseUp
from edgeface.app.pipeline import Pipeline
from edgeface.core.decision import Policy
from edgeface.core.tracking import Tracker
from edgeface.core.types import Box, Face, Frame
from edgeface.drivers.detectors.yunet import YuNet
from tests.fakes import RED, START, ColourEmbedder, Square, SquareDetector, gallery_of, paint

WRONG = np.full((5, 2), 7, np.float32)


def close_up(detector, side=320, searched_px=260):
    return CloseUp(detector, side, searched_px)


def roughly(image):
    """The largest face of a picture, with landmarks that are wrong."""
    face = SquareDetector().detect(image)[0]
    return Face(face.box, WRONG, face.score)


class Noting(SquareDetector):
    """Remembers the pictures that it searched."""

    def __init__(self):
        self.seen = []

    def detect(self, image):
        self.seen.append(image.shape)
        return super().detect(image)


def test_landmarks_are_those_of_the_full_picture():
    image = paint(Square(RED, size=60))
    [exact] = SquareDetector().detect(image)
    assert close_up(SquareDetector()).landmarks(image, roughly(image)) == pytest.approx(exact.landmarks)


def test_only_the_surroundings_of_the_face_are_searched():
    image, noting = paint(Square(RED, left=100, top=30, size=60)), Noting()
    close_up(noting).landmarks(image, roughly(image))
    assert noting.seen == [(126, 132, 3)]  # from the upper edge to 66 px below the middle, and 66 px to each side
    assert REACH * 60 == 132


@pytest.mark.parametrize("left", [0, 460])
def test_a_face_at_the_edge_of_the_picture_is_found_anew(left):
    image = paint(Square(RED, left=left, size=60), wall=30)
    [exact] = SquareDetector().detect(image)
    image[0, 0] = 30
    assert close_up(SquareDetector()).landmarks(image, roughly(image)) == pytest.approx(exact.landmarks)


def test_a_picture_that_was_searched_at_full_size_is_not_searched_again():
    image, noting = paint(Square(RED, size=60)), Noting()
    assert close_up(noting, searched_px=520).landmarks(image, roughly(image)) is WRONG
    assert noting.seen == []


def test_a_face_so_large_that_a_closer_look_shows_no_more_of_it_is_not_searched_again():
    image, noting = paint(Square(RED, size=112)), Noting()
    assert close_up(noting, side=120).landmarks(image, roughly(image)) is WRONG
    assert noting.seen == []


def test_where_the_closer_look_finds_nobody_the_landmarks_stay():
    image = paint(Square(RED, size=60))
    face = roughly(image)
    assert close_up(SquareDetector()).landmarks(np.zeros_like(image), face) is WRONG


def test_somebody_else_s_landmarks_are_not_taken():
    image = paint(Square(RED, left=160, size=60))
    elsewhere = Face(Box(110, 60, 60, 60), WRONG, 0.9)
    assert close_up(SquareDetector()).landmarks(image, elsewhere) is WRONG


class Careless(SquareDetector):
    """Puts landmarks where they are not, as in a picture too small to see them."""

    def detect(self, image):
        return [Face(face.box, face.landmarks + 40, face.score) for face in super().detect(image)]


@pytest.mark.parametrize(("wanted", "state"), [(True, "known"), (False, "unknown")])
def test_the_pipeline_looks_at_what_the_close_up_found(wanted, state):
    pipeline = Pipeline(
        detector=Careless(),
        embedder=ColourEmbedder(),
        index=gallery_of(alice=RED),
        policy=Policy(0.999),
        tracker=Tracker(),
        close_up=close_up(SquareDetector()) if wanted else None,
    )
    image = paint(Square(RED, size=100), wall=90)
    seen = [pipeline.recognize(Frame(image, START + number / 10)) for number in range(5)]
    [face] = seen[-1].faces
    assert face.verdict.state == state


def test_yunet_finds_the_eyes_of_a_small_face_nearer_to_where_they_are(astronaut):
    picture = np.zeros((900, 1600, 3), np.uint8)
    picture[200:712, 300:812] = astronaut
    [exact] = YuNet().detect(astronaut)
    searcher = YuNet(long_side=320)
    [rough] = searcher.detect(picture)
    close = searcher.close_up()
    better = CloseUp(close, close.side, searcher.long_side).landmarks(picture, rough)
    truth = exact.landmarks + np.array([300, 200])
    assert np.abs(better - truth).mean() < np.abs(rough.landmarks - truth).mean()


def test_a_close_up_s_picture_is_laid_out_at_one_size_however_large_it_is(astronaut):
    close = YuNet().close_up()
    [whole] = close.detect(astronaut)
    [part] = close.detect(astronaut[:300, 100:400])
    assert part.landmarks + np.array([100, 0]) == pytest.approx(whole.landmarks, abs=4)
    assert close.detect(np.zeros((9, 4, 3), np.uint8)) == []

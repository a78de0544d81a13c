"""The scene that is painted to be measured with."""

import numpy as np
import pytest

from edgeface import wiring
from edgeface.app.bench import first_look
from edgeface.app.scene import FPS, HEIGHT, WIDTH, paint_scene
from edgeface.config import Config
from edgeface.drivers.embedder import decode_chip
from tests.fakes import ColourEmbedder, PaintedCamera

CARRIED = (wiring.DEFAULT_BUNDLE / "model.json").is_file()


def test_the_pictures_are_the_same_each_time_and_differ_from_each_other():
    face = np.full((112, 112, 3), 200, np.uint8)
    once, again = (list(paint_scene(face, 3)) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(once, again, strict=True))
    assert once[0].shape == (HEIGHT, WIDTH, 3)
    assert once[0].dtype == np.uint8
    assert not np.array_equal(once[0], once[1])


def test_the_face_sways_and_never_leaves_the_picture():
    face = np.full((112, 112, 3), 255, np.uint8)
    centres = [np.argwhere(picture.min(axis=2) > 230).mean(axis=0) for picture in paint_scene(face, round(4 * FPS))]
    rows, columns = np.transpose(centres)
    assert np.ptp(columns) > 200 and np.ptp(rows) > 60
    assert min(rows) > 56 and max(rows) < HEIGHT - 56
    assert min(columns) > 56 and max(columns) < WIDTH - 56


@pytest.mark.parametrize("shape", [(100, 112, 3), (480, 480, 3), (112, 112)])
def test_a_face_that_does_not_fit_is_refused(shape):
    with pytest.raises(ValueError, match="square picture that fits into 640x480"):
        next(paint_scene(np.zeros(shape, np.uint8), 1))


@pytest.mark.skipif(not CARRIED, reason="this checkout carries no trained bundle")
def test_the_detector_finds_the_average_face_good_enough_all_along_its_way():
    face = decode_chip(wiring.read_model(Config()).card.golden_chip)
    detector = wiring.make_detector(Config(), live=True)
    pictures = list(paint_scene(face, round(4 * FPS)))[::20]
    assert [len(detector.detect(picture)) for picture in pictures] == [1] * len(pictures)
    assert all(first_look(PaintedCamera([picture]), detector, ColourEmbedder()) for picture in pictures)

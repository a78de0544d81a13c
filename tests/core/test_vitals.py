"""What a camera's pictures say about its health."""

import numpy as np
import pytest

from edgeface.core.types import Frame
from edgeface.core.vitals import Vitals

NOISE = np.random.default_rng(1)


def picture(level=90, spread=5, shape=(60, 80, 3)):
    return np.clip(level + NOISE.integers(-spread, spread + 1, shape), 0, 255).astype(np.uint8)


def verdicts(pictures, period=0.1, waited=0.1):
    vitals = Vitals()
    return [vitals.update(Frame(image, number * period), waited) for number, image in enumerate(pictures)], vitals


def test_noise_of_a_living_sensor_is_healthy():
    said, vitals = verdicts([picture() for _ in range(40)])
    assert said == [None] * 40
    assert vitals.healthy


def test_the_first_picture_alone_proves_nothing():
    assert not verdicts([picture()])[1].healthy


@pytest.mark.parametrize(
    ("pictures", "fault"),
    [([picture(level=1, spread=1) for _ in range(20)], "black"), ([picture()] * 20, "frozen")],
)
def test_a_black_or_frozen_camera_is_noticed_within_two_seconds(pictures, fault):
    said, vitals = verdicts(pictures)
    assert said[:15] == [None] * 15
    assert said[15:] == [fault] * 5
    assert not vitals.healthy


def test_a_dark_room_is_not_black():
    assert set(verdicts([picture(level=8, spread=6) for _ in range(30)])[0]) == {None}


def test_a_camera_that_repeats_each_picture_once_is_not_frozen():
    assert set(verdicts([image for image in [picture() for _ in range(20)] for _ in range(2)])[0]) == {None}


def test_another_size_is_a_fault_at_once_and_stays_one():
    said, _ = verdicts([picture()] + [picture(shape=(48, 64, 3)) for _ in range(2)])
    assert said == [None, "size", "size"]


def test_one_late_frame_is_no_fault_and_two_in_a_row_are():
    vitals = Vitals()
    said = [vitals.update(Frame(picture(), at), waited) for at, waited in enumerate([0, 1, 0.1, 1, 1, 0.1])]
    assert said == [None, None, None, None, "slow", None]


def test_a_picture_smaller_than_the_step_is_judged_too():
    assert verdicts([np.zeros((1, 1, 3), np.uint8)] * 20)[0][-1] == "black"

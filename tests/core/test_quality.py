import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeface.core.align import TEMPLATE, align
from edgeface.core.quality import (
    ENROLL_LIMITS,
    LIVE_LIMITS,
    Limits,
    Quality,
    assess,
    pose,
    reasons,
    sharpness,
)
from edgeface.core.types import Box, Face

GOOD = Quality(face_px=120, brightness=130, sharpness=0.5, yaw=5, roll=-3, visible=1.0, score=0.95)


@pytest.fixture(scope="module")
def portrait(astronaut):
    """The portrait, and its face as YuNet finds it."""
    landmarks = np.array([[200.1, 101.8], [247.1, 102.6], [220.4, 124.5], [198.6, 142.8], [239.7, 143.6]])
    return astronaut, Face(Box(178.2, 62.9, 89.9, 113.3), landmarks.astype(np.float32), 0.93)


def refused(picture, face, chip, limits=ENROLL_LIMITS):
    return reasons(assess(picture, face, chip), limits)


def shrunk(portrait, scale):
    picture, face = portrait
    box = face.box
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    landmarks = ((face.landmarks + 0.5) * scale - 0.5).astype(np.float32)
    scaled = Box(box.left * scale, box.top * scale, box.width * scale, box.height * scale)
    return small, Face(scaled, landmarks, face.score)


def head(yaw, roll=0.0):
    """Five points of a head, turned about its vertical axis and seen from afar; eyes 40 px apart."""
    points = np.array([[-20, 0, 0], [20, 0, 0], [0, 20, 20], [-16, 40, 0], [16, 40, 0]], float)
    turn, tilt = math.radians(yaw), math.radians(roll)
    x = points[:, 0] * math.cos(turn) + points[:, 2] * math.sin(turn)
    y = points[:, 1]
    return np.column_stack(
        [x * math.cos(tilt) - y * math.sin(tilt) + 200, x * math.sin(tilt) + y * math.cos(tilt) + 150]
    ).astype(np.float32)


def test_a_good_portrait_is_accepted(portrait):
    picture, face = portrait
    quality = assess(picture, face, align(picture, face.landmarks))
    assert reasons(quality, ENROLL_LIMITS) == reasons(quality, LIVE_LIMITS) == []
    assert quality.score > 0.8
    assert quality.visible == 1


def test_a_heavily_blurred_face_is_refused_everywhere(portrait):
    picture, face = portrait
    blurred = cv2.GaussianBlur(align(picture, face.landmarks), (0, 0), 6)
    for limits in (ENROLL_LIMITS, LIVE_LIMITS):
        (reason,) = refused(picture, face, blurred, limits)
        assert reason.startswith("too blurred: sharpness 0.07 of 1")


@pytest.mark.parametrize("direction", [(1, 13), (13, 1)])
def test_motion_blur_in_either_direction_is_refused(portrait, direction):
    picture, face = portrait
    smeared = cv2.blur(align(picture, face.landmarks), direction)
    assert "too blurred" in refused(picture, face, smeared)[0]


def test_a_small_face_scaled_up_counts_as_blurred(portrait):
    picture, face = shrunk(portrait, 0.22)
    assert [reason[:12] for reason in refused(picture, face, align(picture, face.landmarks))] == [
        "face is 19 p",
        "too blurred:",
    ]
    large = cv2.resize(picture, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC)
    landmarks = ((face.landmarks + 0.5) * 5 - 0.5).astype(np.float32)
    upscaled = Face(Box(150, 50, 100, 120), landmarks, 0.9)
    (reason,) = refused(large, upscaled, align(large, landmarks))
    assert reason.startswith("too blurred")


def test_an_underexposed_face_is_refused_as_dark_and_not_as_blurred(portrait):
    picture, face = portrait
    dark = (align(picture, face.landmarks) * 0.17).astype(np.uint8)
    (reason,) = refused(picture, face, dark)
    assert reason == "too dark: brightness 27 of 255, at least 40 is needed"


def test_a_washed_out_face_is_refused(portrait):
    picture, face = portrait
    bright = np.clip(align(picture, face.landmarks).astype(int) + 110, 0, 255).astype(np.uint8)
    assert any(reason.startswith("too bright") for reason in refused(picture, face, bright))


def test_a_face_half_outside_of_the_picture_is_refused(portrait):
    picture, face = portrait
    moved = replace(face.box, left=-45.0)
    quality = assess(picture, Face(moved, face.landmarks, 0.9), align(picture, face.landmarks))
    assert quality.visible == pytest.approx(0.4994, abs=1e-3)
    assert reasons(quality, ENROLL_LIMITS) == [
        "cut off by the edge of the picture: 49 % of the face is visible, at least 80 % are needed"
    ]


@pytest.mark.parametrize("box", [Box(-500, 0, 50, 50), Box(600, 600, 50, 50), Box(10, 10, 0, 0)])
def test_a_box_that_shows_nothing_is_not_visible(portrait, box):
    picture, face = portrait
    quality = assess(picture, Face(box, face.landmarks, 0.9), align(picture, face.landmarks))
    assert quality.visible == quality.score == 0


@given(st.floats(-85, 85), st.floats(-80, 80))
def test_yaw_and_roll_of_a_turned_head_are_found(yaw, roll):
    found_yaw, found_roll = pose(head(yaw, roll))
    assert found_yaw == pytest.approx(yaw, abs=0.1)
    assert found_roll == pytest.approx(roll, abs=0.1)


def test_the_template_looks_straight_ahead():
    yaw, roll = pose(TEMPLATE)
    assert abs(yaw) < 2
    assert abs(roll) < 2


def test_a_profile_whose_eyes_have_swapped_is_past_90_degrees():
    assert 90 < pose(head(100))[0] < 120


def test_landmarks_on_one_point_count_as_a_profile():
    assert pose(np.full((5, 2), 7, np.float32)) == (90, 0)


@pytest.mark.parametrize("yaw", [-60, 50, 80])
def test_a_head_turned_away_is_refused_for_enrolment(portrait, yaw):
    picture, face = portrait
    turned = Face(face.box, head(yaw), 0.9)
    (reason,) = refused(picture, turned, align(picture, face.landmarks))
    assert reason.startswith(f"turned away: about {abs(yaw)} degrees") or reason.startswith(
        f"turned away: about {abs(yaw) + 1} degrees"
    )


def test_a_head_upside_down_is_refused(portrait):
    picture, face = portrait
    chip = align(picture, face.landmarks)
    (reason,) = refused(picture, Face(face.box, head(0, 179.5), 0.9), chip)
    assert reason == "tilted: about 180 degrees, at most 45 are allowed"


def test_every_reason_names_the_value_and_the_limit():
    poor = Quality(face_px=31.9, brightness=20, sharpness=0.118, yaw=-61.2, roll=50, visible=0.5, score=0)
    assert reasons(poor, Limits()) == [
        "face is 31 px wide, at least 40 are needed",
        "cut off by the edge of the picture: 50 % of the face is visible, at least 80 % are needed",
        "turned away: about 62 degrees sideways, at most 45 are allowed",
        "tilted: about 50 degrees, at most 45 are allowed",
        "too dark: brightness 20 of 255, at least 40 is needed",
        "too blurred: sharpness 0.11 of 1, at least 0.22 is needed",
    ]


def test_a_value_just_below_its_limit_does_not_look_like_the_limit():
    assert "39 px wide, at least 40" in reasons(replace(GOOD, face_px=39.99), ENROLL_LIMITS)[0]
    assert "39 of 255, at least 40" in reasons(replace(GOOD, brightness=39.99), ENROLL_LIMITS)[0]
    assert "226 of 255, at most 225" in reasons(replace(GOOD, brightness=225.1), ENROLL_LIMITS)[0]
    assert "0.21 of 1, at least 0.22" in reasons(replace(GOOD, sharpness=0.2199), ENROLL_LIMITS)[0]
    assert "46 degrees sideways, at most 45" in reasons(replace(GOOD, yaw=45.01), ENROLL_LIMITS)[0]


def test_a_value_at_its_limit_is_good_enough():
    edge = Quality(face_px=40, brightness=40, sharpness=0.22, yaw=-45, roll=45, visible=0.8, score=0.1)
    assert reasons(edge, ENROLL_LIMITS) == []


def test_what_may_be_learned_may_be_recognised():
    lower = ("min_face_px", "min_brightness", "min_sharpness", "min_visible")
    assert all(getattr(LIVE_LIMITS, name) <= getattr(ENROLL_LIMITS, name) for name in lower)
    upper = ("max_brightness", "max_yaw", "max_roll")
    assert all(getattr(LIVE_LIMITS, name) >= getattr(ENROLL_LIMITS, name) for name in upper)


def slow_sharpness(grey):
    """Crete et al. 2007: blur along each direction, and see how much of the differences is gone."""
    found = []
    for picture in (grey, grey.T):
        height, width = picture.shape
        blurred = {}
        for row in range(2, height - 2):
            for column in range(width):
                blurred[row, column] = sum(float(picture[row + k, column]) for k in range(-2, 3)) / 5
        lost = total = 0.0
        for row in range(2, height - 3):
            for column in range(width):
                difference = abs(float(picture[row + 1, column]) - float(picture[row, column]))
                lost += max(0.0, difference - abs(blurred[row + 1, column] - blurred[row, column]))
                total += difference
        found.append(lost / total if total else 0.0)
    return min(found)


@pytest.mark.parametrize("shape", [(6, 6), (9, 14), (20, 8), (5, 5), (1, 1), (0, 0)])
def test_sharpness_is_what_blurring_step_by_step_takes_away(shape):
    grey = np.random.default_rng(3).integers(0, 256, shape).astype(np.float32)
    assert sharpness(grey) == pytest.approx(slow_sharpness(grey), abs=1e-5)


def test_an_even_picture_and_a_gradient_are_not_sharp():
    assert sharpness(np.full((30, 30), 99, np.float32)) == 0
    assert sharpness(np.add.outer(np.arange(30.0), np.arange(30.0))) == pytest.approx(0, abs=1e-6)


@given(st.floats(0.2, 3), st.floats(-50, 50))
def test_exposure_and_contrast_do_not_change_sharpness(contrast, exposure):
    grey = np.random.default_rng(5).integers(0, 256, (20, 20)).astype(np.float64)
    assert sharpness(grey * contrast + exposure) == pytest.approx(sharpness(grey))


def test_more_blur_is_less_sharp(portrait):
    picture, face = portrait
    chip = align(picture, face.landmarks)
    found = [assess(picture, face, cv2.GaussianBlur(chip, (0, 0), sigma)).sharpness for sigma in (0.5, 1, 1.5, 2, 3)]
    assert found == sorted(found, reverse=True)
    assert found[2] < ENROLL_LIMITS.min_sharpness < found[0]


@pytest.mark.parametrize("value", [0, 255])
def test_a_chip_of_one_colour_scores_nothing(portrait, value):
    picture, face = portrait
    quality = assess(picture, face, np.full((112, 112, 3), value, np.uint8))
    assert quality.score == 0
    assert quality.brightness == pytest.approx(value, abs=0.01)


def test_the_better_look_has_the_higher_score(portrait):
    picture, face = portrait
    chip = align(picture, face.landmarks)
    best = assess(picture, face, chip).score
    small, small_face = shrunk(portrait, 0.4)
    worse = [
        assess(picture, face, cv2.GaussianBlur(chip, (0, 0), 1.5)),
        assess(picture, Face(face.box, head(40), 0.9), chip),
        assess(small, small_face, align(small, small_face.landmarks)),
        assess(picture, face, (chip * 0.15).astype(np.uint8)),
    ]
    assert all(0 < look.score < best for look in worse)


def test_a_chip_of_another_size_is_refused(portrait):
    picture, face = portrait
    with pytest.raises(ValueError, match="128"):
        assess(picture, face, align(picture, face.landmarks, border=8))

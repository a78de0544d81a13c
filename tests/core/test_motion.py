"""What counts as motion, and what does not: noise, exposure, what has stood there for a while."""

import numpy as np
import pytest

from edgeface.core.motion import LONGEST_SECONDS, MOST_LEVELS, Motion
from edgeface.core.types import Frame

FPS = 10


def room(grey=90, height=180, width=320):
    return np.full((height, width, 3), grey, np.uint8)


def with_somebody(left=100, contrast=40, size=40, wall=90):
    image = room(wall)
    image[40 : 40 + size, left : left + size] += np.uint8(contrast)
    return image


def stirs(pictures, motion=None, start=0.0, fps=FPS):
    motion = motion or Motion()
    return [motion.update(Frame(picture, start + number / fps)) for number, picture in enumerate(pictures)]


def noisy(picture, sigma, random):
    noise = random.normal(0, sigma, picture.shape[:2])[..., None]
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def test_of_the_first_frame_nothing_is_known_so_it_differs():
    assert stirs([room()]) == [stirs([with_somebody()])[0]]
    assert stirs([room()])[0].differs


def test_a_room_in_which_nothing_happens_is_still():
    assert not any(stirs([room()] * 50)[1:])


def test_somebody_who_comes_in_is_motion_at_once():
    [*_, last] = stirs([room()] * 20 + [with_somebody()])
    assert last.differs and last.moves


def test_somebody_who_stands_still_differs_for_a_while_and_then_belongs_to_the_room():
    found = stirs([room()] * 600 + [with_somebody()] * 400)[600:]
    assert all(stir.differs for stir in found[: 10 * FPS])
    assert not any(stir.moves for stir in found[3 * FPS :])
    assert not found[-1].differs


def test_somebody_who_has_stood_there_is_missed_when_they_go():
    [*_, last] = stirs([with_somebody()] * 300 + [room()])
    assert last.moves


@pytest.mark.parametrize("sigma", [3, 8, 12])
def test_noise_is_no_motion_and_somebody_in_it_is(sigma):
    random = np.random.default_rng(5)
    pictures = [noisy(room(), sigma, random) for _ in range(600)]
    motion = Motion()
    assert sum(map(bool, stirs(pictures, motion)[100:])) <= 5
    assert stirs([noisy(with_somebody(), sigma, random)], motion, start=60.0)[0].moves


def test_a_camera_that_changes_its_exposure_is_no_motion():
    assert not any(stirs([room(90 + step) for step in range(100)])[1:])


def test_a_light_switched_on_in_a_corner_is_motion_for_a_while():
    lit = room()
    lit[:, :100] = 160
    found = stirs([room()] * 20 + [lit] * 600)[20:]
    assert found[0].differs and not found[-1]


def test_what_sways_all_the_time_becomes_normal():
    still, swayed = with_somebody(contrast=0), with_somebody(contrast=12)
    found = stirs([still if number // 3 % 2 else swayed for number in range(1500)])
    assert found[3].differs
    assert not any(found[-300:])


def test_a_busy_corridor_never_becomes_normal():
    passing = [with_somebody(left=20 + 20 * (number % 14)) if number % 20 < 14 else room() for number in range(3000)]
    found = stirs(passing)
    in_sight = [number for number in range(2000, 3000) if number % 20 < 14]
    assert all(found[number] for number in in_sight)


def test_a_change_of_most_levels_always_counts_and_a_lesser_of_one_cell_never():
    assert stirs([room()] * 5 + [with_somebody(contrast=int(MOST_LEVELS) + 1)])[-1]
    assert not stirs([room()] * 5 + [with_somebody(size=8, contrast=150)])[-1]


@pytest.mark.parametrize("pause", [-1.0, LONGEST_SECONDS + 1])
def test_after_a_long_pause_or_a_clock_set_back_nothing_is_known(pause):
    motion = Motion()
    stirs([room()] * 20, motion)
    after = stirs([room()] * 2, motion, start=1.9 + pause)
    assert after[0].differs and not after[1]


def test_two_frames_of_one_moment_and_another_size_are_compared_all_the_same():
    motion = Motion()
    motion.update(Frame(room(), 1.0))
    assert not motion.update(Frame(room(height=720, width=1280), 1.0))
    assert motion.update(Frame(with_somebody(), 1.0))


def test_motion_is_sought_in_the_small_picture_where_there_is_one():
    motion = Motion()
    for number in range(20):
        motion.update(Frame(room(), number / FPS, room(height=90, width=160)))
    assert not motion.update(Frame(with_somebody(), 2.0, room(height=90, width=160)))
    assert motion.update(Frame(room(), 2.1, with_somebody()[::2, ::2]))

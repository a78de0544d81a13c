import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeface.core.cuts import CUT, CUT_SECONDS, HEIGHT, SCENE_SECONDS, WIDTH, Cuts, thumbnail
from edgeface.core.types import Frame

DIM, BRIGHT = 40, 140


def room(grey, height=90, width=160):
    return np.full((height, width, 3), grey, np.uint8)


def cuts(*frames):
    """Whether each frame, a pair of seconds and a grey level, is a cut."""
    seen = Cuts()
    return [seen.update(Frame(room(grey), seconds)) for seconds, grey in frames]


def test_another_scene_is_a_cut_once():
    assert cuts((0.0, DIM), (0.04, DIM), (0.08, BRIGHT), (0.12, BRIGHT)) == [False, False, True, False]


def test_the_first_frame_is_no_cut():
    assert cuts((0.0, BRIGHT)) == [False]


def test_a_difference_of_the_limit_is_a_cut_and_a_smaller_one_is_not():
    assert cuts((0.0, 0), (0.04, int(CUT))) == [False, True]
    assert cuts((0.0, 0), (0.04, int(CUT) - 1)) == [False, False]


def test_a_light_that_is_dimmed_up_is_no_cut():
    assert not any(cuts(*((step * 0.04, step * 10) for step in range(25))))


@pytest.mark.parametrize("pause", [CUT_SECONDS + 0.01, 1.0, 3600.0, -1.0])
def test_frames_far_apart_in_time_are_not_compared(pause):
    assert cuts((100.0, DIM), (100.0 + pause, BRIGHT)) == [False, False]


def test_a_device_that_takes_two_frames_a_second_notices_a_cut():
    assert cuts((0.0, DIM), (0.5, DIM), (1.0, BRIGHT), (1.5, BRIGHT)) == [False, False, True, False]


def test_two_frames_of_the_same_time_are_compared():
    assert cuts((5.0, DIM), (5.0, BRIGHT)) == [False, True]


def test_a_light_that_flickers_is_one_cut_a_scene():
    flickering = cuts(*((step * 0.1, DIM if step % 2 else BRIGHT) for step in range(40)))
    found = [step * 0.1 for step, cut in enumerate(flickering) if cut]
    assert found[0] == pytest.approx(0.1)
    assert np.diff(found) == pytest.approx(SCENE_SECONDS, abs=0.11)


def test_after_a_clock_that_was_set_back_cuts_are_found_again():
    assert cuts((100.0, DIM), (100.1, BRIGHT), (5.0, BRIGHT), (5.1, DIM)) == [False, True, False, True]


def test_somebody_who_walks_past_is_no_cut():
    frames = []
    for left in range(0, 120, 10):
        image = room(DIM)
        image[20:90, left : left + 40] = 220
        frames.append(image)
    seen = Cuts()
    assert not any(seen.update(Frame(image, place * 0.1)) for place, image in enumerate(frames))


def test_a_frame_of_another_size_is_compared_all_the_same():
    seen = Cuts()
    seen.update(Frame(room(DIM, 90, 160), 0.0))
    assert not seen.update(Frame(room(DIM, 1080, 1920), 0.1))
    assert seen.update(Frame(room(BRIGHT, 7, 5), 0.2))


def slow_thumbnail(image):
    """The mean of every pixel of each cell."""
    rows, columns = image.shape[0] // HEIGHT, image.shape[1] // WIDTH
    cells = np.zeros((HEIGHT, WIDTH))
    for row in range(HEIGHT):
        for column in range(WIDTH):
            cells[row, column] = image[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns].mean()
    return cells


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_of_cells_of_one_colour_the_thumbnail_is_their_mean(tall, wide, seed):
    colours = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    image = colours.repeat(tall, axis=0).repeat(wide, axis=1)
    assert thumbnail(image) == pytest.approx(slow_thumbnail(image), abs=1e-3)


def test_of_a_smooth_picture_the_thumbnail_is_nearly_the_mean_of_all_pixels():
    across, down = np.meshgrid(np.linspace(0, 255, 1280), np.linspace(0, 255, 720))
    image = np.stack([across, down, (across + down) / 2], axis=2).astype(np.uint8)
    assert thumbnail(image) == pytest.approx(slow_thumbnail(image), abs=1)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (17, 31), (19, 33), (480, 640)])
def test_every_size_has_a_thumbnail(size):
    found = thumbnail(room(77, *size))
    assert (found.shape, found.dtype) == ((HEIGHT, WIDTH), np.float32)
    assert (found == 77).all()

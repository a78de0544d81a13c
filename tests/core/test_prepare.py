import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeface.core.prepare import InputSpec, crop_centre, dequantise, is_unit, normalise, quantise, to_input, views


def chips(count, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_each_pixel_is_scaled_and_put_in_the_networks_order(count, channels):
    spec = InputSpec(size=4, channels=channels, scale=0.25, offset=-3.0)
    given_chips = chips(count, 4)
    found = to_input(given_chips, spec)
    assert (found.shape, found.dtype) == ((count, 4, 4, 3), np.float32)
    for place in np.ndindex(*found.shape):
        *where, channel = place
        source = channel if channels == "RGB" else 2 - channel
        assert found[place] == given_chips[(*where, source)] * 0.25 - 3.0


def test_by_default_black_is_minus_one_and_white_is_one():
    both = np.stack([np.zeros((112, 112, 3), np.uint8), np.full((112, 112, 3), 255, np.uint8)])
    found = to_input(both, InputSpec())
    assert found[0].max() == -1
    assert found[1].min() == pytest.approx(1)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((112, 112, 3), np.uint8),
        np.zeros((1, 96, 96, 3), np.uint8),
        np.zeros((1, 112, 112, 1), np.uint8),
        np.zeros((1, 112, 112, 3), np.float32),
    ],
)
def test_what_is_not_a_stack_of_chips_is_refused(wrong):
    with pytest.raises(ValueError, match="chips must be"):
        to_input(wrong, InputSpec())


def test_mirroring_adds_each_chip_seen_from_the_other_side():
    wide = chips(2, 12)
    [alone] = views(wide, InputSpec(size=8))
    seen, mirrored = views(wide, InputSpec(size=8, mirror=True))
    assert np.array_equal(alone, crop_centre(wide, 8))
    assert np.array_equal(seen, alone)
    assert np.array_equal(mirrored, np.stack([np.fliplr(chip) for chip in alone]))


def test_the_border_of_a_chip_is_dropped_evenly():
    wide = chips(2, 12)
    assert np.array_equal(crop_centre(wide, 8), wide[:, 2:10, 2:10])
    assert np.array_equal(crop_centre(wide, 12), wide)


def test_a_chip_cannot_be_cropped_to_more_than_it_is():
    with pytest.raises(ValueError, match="12x12 are smaller than 13x13"):
        crop_centre(chips(1, 12), 13)


@given(
    st.lists(st.floats(-1000, 1000, width=32), max_size=20),
    st.floats(0.001, 2),
    st.integers(-128, 127),
    st.sampled_from([np.int8, np.uint8]),
)
def test_quantising_is_rounding_and_clipping_one_by_one(values, scale, zero_point, dtype):
    found = quantise(np.array(values, np.float32), scale, zero_point, dtype)
    lowest, highest = (-128, 127) if dtype is np.int8 else (0, 255)
    expected = [
        min(max(round(float(np.float32(value) / np.float32(scale))) + zero_point, lowest), highest) for value in values
    ]
    assert found.dtype == dtype
    assert found.tolist() == expected


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20))
def test_a_number_comes_back_from_quantising_within_half_a_step(values):
    scale, zero_point = 2 / 255, -1
    back = dequantise(quantise(np.array(values, np.float32), scale, zero_point, np.int8), scale, zero_point)
    assert back.dtype == np.float32
    assert np.abs(back - np.array(values, np.float32)).max() <= scale * 0.51


def test_dequantising_does_not_overflow_the_integers():
    assert dequantise(np.array([-128, 127], np.int8), 1.0, 127).tolist() == [-255, 0]


def test_vectors_become_as_long_as_one_and_nothing_stays_nothing():
    found = normalise(np.array([[3, 4], [0, 0], [-2, 0]], np.float32))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0], [-1, 0]])
    assert found.dtype == np.float32


def test_normalising_none_and_a_single_vector_works():
    assert normalise(np.empty((0, 4), np.float32)).shape == (0, 4)
    assert normalise(np.array([0, 5], np.float32)).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("numbers", "unit"),
    [([0.6, 0.8], True), ([0.6, 0.81], True), ([0.6, 0.9], False), ([0, 0], False), ([3e38, 3e38], False)],
)
def test_a_vector_is_told_to_be_of_unit_length_or_not(numbers, unit):
    assert is_unit(np.array(numbers, np.float32)) is unit


@pytest.mark.parametrize("nan", [0x7FC00000, 0x7FA00000], ids=["quiet", "signalling"])
def test_a_vector_that_is_no_number_has_not_unit_length(nan):
    with np.errstate(all="raise"):
        assert not is_unit(np.array([nan, 0], np.uint32).view(np.float32))

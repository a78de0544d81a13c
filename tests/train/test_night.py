"""Chips as cameras see faces at night: the same on host and device, and what the settings say."""

from dataclasses import replace

import numpy as np
import pytest
from edgeface_train.augment import augment
from edgeface_train.night import EXPOSURES, FAR, GAMMA, LUMA, SHOTS, Night, at_night, draw_night
from edgeface_train.recipe import PLAIN, Augment

from tests.train.test_vary import SIZE, by_device, draw, patterns, silent

DARK, INFRARED = replace(PLAIN, dark=1.0), replace(PLAIN, infrared=1.0)


def night(settings, count, seed=3):
    return draw_night(count, SIZE, settings, np.random.default_rng(seed))


def spoken(chip, how):
    """Follow one chip pixel by pixel, without noise."""
    x, y, far = map(float, how.lamps)
    found = np.empty_like(chip)
    for row, column in np.ndindex(chip.shape[:2]):
        slant = np.cos(np.arctan(np.hypot(column - x, row - y) / far))
        light = (chip[row, column] / 255) ** GAMMA * how.exposures * slant**4
        value = np.minimum(light, 1) ** (1 / GAMMA)
        grey = sum(value * how.mixes)
        seen = (grey + how.colours * (value - grey) - 0.5) * how.contrasts + 0.5
        found[row, column] = np.clip(np.rint(seen * 255), 0, 255)
    return found


@pytest.mark.parametrize("settings", [DARK, INFRARED])
def test_host_and_device_show_the_same_night(settings):
    chips = patterns()
    variations = silent(draw(settings))
    host, device = augment(chips, SIZE, variations).astype(float), by_device(chips, variations)
    assert np.abs(host - device).max() <= 1
    assert np.abs(host - device).mean() < 0.01
    oracle = spoken(chips[0, 8:-8, 8:-8], variations.night.part(0))
    assert np.abs(host[0] - oracle).max() <= 1


def test_chips_that_are_not_seen_at_night_stay_as_they_are():
    chips = patterns()
    variations = draw(replace(PLAIN, dark=0.4, infrared=0.2))
    seen = variations.night.seen
    assert 0 < seen.sum() < 12
    for shown in (augment(chips, SIZE, variations), by_device(chips, variations)):
        assert np.array_equal(shown[~seen], chips[~seen, 8:-8, 8:-8])
        assert not np.array_equal(shown[seen], chips[seen, 8:-8, 8:-8])


def test_the_noise_has_a_variance_that_grows_with_the_light():
    values = np.linspace(90, 230, 12).astype(np.uint8)
    middle = np.broadcast_to(values[:, None, None, None], (12, 128, 128, 3)).copy()
    plain = draw(PLAIN)
    how = plain.night._replace(seen=np.ones(12, bool), noises=np.tile(np.array([0.002, 0.0002], np.float32), (12, 1)))
    variations = plain._replace(night=how)
    wanted = 0.002 * (values / 255) ** GAMMA + 0.0002
    for noisy in (augment(middle, SIZE, variations), by_device(middle, variations)):
        light = (noisy.astype(float) / 255) ** GAMMA
        assert light.var(axis=(1, 2, 3)) == pytest.approx(wanted, rel=0.05)
        assert light.mean(axis=(1, 2, 3)) == pytest.approx((values / 255) ** GAMMA, rel=0.01)


def test_low_light_is_6_to_40_percent_and_pale():
    how = night(DARK, 2000)
    assert how.seen.all()
    assert EXPOSURES[0] <= how.exposures.min() < 0.065 and 0.38 < how.exposures.max() <= EXPOSURES[1]
    assert SHOTS[0] * 0.999 <= how.noises[:, 0].min() and how.noises[:, 0].max() <= SHOTS[1] * 1.001
    assert how.colours.min() >= 0.3 and how.colours.max() <= 0.8
    assert np.all(how.contrasts == 1) and np.all(how.lamps == np.array(FAR, np.float32)) and np.all(how.mixes == LUMA)


def test_infrared_is_grey_mostly_red_and_bright_in_the_middle():
    how = night(INFRARED, 2000)
    assert how.mixes.sum(axis=1) == pytest.approx(np.ones(2000), abs=1e-6)
    assert how.mixes[:, 0].min() >= 0.6 and how.mixes.min() >= 0
    assert not how.colours.any() and how.contrasts.min() >= 1.1
    flat = np.full((SIZE, SIZE, 3), (150, 110, 100), np.uint8)
    rng = np.random.default_rng(1)
    for place in range(20):
        shown = at_night(flat, how.part(place), rng).astype(float)
        assert np.all(shown == shown[..., :1])
        corners = np.mean([shown[:20, :20], shown[:20, -20:], shown[-20:, :20], shown[-20:, -20:]])
        assert shown[46:66, 46:66].mean() > 1.1 * corners


def test_each_is_a_share_of_the_chips_and_no_chip_is_both():
    how = night(Augment(dark=0.3, infrared=0.2), 4000)
    infrared = how.seen & (how.colours == 0)
    assert np.mean(infrared) == pytest.approx(0.2, abs=0.03)
    assert np.mean(how.seen & ~infrared) == pytest.approx(0.3, abs=0.03)
    assert all(np.isfinite(values).all() for values in how)


def test_without_a_share_nothing_is_drawn():
    rng = np.random.default_rng(5)
    how = draw_night(3, SIZE, PLAIN, rng)
    assert rng.random() == np.random.default_rng(5).random()
    assert isinstance(how.part(slice(0, 2)), Night)
    assert [len(values) for values in how] == [3] * 7 and not how.seen.any()
    assert [len(values) for values in night(DARK, 0)] == [0] * 7

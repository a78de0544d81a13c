"""Chips varied by OpenCV and by the network's own device: the same pictures, and each part does what it says."""

import os
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from edgeface_train.augment import BEST, KERNEL, Variations, augment, draw_variations, low_sides
from edgeface_train.blend import blend
from edgeface_train.commands import open_run
from edgeface_train.recipe import PLAIN, Augment, read_recipe

from edgeface.core.prepare import InputSpec

ALWAYS = Augment(grey=0.5, low_resolution=1, blur=1, jpeg=1, noise=1, occlusion=1)
SIDE, SIZE = 128, 112


@pytest.fixture
def chips():
    return patterns()


def patterns():
    """Smooth coloured patterns with edges, as photographs have."""
    rng = np.random.default_rng(4)
    cells = rng.integers(0, 256, (12, 8, 8, 3)).astype(np.uint8)
    found = [cv2.resize(cell, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for cell in cells]
    for chip in found:
        cv2.circle(chip, (60, 66), 20, (200, 40, 90), 3)
    return np.stack(found)


def draw(settings, count=12, seed=2):
    return draw_variations(count, SIDE, SIZE, settings, np.random.default_rng(seed))


def by_device(chips, variations, others=None, seams=None):
    from edgeface_train.vary import UNBLENDED, Vary, values_of

    seams = np.tile(np.array(UNBLENDED, np.float32), (len(chips), 1)) if seams is None else seams
    layer = Vary(InputSpec(scale=1, offset=0), seed=1, night=bool(variations.night.seen.any()))
    return np.asarray(layer(values_of(chips, chips if others is None else others, seams, variations)))


def of(variations, *names):
    """Return variations of which only these do something."""
    return draw(PLAIN, len(variations.grey))._replace(**{name: getattr(variations, name) for name in names})


def silent(variations):
    """Return variations whose night makes no noise, as no two generators make the same."""
    night = variations.night
    return variations._replace(night=night._replace(noises=np.zeros_like(night.noises)))


def test_nothing_leaves_the_middle_of_the_chip(chips):
    middle = chips[:, 8:-8, 8:-8]
    assert np.array_equal(augment(chips, SIZE, draw(PLAIN)), middle)
    assert np.array_equal(by_device(chips, draw(PLAIN)), middle)


@pytest.mark.parametrize(
    ("names", "mean", "share"),
    [
        (("moves",), 0.5, 0.02),
        (("gains", "offsets"), 0.01, 0.001),
        (("grey",), 0.1, 0.001),
        (("sides",), 0.6, 0.02),
        (("filters",), 0.2, 0.001),
        (("qualities",), 2.0, 0.05),
        (("tops", "covers"), 0.0, 0.0),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
def test_each_part_is_the_same_on_both(chips, names, mean, share):
    variations = of(draw(ALWAYS), *names)
    host, device = augment(chips, SIZE, variations).astype(float), by_device(chips, variations)
    assert not np.array_equal(host, chips[:, 8:-8, 8:-8])
    apart = np.abs(host - device)
    assert apart.mean() <= mean
    assert np.mean(apart > 8) <= share


def test_noise_has_the_deviation_that_is_asked_for(chips):
    grains = np.linspace(0, 15, 12, dtype=np.float32)
    variations = of(draw(PLAIN), "moves")._replace(grains=grains)
    middle = np.full_like(chips, 128)
    for noisy in (augment(middle, SIZE, variations), by_device(middle, variations)):
        assert noisy.astype(float).std(axis=(1, 2, 3)) == pytest.approx(grains, rel=0.03, abs=0.05)


def test_a_device_blends_as_the_host_does(chips):
    seams = np.array([[0.3, 5, 3], [2, -10, 20], [5, 0, 48]], np.float32)
    host = blend(chips[:3], chips[3:6], seams)[:, 8:-8, 8:-8].astype(float)
    device = by_device(chips[:3], draw(PLAIN, 3), chips[3:6], seams)
    assert np.abs(host - device).max() <= 1


def test_what_is_drawn_keeps_to_the_settings():
    many = draw(ALWAYS, 4000)
    angles = np.rad2deg(np.arctan2(many.moves[:, 0, 1], many.moves[:, 1, 1]))
    assert 4.5 < np.abs(angles).max() <= ALWAYS.turn + 1e-3 or ALWAYS.flip
    scales = np.hypot(many.moves[:, 1, 0], many.moves[:, 1, 1])
    assert 0.94 - 1e-3 <= scales.min() < 0.95 and 1.05 < scales.max() <= 1.06 + 1e-3
    assert np.mean(np.linalg.det(many.moves[:, :, :2]) < 0) == pytest.approx(0.5, abs=0.05)
    assert (many.sides.min(), many.sides.max() + 1) == low_sides(SIZE)
    assert many.filters.sum(axis=(1, 2)) == pytest.approx(np.ones(4000), abs=1e-5)
    assert (many.qualities.min(), many.qualities.max()) == (20, 79)
    none = draw(PLAIN, 10)
    assert np.all(none.filters[:, KERNEL // 2, KERNEL // 2] == 1) and np.all(none.qualities == BEST)
    assert np.all(none.sides == SIZE) and np.all(none.tops == SIZE) and not none.grains.any() and not none.grey.any()


@pytest.mark.parametrize(
    ("settings", "last"), [(Augment(), 0.3224181585097027), (ALWAYS, 0.4298310061296706), (PLAIN, 0.021800194713884835)]
)
def test_what_is_not_seen_at_night_is_drawn_as_ever(settings, last):
    rng = np.random.default_rng(2)
    drawn = draw_variations(12, SIDE, SIZE, settings, rng)
    assert rng.random() == last
    sums = {name: np.sum(values, dtype=float) for name, values in zip(Variations._fields[:-1], drawn[:-1], strict=True)}
    if settings is ALWAYS:
        assert sums == pytest.approx(DRAWN, rel=1e-5)
    assert not drawn.night.seen.any()
    for name, values in draw(replace(settings, dark=0.5, infrared=0.3))._asdict().items():
        assert name == "night" or np.array_equal(values, getattr(drawn, name))


DRAWN = {
    "moves": 744.7066577852238,
    "gains": 34.40346097946167,
    "offsets": 426.8266108036041,
    "grey": 5.0,
    "sides": 439.0,
    "filters": 12.0,
    "grains": 103.18851375579834,
    "qualities": 524.0,
    "tops": 847.0,
    "covers": 3823.0,
    "seeds": 5.325533598684998e19,
}
"""Sums of what was drawn before chips were seen at night."""


def test_a_device_draws_no_noise_for_the_night_unless_asked(chips):
    from edgeface_train.vary import UNBLENDED, Vary, values_of

    seams = np.tile(np.array(UNBLENDED, np.float32), (12, 1))
    for night, draws in ((False, 1), (True, 2)):
        layer = Vary(InputSpec(scale=1, offset=0), seed=1, night=night)
        found = np.asarray(layer(values_of(chips, chips, seams, draw(PLAIN))))
        assert np.array_equal(found, chips[:, 8:-8, 8:-8])
        assert int(np.asarray(layer.seeds.state)[1]) == draws


def test_a_part_of_the_batch_is_varied_as_in_the_whole(chips):
    variations = draw(replace(ALWAYS, dark=0.5, infrared=0.3))
    whole = augment(chips, SIZE, variations)
    assert isinstance(variations.part(slice(4, 8)), Variations)
    assert np.array_equal(augment(chips[4:8], SIZE, variations.part(slice(4, 8))), whole[4:8])


ON_JAX = """
import sys
import numpy as np
import keras
from edgeface_train.augment import Variations
from edgeface_train.night import Night
from edgeface_train.vary import UNBLENDED, Vary, values_of
from edgeface.core.prepare import InputSpec

assert keras.backend.backend() == "jax"
given = dict(np.load(sys.argv[1]))
chips, device = given.pop("chips"), given.pop("device")
given["night"] = Night(*(given.pop(name) for name in Night._fields))
seams = np.tile(np.array(UNBLENDED, np.float32), (len(chips), 1))
layer = Vary(InputSpec(scale=1, offset=0), seed=1, night=True)
found = np.asarray(layer(values_of(chips, chips, seams, Variations(**given))))
apart = np.abs(found - device)
print(float(apart.mean()), float(np.mean(apart > 8)))
"""


def test_another_backend_varies_alike(chips, tmp_path):
    pytest.importorskip("jax", reason="JAX is the second backend")
    variations = silent(draw(replace(ALWAYS, dark=0.5, infrared=0.3))._replace(grains=np.zeros(12, np.float32)))
    given = {**variations._asdict(), **variations.night._asdict()}
    del given["night"]
    np.savez(tmp_path / "given.npz", chips=chips, device=by_device(chips, variations), **given)
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tmp_path / "given.npz")],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    mean, share = map(float, done.stdout.split())
    assert mean < 0.2 and share < 0.005


STAGE = """
[[stage]]
kind = "margin"
epochs = 1
batch = 24
"""


@pytest.mark.parametrize("where", ["host", "device"])
def test_a_network_learns_from_chips_varied_there(chips_folder, tiny_recipe, tmp_path, where):
    augmented = f'[augment]\nwhere = "{where}"\ndark = 0.06\ninfrared = 0.04\n'
    recipe = tiny_recipe.read_text().split("[[stage]]")[0] + STAGE + augmented
    tiny_recipe.write_text(recipe)
    curriculum = open_run(read_recipe(tiny_recipe), chips_folder, tmp_path / "run", resume=False)
    fitter, (stage,) = curriculum.fitter, curriculum.recipe.stage
    fitter.start(stage)
    rows = np.arange(48)
    losses = [fitter.epoch(stage, rows, 0, (number,), lambda _: None) for number in range(12)]
    assert [shown for _, shown in losses] == [48] * 12
    assert losses[-1][0] < 0.8 * losses[0][0]
    state = fitter.state()
    assert ("v0" in state) == (where == "device")
    fitter.restore(state)

"""The network of the int8 file rounds as the file does, stays near the trained one, and is tuned nearer still."""

from dataclasses import replace

import numpy as np
import pytest
from edgeface_train.backbone import build
from edgeface_train.chips import load_chips
from edgeface_train.export import convert
from edgeface_train.fine_tune import fine_tune
from edgeface_train.folding import fold, folded
from edgeface_train.quantised import TRIED_CLIPS, best_range, quantised
from edgeface_train.recipe import Network, read_recipe

from edgeface.core.prepare import InputSpec
from edgeface.drivers.embedder import run_chip
from edgeface.drivers.runtime import load

SHAPES = {"stem": 8, "widths": [16, 16], "depths": [2, 1], "head": 32, "embedding": 32}


def chips(count, seed=0):
    """Return uint8 chips that vary in the large, as faces do."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 7, 7, 3)).astype(np.uint8)
    return coarse.repeat(16, axis=1).repeat(16, axis=2)


def inputs(pictures):
    from edgeface.core.prepare import to_input

    return to_input(pictures, InputSpec())


def cosines(first, second):
    return np.sum(np.asarray(first) * np.asarray(second), axis=1)


@pytest.fixture(scope="module", params=["residual", "fused", "mobilefacenet"])
def trained(request):
    """Return a network whose normalisations have seen chips."""
    model = build(Network(backbone=request.param, **SHAPES), seed=3)
    for step in range(20):
        model(inputs(chips(32, step)), training=True)
    return model


def test_the_rounded_network_is_near_the_trained_one_but_not_equal(trained):
    rounded = quantised(trained, inputs(chips(100, 40)))
    near = cosines(rounded(inputs(chips(30, 50))), trained(inputs(chips(30, 50))))
    assert 0.97 < np.median(near) < 0.99999


def test_a_network_without_normalisations_is_rounded_in_the_same_places(trained):
    with_them, without = (quantised(model, inputs(chips(100, 40))) for model in (trained, folded(trained)))
    assert np.median(cosines(with_them(inputs(chips(30, 50))), without(inputs(chips(30, 50))))) > 0.9999
    assert sum(variable.name == "stretch" for variable in with_them.variables) == sum(
        variable.name == "stretch" for variable in without.variables
    )


def test_the_file_gives_what_the_rounded_network_gives_in_integers_alone(trained):
    rounded = quantised(trained, inputs(chips(100, 40)))
    model = load(convert(rounded, "int8", InputSpec()))
    file = np.stack([run_chip(model, InputSpec(), chip) for chip in chips(30, 50)])
    assert np.median(cosines(file, rounded(inputs(chips(30, 50))))) > 0.99
    kinds = {detail["dtype"] for detail in model._interpreter.get_tensor_details()}
    assert kinds <= {np.int8, np.int32}


def test_folding_gives_what_layer_and_normalisation_give(trained):
    rounded = quantised(trained, inputs(chips(50, 40)))
    kernels = [layer for layer in trained.layers if hasattr(layer, "kernel")]
    norms = [layer for layer in trained.layers if hasattr(layer, "moving_mean")]
    values = np.random.default_rng(1).normal(size=(2, *kernels[-1].input.shape[1:])).astype(np.float32)
    kernel, bias = fold(kernels[-1], norms[-1])
    assert np.allclose(values @ kernel + bias, np.asarray(norms[-1](kernels[-1](values))), atol=1e-4)
    assert sum(variable.name == "kernel" for variable in rounded.trainable_variables) == len(kernels)


def test_the_few_largest_values_are_given_up_for_finer_levels():
    values = np.random.default_rng(0).standard_t(4, 50000).astype(np.float32)
    low, high = best_range(values)
    assert values.min() < low < 0 < high < values.max()


def test_the_range_is_the_best_of_those_tried():
    values = np.abs(np.random.default_rng(0).standard_t(4, 50000)).astype(np.float32)
    _, high = best_range(values)
    errors = []
    for share in TRIED_CLIPS:
        top = share * values.max()
        step = top / 255
        errors.append(np.mean((np.round(np.minimum(values, top) / step) * step - values) ** 2))
    assert np.isclose(high, TRIED_CLIPS[np.argmin(errors)] * values.max(), rtol=1e-5)


def test_a_range_without_values_above_zero_is_no_division_by_zero():
    low, high = best_range(np.zeros(10, np.float32))
    assert low == 0
    assert high > 0


def test_tuning_brings_the_rounded_network_nearer_to_the_trained_one(trained, chips_folder, tiny_recipe):
    recipe = read_recipe(tiny_recipe)
    recipe = replace(recipe, export=replace(recipe.export, fine_tune=96 * 25))
    train = load_chips(chips_folder)
    # With ranges of a tenth, so that there is much to tune.
    rounded = quantised(trained, inputs(train.images) * 0.1)
    before = cosines(rounded(inputs(train.images)), trained(inputs(train.images))).mean()
    told = []
    fine_tune(rounded, trained, train, recipe, told.append)
    after = cosines(rounded(inputs(train.images)), trained(inputs(train.images))).mean()
    assert after > before + 0.01
    assert "step 25 of 25" in told[-1]

"""Training goes on from a run or from a bundle: the network begins with the very vectors that those give."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from edgeface_train import commands
from edgeface_train.backbone import build
from edgeface_train.begin import begin_from, begin_from_all, confirm, folded_layers, unfold
from edgeface_train.export import convert
from edgeface_train.folding import folded
from edgeface_train.journal import save_checkpoint
from edgeface_train.recipe import Network, read_recipe

from edgeface.card import read_bundle
from edgeface.core.prepare import InputSpec, normalise
from edgeface.drivers.runtime import load
from edgeface.errors import ConfigError
from tests.fixtures import TINY_BUNDLE

SHAPES = {"stem": 8, "widths": [8, 16], "depths": [2, 1], "head": 16, "embedding": 16}


def chips(count):
    """Return network inputs that vary in the large, as faces do."""
    coarse = np.random.default_rng(count).uniform(-1, 1, (count, 7, 7, 3)).astype(np.float32)
    return coarse.repeat(16, axis=1).repeat(16, axis=2)


@pytest.fixture(scope="module", params=["residual", "fused", "mobilefacenet"])
def network(request):
    return Network(backbone=request.param, **SHAPES)


@pytest.fixture(scope="module")
def settled(network):
    """Return a network whose normalisations have seen chips, and shift and scale at random."""
    model = build(network, seed=3)
    rng = np.random.default_rng(4)
    for variable in model.trainable_variables:
        if variable.name in ("gamma", "beta"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    for _ in range(15):
        model(chips(64), training=True)
    return model


@pytest.mark.parametrize("variant", ["float32", "float16"])
def test_a_network_begun_from_a_file_gives_its_vectors_and_has_its_statistics(network, settled, variant):
    content = convert(settled, variant, InputSpec())
    model = build(network, seed=5)
    unfold(model, list(folded_layers(content)), chips(64), "a bundle")
    vectors, wanted = np.asarray(model(chips(9))), np.asarray(settled(chips(9)))
    assert np.sum(vectors * wanted, axis=1).min() > 0.9999
    features = keras.Model(model.input, model.get_layer("embedding").input)
    assert np.allclose(np.asarray(features(chips(64), training=True)), np.asarray(features(chips(64))), atol=0.02)


def test_a_network_without_normalisations_gives_the_vectors_of_one_with_them(settled):
    bare = folded(settled)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in bare.layers)
    assert np.allclose(np.asarray(bare(chips(9))), np.asarray(settled(chips(9))), atol=1e-4)
    assert np.array_equal(np.asarray(bare(chips(9), training=True)), np.asarray(bare(chips(9))))


def test_a_network_without_normalisations_begins_from_a_file(network, settled):
    bare = build(replace(network, norm="folded"), seed=5)
    unfold(bare, list(folded_layers(convert(settled, "float32", InputSpec()))), chips(2), "a bundle")
    assert np.allclose(np.asarray(bare(chips(9))), np.asarray(settled(chips(9))), atol=1e-4)


@pytest.mark.parametrize("norm", ["batch", "folded"])
def test_a_deeper_network_begins_as_the_file_and_learns_in_its_new_blocks(network, settled, norm):
    if network.backbone == "fused":
        pytest.skip(
            "the kernels of a block have the shape of the next part's first: they are paired wrongly, and refused"
        )
    layers = list(folded_layers(convert(settled, "float32", InputSpec())))
    deeper = build(Network(backbone=network.backbone, norm=norm, **{**SHAPES, "depths": [3, 1]}), seed=5)
    unfold(deeper, layers, chips(64), "a bundle")
    assert len(deeper.layers) > len(settled.layers)
    vectors, wanted = np.asarray(deeper(chips(9))), np.asarray(settled(chips(9)))
    assert np.sum(vectors * wanted, axis=1).min() > 0.9999
    deeper.compile(keras.optimizers.SGD(0.1), loss="mse")
    before = _silent(deeper)
    deeper.train_on_batch(chips(9), np.roll(wanted, 1, axis=0))
    assert before == 1
    assert _silent(deeper) == 0


def test_a_network_that_was_paired_wrongly_is_refused(network, settled):
    content = convert(settled, "float32", InputSpec())
    confirm(settled, content, chips(64), "a bundle")
    with pytest.raises(ConfigError, match="another network"):
        confirm(build(network, seed=9), content, chips(64), "a bundle")


def _silent(model):
    """Count the scales of normalisations, and the kernels, that make all of it zero."""
    return sum(variable.name in ("gamma", "kernel") and not np.any(variable) for variable in model.trainable_variables)


def test_a_file_of_another_network_is_refused(network, settled):
    layers = list(folded_layers(convert(settled, "float32", InputSpec())))
    wider = build(Network(backbone=network.backbone, **{**SHAPES, "head": 24}), seed=5)
    with pytest.raises(ConfigError, match="another network"):
        unfold(wider, layers, chips(8), "a bundle")
    with pytest.raises(ConfigError, match="another network"):
        unfold(build(network, seed=5), [*layers, layers[0]], chips(8), "a bundle")


def test_a_run_is_gone_on_from_with_its_weights(tmp_path):
    first, second = (build(Network(**SHAPES), seed=seed) for seed in (1, 2))
    arrays = {f"w{place}": np.asarray(variable) for place, variable in enumerate(first.variables)}
    save_checkpoint(tmp_path, {}, arrays)
    assert begin_from(second, str(tmp_path), chips(2)) == f"run {tmp_path.name}"
    assert np.array_equal(np.asarray(first(chips(4))), np.asarray(second(chips(4))))
    with pytest.raises(ConfigError, match="another network"):
        begin_from(build(Network(**{**SHAPES, "head": 24}), seed=2), str(tmp_path), chips(2))


def test_the_mean_of_runs_has_their_mean_weights_and_statistics_of_its_own(tmp_path):
    shapes = Network(**SHAPES)
    first, second, mean = (build(shapes, seed=seed) for seed in (1, 1, 7))
    rng = np.random.default_rng(2)
    for variable in second.trainable_variables:
        variable.assign(np.asarray(variable) + rng.normal(0, 0.02, variable.shape))
    for name, model in (("one", first), ("two", second)):
        (tmp_path / name).mkdir()
        for _ in range(100):
            model(chips(64), training=True)
        arrays = {f"w{place}": np.asarray(variable) for place, variable in enumerate(model.variables)}
        save_checkpoint(tmp_path / name, {}, arrays)
    source = begin_from_all(mean, [str(tmp_path / "one"), str(tmp_path / "two")], chips(64))
    assert source == "the mean of 2: run one; run two"
    for found, one, two in zip(
        mean.trainable_variables, *(m.trainable_variables for m in (first, second)), strict=True
    ):
        assert np.allclose(found, (np.asarray(one) + np.asarray(two)) / 2, atol=1e-6)
    features = keras.Model(mean.input, mean.get_layer("embedding").input)
    assert np.allclose(np.asarray(features(chips(64), training=True)), np.asarray(features(chips(64))), atol=0.05)


def test_a_run_without_normalisations_becomes_a_bundle(chips_folder, tiny_recipe, tmp_path):
    options = ["network.norm=folded", f"network.start={TINY_BUNDLE}", "stage.0.epochs=1", "stage.1.max_rounds=0"]
    variants = ["export.variants=['float32']", "export.default_variant=float32"]
    commands.train(str(tiny_recipe), chips_folder, tmp_path / "run", False, [*options, *variants])
    commands.export(tmp_path / "run", tmp_path / "bundle", "Bare")
    before, after = (load(read_bundle(folder).read_model("float32")) for folder in (TINY_BUNDLE, tmp_path / "bundle"))
    vectors = [normalise(file.run(chips(1))) for file in (before, after)]
    assert 0.3 < float(np.sum(vectors[0] * vectors[1])) < 0.99999
    card = read_bundle(tmp_path / "bundle").card
    assert card.training["recipe"]["network"]["norm"] == "folded"
    assert card.files["float32"].measured["median_cosine"] > 0.9999


@pytest.mark.parametrize(("before", "after"), [("batch", "folded"), ("folded", "batch"), ("folded", "folded")])
def test_a_run_is_gone_on_from_with_and_without_normalisations(before, after, tiny_recipe, tmp_path):
    plan = read_recipe(tiny_recipe, [f"network.norm={before}", f"network.start={TINY_BUNDLE}"])
    trained = build(plan.network, seed=1)
    begin_from(trained, str(TINY_BUNDLE), chips(64))
    arrays = {f"w{place}": np.asarray(variable) for place, variable in enumerate(trained.variables)}
    save_checkpoint(tmp_path, {}, arrays)
    (tmp_path / "recipe.json").write_text(json.dumps(plan.resolved()))
    model = build(replace(plan.network, norm=after), seed=2)
    begin_from(model, str(tmp_path), chips(64))
    assert np.allclose(np.asarray(model(chips(9))), np.asarray(trained(chips(9))), atol=1e-3)


def test_the_mean_of_two_without_normalisations_is_that_of_their_weights(network, tmp_path):
    bare = replace(network, norm="folded")
    first, second, mean = (build(bare, seed=seed) for seed in (1, 2, 3))
    for name, model in (("one", first), ("two", second)):
        (tmp_path / name).mkdir()
        arrays = {f"w{number}": np.asarray(variable) for number, variable in enumerate(model.variables)}
        save_checkpoint(tmp_path / name, {}, arrays)
    begin_from_all(mean, [str(tmp_path / "one"), str(tmp_path / "two")], chips(2))
    for found, one, two in zip(mean.variables, first.variables, second.variables, strict=True):
        assert np.allclose(found, (np.asarray(one) + np.asarray(two)) / 2, atol=1e-6)


def test_what_computes_in_which_precision_is_not_changed_by_folding(network):
    with_them = build(network, seed=1, precision="bfloat16")
    without = build(replace(network, norm="folded"), seed=1, precision="bfloat16")
    precise = [layer.compute_dtype for layer in with_them.layers[1:]]
    assert [layer.compute_dtype for layer in without.layers[1:]] == precise
    assert set(precise) == {"bfloat16", "float32"}


def test_a_recipe_names_what_to_begin_from(chips_folder, tiny_recipe, tmp_path):
    plan = read_recipe(tiny_recipe, [f"network.start={TINY_BUNDLE}", "network.head=24"])
    with pytest.raises(ConfigError, match="another network"):
        commands.open_run(plan, chips_folder, tmp_path / "run", resume=False)


def test_a_folder_that_is_neither_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="neither a run nor a bundle"):
        begin_from(build(Network(**SHAPES), seed=1), str(tmp_path), chips(2))

"""An exported bundle gives the trained network's embeddings on the device's runtime, or is refused."""

import json
import re
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from edgeface_train import commands
from edgeface_train import export as exporting
from edgeface_train.chips import ChipSet, load_chips, split_by_person
from edgeface_train.export import describe_drift, drift, refuse_loss
from edgeface_train.recipe import Export, find_recipe, read_recipe

from edgeface.card import read_bundle
from edgeface.core.metrics import similarity_pairs
from edgeface.core.prepare import normalise
from edgeface.drivers.embedder import TfliteEmbedder
from edgeface.errors import ConfigError, TrainingError
from tests.command_line import run_command


@pytest.fixture(scope="module")
def run(tmp_path_factory, chips_folder):
    from tests.train.conftest import RECIPE

    folder = tmp_path_factory.mktemp("exported")
    (folder / "tiny.toml").write_text(RECIPE)
    overrides = ["stage.1.max_rounds=1", "export.min_cosine_int8=0.9"]
    commands.train(str(folder / "tiny.toml"), chips_folder, folder / "run", False, overrides)
    commands.export(folder / "run", folder / "bundle", "Tiny")
    return folder / "run"


@pytest.fixture(scope="module")
def held_out(chips_folder):
    return split_by_person(load_chips(chips_folder), 4, 1)[1]


def test_the_bundle_holds_three_files_and_a_card_that_knows_them(run):
    bundle = read_bundle(run.parent / "bundle")
    assert bundle.card.name == "Tiny"
    assert set(bundle.card.files) == {"float32", "float16", "int8"}
    sizes = {name: len(bundle.read_model(name)) for name in bundle.card.files}
    assert sizes["float32"] > sizes["float16"]
    assert bundle.card.training["people"] == 8
    assert bundle.card.training["held_out_people"] == 4


@pytest.mark.parametrize(("variant", "least"), [("float32", 0.9999), ("float16", 0.999), ("int8", 0.9)])
def test_the_device_sees_what_the_trainer_saw(run, held_out, variant, least):
    from edgeface_train.backbone import build
    from edgeface_train.batches import embed_chips
    from edgeface_train.fit import restore_weights
    from edgeface_train.journal import load_checkpoint
    from edgeface_train.recipe import recipe_from

    settings = json.loads((run / "recipe.json").read_text())
    settings.pop("data_folder")
    recipe = recipe_from(settings, source="test")
    model = build(recipe.network, seed=7)
    restore_weights(model, load_checkpoint(run)[1])
    embedder = TfliteEmbedder(read_bundle(run.parent / "bundle"), variant=variant)
    device = np.stack([embedding.vector for embedding in embedder.embed(list(held_out.images))])
    trained = embed_chips(model, held_out.images, embedder._spec)
    assert np.median(np.sum(device * trained, axis=1)) >= least


def test_thresholds_keep_their_rate_on_the_quantised_file_itself(run, held_out):
    bundle = read_bundle(run.parent / "bundle")
    embedder = TfliteEmbedder(bundle)
    vectors = np.stack([embedding.vector for embedding in embedder.embed(list(held_out.images))])
    _, impostor = similarity_pairs(vectors, held_out.people)
    for far in (1e-2, 1e-3):
        assert np.mean(impostor >= bundle.threshold(far)) <= far
        assert np.mean(impostor >= bundle.threshold(far) - 1e-3) >= np.mean(impostor >= bundle.threshold(far))


def test_a_mirroring_bundle_gives_a_chip_and_its_mirror_image_one_vector(run, held_out):
    settings = json.loads((run / "recipe.json").read_text())
    other = run.parent / "mirroring"
    shutil.copytree(run, other)
    settings["export"] |= {"mirror": True, "variants": ["float32", "int8"]}
    (other / "recipe.json").write_text(json.dumps(settings))
    commands.export(other, run.parent / "mirroring-bundle", None)
    plain, bundle = read_bundle(run.parent / "bundle"), read_bundle(run.parent / "mirroring-bundle")
    chips = list(held_out.images[:6])
    once = TfliteEmbedder(plain, variant="float32").embed([*chips, *(chip[:, ::-1] for chip in chips)])
    vectors = np.stack([embedding.vector for embedding in once])
    wanted = normalise(vectors[:6] + vectors[6:])
    embedder = TfliteEmbedder(bundle, variant="float32")
    found = embedder.embed([*chips, *(chip[:, ::-1] for chip in chips)])
    assert np.allclose([embedding.vector for embedding in found], np.concatenate([wanted, wanted]), atol=1e-4)
    for variant in bundle.card.files:
        assert bundle.variant(variant).sha256 != plain.variant(variant).sha256


def test_the_golden_chip_is_an_average_not_a_photograph(run, chips_folder):
    from edgeface.drivers.embedder import decode_chip

    golden = decode_chip(read_bundle(run.parent / "bundle").card.golden_chip).astype(int)
    for path in chips_folder.rglob("*.png"):
        assert np.abs(cv2.imread(str(path))[..., ::-1].astype(int) - golden).mean() > 10


@pytest.mark.parametrize(
    ("bound", "value", "message"),
    [
        ("min_cosine_int8", 1.01, r"median cosine .* under the bound of 1\.0100"),
        ("min_cosine_int8_low", 1.0, r"1st percentile of cosines {p01_cosine:.4f}, under the bound of 1\.0000"),
    ],
)
def test_a_file_too_far_from_the_network_is_refused_and_nothing_is_written(run, tmp_path, bound, value, message):
    settings = json.loads((run / "recipe.json").read_text())
    settings["export"] |= {bound: value, "variants": ["int8"]}
    strict = tmp_path / "strict"
    strict.mkdir()
    (strict / "recipe.json").write_text(json.dumps(settings))
    (strict / "checkpoint.npz").write_bytes((run / "checkpoint.npz").read_bytes())
    measured = read_bundle(run.parent / "bundle").variant("int8").measured
    with pytest.raises(TrainingError, match="int8 file is too far .*" + message.format(**measured)):
        commands.export(strict, tmp_path / "bundle", None)
    assert not (tmp_path / "bundle").exists()


def test_the_card_keeps_how_rates_move_where_there_are_pairs_enough(run, held_out, tmp_path, monkeypatch):
    assert "far_at_reference_threshold" not in read_bundle(run.parent / "bundle").variant("int8").measured
    pairs = similarity_pairs(np.zeros((len(held_out), 1)), held_out.people)
    monkeypatch.setattr(exporting, "GENUINE_PAIRS", len(pairs[0]))
    monkeypatch.setattr(exporting, "IMPOSTOR_PAIRS", len(pairs[1]))
    settings = json.loads((run / "recipe.json").read_text())
    settings["export"]["variants"] = ["int8"]
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "recipe.json").write_text(json.dumps(settings))
    commands.export(tmp_path / "run", tmp_path / "bundle", None)
    measured = read_bundle(tmp_path / "bundle").variant("int8").measured
    assert 0 <= measured["far_at_reference_threshold"] <= 1
    assert abs(measured["tar_loss_0.001"]) <= 1


def test_the_advice_to_tune_a_file_is_a_command_that_works(run, chips_folder, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "run")
    with pytest.raises(TrainingError) as error:
        refuse_loss(Export(), 0.5, {})
    words = re.search("`edgeface (train .*?)`", error.value.hint)[1].replace("19200", "96").split()
    places = {"RECIPE": run.parent / "tiny.toml", "DIR": chips_folder, "RUN": tmp_path / "run"}
    given = ["-o", "stage.1.max_rounds=1", "-o", "export.min_cosine_int8=0.9", "-o", 'export.variants=["int8"]']
    assert run_command(capsys, *(places.get(word, word) for word in words), *given).code == 0
    assert (tmp_path / "run" / "log.jsonl").read_bytes() == (run / "log.jsonl").read_bytes()
    ended = run_command(capsys, "export", tmp_path / "run", "--out", tmp_path / "bundle")
    assert ended.code == 0 and "tuning step 1 of 1" in ended.err
    card = read_bundle(tmp_path / "bundle").card
    assert (list(card.files), card.training["recipe"]["export"]["fine_tune"]) == (["int8"], 96)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="not a run"):
        commands.export(tmp_path, tmp_path / "bundle", None)


@pytest.fixture(scope="module")
def many():
    """Vectors of a trained network and of a file near it: 40 people, six chips each."""
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40, dtype=np.int32), 6)
    truth = normalise(rng.normal(size=(40, 16))[people] + rng.normal(0, 0.5, (240, 16)))
    chips = ChipSet(np.empty((240, 0, 0, 3), np.uint8), people, [], [], 112)
    return truth, normalise(truth + rng.normal(0, 0.1, truth.shape)), chips


def test_what_a_file_loses_is_held_against_the_trained_network(many):
    truth, vectors, chips = many
    same, other = np.equal.outer(chips.people, chips.people), ~np.eye(240, dtype=bool)
    genuine, impostor = ([np.sort((v @ v.T)[which & other]) for v in (truth, vectors)] for which in (same, ~same))
    limits = [each[-int(len(each) * 0.001) - 1] for each in impostor]
    tar = [np.mean(each > limit) for each, limit in zip(genuine, limits, strict=True)]
    moved = drift(vectors, truth, chips)
    assert moved["tar_loss_0.001"] == pytest.approx(tar[0] - tar[1], abs=1e-6)
    assert moved["far_at_reference_threshold"] == pytest.approx(np.mean(impostor[1] > limits[0]), abs=1e-6)
    unmoved = drift(truth, truth, chips)
    assert unmoved["tar_loss_0.001"] == 0
    assert 0.0009 < unmoved["far_at_reference_threshold"] <= 0.001
    assert f"gives the file FAR {moved['far_at_reference_threshold']:.5f}" in describe_drift(moved)


def test_few_pairs_tell_nothing_of_rates_and_refuse_nothing(many):
    truth, vectors, chips = many
    few = ChipSet(chips.images[:60], chips.people[:60], [], [], 112)
    assert drift(vectors[:60], truth[:60], few) == {}
    assert "too few held-out people" in describe_drift({})
    refuse_loss(Export(max_tar_loss_int8=0.0), 0.99, {})


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (Export(min_cosine_int8_low=0.98), r"1st percentile of cosines 0\.9700, under the bound of 0\.9800"),
        (Export(max_tar_loss_int8=0.003), r"TAR at FAR 0\.001 falls by 0\.0040, over the bound of 0\.0030"),
    ],
)
def test_a_file_that_loses_too_much_is_refused_with_what_to_do(bounds, message):
    moved = {"tar_loss_0.001": 0.004, "far_at_reference_threshold": 0.0011}
    refuse_loss(Export(), 0.97, moved)
    with pytest.raises(TrainingError, match=message) as error:
        refuse_loss(bounds, 0.97, moved)
    assert "fine_tune=19200" in error.value.hint
    with pytest.raises(TrainingError) as error:
        refuse_loss(replace(bounds, fine_tune=57600), 0.97, moved)
    assert "fine_tune=115200" in error.value.hint


def test_the_recipes_of_the_shipped_models_ask_for_what_they_promise():
    for name in ("refine", "xs", "default"):
        bounds = read_recipe(find_recipe(name)).export
        assert (bounds.min_cosine_int8, bounds.min_cosine_int8_low, bounds.max_tar_loss_int8) == (0.995, 0.98, 0.003)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("export.min_cosine_int8_low=2.0", "min_cosine_int8_low is 2.0, no cosine"),
        ("export.max_tar_loss_int8=3.0", "max_tar_loss_int8 is 3.0, no share"),
    ],
)
def test_an_impossible_bound_is_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        read_recipe(find_recipe("seed"), [override])

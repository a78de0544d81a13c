"""A bundle is read whole, verified file by file, and refused with one clear line."""

import json
import os
import shutil
from pathlib import Path

import pytest

from edgeface.card import (
    MAX_CARD_BYTES,
    MAX_MODEL_BYTES,
    SHIPPED_BUNDLE,
    Bundle,
    find_bundle,
    read_bundle,
    write_bundle,
)
from edgeface.errors import CardMismatch, ModelError
from tests.fixtures import TINY_BUNDLE


@pytest.fixture
def bundle(tmp_path) -> Bundle:
    shutil.copytree(TINY_BUNDLE, tmp_path / "bundle")
    return read_bundle(tmp_path / "bundle")


def edit(bundle, **changes):
    path = bundle.folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_bundle_written_is_the_bundle_read(bundle, tmp_path):
    models = {name: bundle.read_model(name) for name in bundle.card.files}
    write_bundle(tmp_path / "again", bundle.card, models)
    again = read_bundle(tmp_path / "again")
    assert again.card == bundle.card
    assert {name: again.read_model(name) for name in models} == models


def test_the_default_variant_is_the_one_the_card_names(bundle):
    assert bundle.variant() is bundle.card.files["int8"]
    assert bundle.variant("float16").path == "model-float16.tflite"


def test_an_unknown_variant_lists_the_known_ones(bundle):
    with pytest.raises(ModelError) as error:
        bundle.variant("int4")
    assert "float16, float32, int8" in error.value.hint


def test_one_changed_byte_is_a_mismatch(bundle):
    path = bundle.folder / "model-int8.tflite"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(CardMismatch, match="not the one its card describes"):
        bundle.read_model("int8")


def test_a_missing_model_file_is_named(bundle):
    (bundle.folder / "model-int8.tflite").unlink()
    with pytest.raises(ModelError, match=r"model-int8\.tflite cannot be read"):
        bundle.read_model()


def test_a_huge_model_file_is_not_even_read(bundle):
    with (bundle.folder / "model-int8.tflite").open("wb") as file:
        file.truncate(MAX_MODEL_BYTES + 1)
    with pytest.raises(ModelError, match="larger than 64 MiB"):
        bundle.read_model()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"model"', "\x00\xff", "[" * 100_000, f'{{"format": {"9" * 5000}}}']
)
def test_a_card_of_garbage_is_one_clear_error(tmp_path, text):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match="cannot be understood") as error:
        read_bundle(tmp_path)
    assert "\n" not in error.value.message
    assert len(error.value.message) < 400


@pytest.mark.parametrize("text", ["{}", '{"files": []}'])
def test_a_card_that_lacks_something_says_what(tmp_path, text):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match="setting name is missing"):
        read_bundle(tmp_path)


def test_a_huge_card_is_not_even_read(tmp_path):
    with (tmp_path / "model.json").open("wb") as file:
        file.truncate(MAX_CARD_BYTES + 1)
    with pytest.raises(ModelError, match="larger than 4 MiB"):
        read_bundle(tmp_path)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(bundle):
    for name in ("model-int8.tflite", "model.json"):
        (bundle.folder / name).unlink()
        os.mkfifo(bundle.folder / name)
    with pytest.raises(ModelError, match=r"model-int8\.tflite is not a file"):
        bundle.read_model()
    with pytest.raises(ModelError, match=r"model\.json is not a file"):
        read_bundle(bundle.folder)


def test_no_bundle_at_all_says_how_to_make_one(tmp_path):
    with pytest.raises(ModelError, match="no model bundle") as error:
        read_bundle(tmp_path / "nowhere")
    assert "edgeface export" in error.value.hint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"format": "1"}, "format '1'"),
        ({"format": True}, "format must be int"),
        ({"files": {}}, "lists no model file"),
        ({"default_variant": "int4"}, "lacks its default variant"),
        ({"landmarks": [[0, 0]] * 5}, "landmark template"),
        ({"landmarks": []}, "landmark template"),
        ({"embedding_size": 64}, "golden vector"),
        ({"embedding_size": "16"}, "embedding_size must be int, not '16'"),
        ({"embedding_size": 1e300}, "embedding_size must be int, not 1e"),
        ({"surprise": 1}, "unknown setting surprise"),
        ({"nmae": "x"}, "unknown setting nmae"),
        ({"name": None}, "name must be str, not None"),
        ({"training": 5}, "training must be dict"),
        ({"input": None}, "input must be InputSpec, not None"),
        ({"input": {"channels": "GBR"}}, "input.channels is 'GBR'"),
        ({"input": {"size": 112.5}}, "input.size must be int"),
        ({"input": {"scale": float("nan")}}, "input.scale must be float, not nan"),
        ({"input": {"offset": 10**400}}, "input.offset must be float"),
        ({"input": {"size": 0}}, "no picture can be fed"),
        ({"input": {"size": 10**12}}, "no picture can be fed"),
        ({"input": {"scale": 0}}, "no picture can be fed"),
        ({"input": {"scale": 1e308}}, "no picture can be fed"),
        ({"landmarks": [1, 2, 3, 4, 5]}, "landmarks.0 must be list"),
        ({"landmarks": [[1, 2, 3]] * 5}, "landmark template"),
        ({"files": {"int8": 3}}, "files.int8 must be Variant, not 3"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(bundle, changes, message):
    edit(bundle, **changes)
    with pytest.raises(ModelError, match=message):
        read_bundle(bundle.folder)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("sha256", 5, "files.int8.sha256 must be str"),
        ("bytes", "many", "files.int8.bytes must be int"),
        ("thresholds", [], "files.int8.thresholds must be dict"),
        ("thresholds", {"often": 0.5}, "a threshold is not a cosine"),
        ("thresholds", {"0.001": 5}, "a threshold is not a cosine"),
        ("thresholds", {"0.001": None}, "files.int8.thresholds.0.001 must be float"),
        ("golden_vector", ["a"] * 16, "files.int8.golden_vector.0 must be float"),
        ("golden_vector", [1e308] * 16, "not of unit length"),
        ("golden_vector", [0] * 16, "not of unit length"),
        ("golden_cosine", "high", "files.int8.golden_cosine must be float"),
        ("golden_cosine", -5, "a golden cosine is not between 0 and 1"),
        ("measured", {"fidelity": "good"}, "files.int8.measured.fidelity must be float"),
    ],
)
def test_what_a_card_says_of_a_file_is_checked(bundle, key, value, message):
    files = json.loads((bundle.folder / "model.json").read_text())["files"]
    files["int8"][key] = value
    edit(bundle, files=files)
    with pytest.raises(ModelError, match=message):
        read_bundle(bundle.folder)


@pytest.mark.parametrize("path", ["../model-int8.tflite", "/etc/passwd", "a/b.tflite", "", ".", "..", "a\nb"])
def test_a_model_path_never_leaves_the_bundle(bundle, path):
    files = json.loads((bundle.folder / "model.json").read_text())["files"]
    files["int8"]["path"] = path
    edit(bundle, files=files)
    with pytest.raises(ModelError, match="leaves the bundle"):
        read_bundle(bundle.folder)


def test_a_threshold_is_that_of_the_rate_and_the_file(bundle):
    assert bundle.threshold(0.01) == bundle.card.files["int8"].thresholds["0.01"]
    assert bundle.threshold(0.001, "float16") == bundle.card.files["float16"].thresholds["0.001"]


def test_a_rate_that_was_not_measured_lists_those_that_were(bundle):
    with pytest.raises(ModelError) as error:
        bundle.threshold(0.5)
    assert "0.001, 0.01" in error.value.hint


def test_a_bundle_that_comes_with_edgeface_goes_by_its_name_and_any_other_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_bundle("default") == SHIPPED_BUNDLE
    assert find_bundle("./default") == Path("default")
    assert find_bundle("my/model") == Path("my/model")

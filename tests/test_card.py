"""A bundle is read whole, verified file by file, and refused with one clear line."""

import json
import shutil

import pytest

from edgeface.card import MAX_MODEL_BYTES, Bundle, read_bundle, write_bundle
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
    "text", ["", "{", "[]", "{}", '"model"', '{"files": []}', '{"files": {"int8": 3}}', "\x00\xff"]
)
def test_a_card_of_garbage_is_one_clear_error(tmp_path, text):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match="cannot be understood"):
        read_bundle(tmp_path)


def test_no_bundle_at_all_says_how_to_make_one(tmp_path):
    with pytest.raises(ModelError, match="no model bundle") as error:
        read_bundle(tmp_path / "nowhere")
    assert "edgeface export" in error.value.hint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"files": {}}, "lists no model file"),
        ({"default_variant": "int4"}, "lacks its default variant"),
        ({"landmarks": [[0, 0]] * 5}, "landmark template"),
        ({"landmarks": []}, "landmark template"),
        ({"embedding_size": 64}, "golden vector"),
        ({"surprise": 1}, "cannot be understood"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(bundle, changes, message):
    edit(bundle, **changes)
    with pytest.raises(ModelError, match=message):
        read_bundle(bundle.folder)


@pytest.mark.parametrize("path", ["../model-int8.tflite", "/etc/passwd", "a/b.tflite", ""])
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

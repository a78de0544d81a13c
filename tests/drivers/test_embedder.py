"""A real TFLite file on whichever runtime is installed; garbage and disagreement are refused."""

import base64
import json
import shutil
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from edgeface.card import read_bundle
from edgeface.drivers import runtime
from edgeface.drivers.embedder import TfliteEmbedder, decode_chip
from edgeface.errors import CardMismatch, ConfigError, MissingExtra, ModelError
from tests.fixtures import TINY_BUNDLE


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(TINY_BUNDLE, tmp_path / "bundle")


def chips(count=3, size=112):
    return list(np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8))


@pytest.mark.parametrize("variant", ["float32", "float16", "int8"])
def test_chips_become_unit_vectors_tied_to_the_file(variant):
    bundle = read_bundle(TINY_BUNDLE)
    embedder = TfliteEmbedder(bundle, variant=variant)
    embeddings = embedder.embed(chips())
    assert len(embeddings) == 3
    for embedding in embeddings:
        assert embedding.vector.shape == (16,)
        assert embedding.vector.dtype == np.float32
        assert np.linalg.norm(embedding.vector) == pytest.approx(1, abs=1e-5)
        assert embedding.model == bundle.card.files[variant].sha256


def test_the_golden_vector_is_met_on_this_runtime():
    assert TfliteEmbedder(read_bundle(TINY_BUNDLE), variant="float32").golden_similarity > 0.9999


def test_threads_take_turns_at_one_network():
    embedder = TfliteEmbedder(read_bundle(TINY_BUNDLE))
    alone = [one.vector for one in embedder.embed(chips(40))]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda chip: embedder.embed([chip])[0].vector, chips(40)))
    np.testing.assert_array_equal(found, alone)


def test_no_chips_give_no_embeddings():
    assert TfliteEmbedder(read_bundle(TINY_BUNDLE)).embed([]) == []


def test_a_border_around_the_chip_is_cut_off():
    embedder = TfliteEmbedder(read_bundle(TINY_BUNDLE))
    wide = chips(1, 128)[0]
    bordered, plain = embedder.embed([wide, np.ascontiguousarray(wide[8:120, 8:120])])
    assert np.array_equal(bordered.vector, plain.vector)


def test_red_and_blue_are_not_exchanged():
    embedder = TfliteEmbedder(read_bundle(TINY_BUNDLE), variant="float32")
    chip = chips(1)[0]
    straight, swapped = embedder.embed([chip, np.ascontiguousarray(chip[..., ::-1])])
    assert float(straight.vector @ swapped.vector) < 0.99


def test_a_bundle_whose_golden_vector_fails_is_refused(folder):
    card = json.loads((folder / "model.json").read_text())
    vector = card["files"]["int8"]["golden_vector"]
    card["files"]["int8"]["golden_vector"] = [-value for value in vector]
    (folder / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"does not reproduce the golden vector .* cosine -[01]\."):
        TfliteEmbedder(read_bundle(folder))


def forge(folder, content):
    """Put other content in place of the int8 file, with a card that knows its digest."""
    from hashlib import sha256

    (folder / "model-int8.tflite").write_bytes(content)
    card = json.loads((folder / "model.json").read_text())
    card["files"]["int8"]["sha256"] = sha256(content).hexdigest()
    (folder / "model.json").write_text(json.dumps(card))


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x1c\x00\x00\x00TFL3"])
def test_a_model_of_garbage_is_one_clear_error(folder, content):
    forge(folder, content)
    with pytest.raises(ModelError, match=r"not a TFLite model|is damaged or no network"):
        TfliteEmbedder(read_bundle(folder))


def test_a_model_with_the_right_mark_and_nothing_behind_it_is_one_clear_error(folder):
    forge(folder, b"\x1c\x00\x00\x00TFL3" + b"\xff" * 100)
    with pytest.raises(ModelError, match=r"model-int8\.tflite is damaged or no network that edgeface runs: "):
        TfliteEmbedder(read_bundle(folder))


def test_a_truncated_model_is_one_clear_error(folder):
    content = (folder / "model-int8.tflite").read_bytes()
    forge(folder, content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"model-int8\.tflite is damaged or no network that edgeface runs: "):
        TfliteEmbedder(read_bundle(folder))


@pytest.mark.parametrize("text", ["", "%%%", "aGVsbG8="])
def test_a_golden_chip_that_is_no_picture_is_refused(text):
    with pytest.raises(CardMismatch, match="golden chip"):
        decode_chip(text)


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (2049, 8), (0, 8), (2**31, 2**31)])
def test_a_golden_chip_that_is_a_bomb_is_refused_from_its_header(width, height):
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with pytest.raises(CardMismatch, match="at most 2048 px a side"):
        decode_chip(base64.b64encode(header + bytes(100)).decode())


def test_a_golden_chip_reaches_no_decoder_but_that_of_png():
    other = cv2.imencode(".jpg", chips(1)[0])[1].tobytes()
    with pytest.raises(CardMismatch, match="not a picture: a PNG"):
        decode_chip(base64.b64encode(other).decode())


def test_a_golden_chip_smaller_than_the_input_is_refused(folder):
    card = json.loads((folder / "model.json").read_text())
    small = cv2.imencode(".png", chips(1, 64)[0])[1].tobytes()
    (folder / "model.json").write_text(json.dumps({**card, "golden_chip": base64.b64encode(small).decode()}))
    with pytest.raises(CardMismatch, match="golden chip has 64x64 px, its input 112"):
        TfliteEmbedder(read_bundle(folder))


def test_an_unknown_runtime_lists_the_known_ones():
    with pytest.raises(ConfigError) as error:
        runtime.load(b"", runtime="onnx")
    assert "ai-edge-litert" in error.value.hint


def test_a_missing_runtime_says_what_to_install(monkeypatch):
    monkeypatch.setattr(runtime, "available", list)
    with pytest.raises(MissingExtra) as error:
        runtime.load(b"")
    assert error.value.hint == "pip install ai-edge-litert"
    assert error.value.exit_code == 6


OPENING = """
import os, threading
from edgeface.card import read_bundle
from edgeface.drivers.embedder import TfliteEmbedder
from edgeface.drivers.runtime import load
from edgeface.errors import ModelError
from tests.fixtures import TINY_BUNDLE

def twice():
    for _ in range(10):
        TfliteEmbedder(read_bundle(TINY_BUNDLE), threads=2)

threads = [threading.Thread(target=twice) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
try: load(bytes(4) + b"TFL3" + bytes(4000))
except ModelError: print("refused")
try: os.write(2, b"still heard")
except OSError: print("closed")
"""


@pytest.mark.parametrize(
    ("opening", "out", "err"),
    [(OPENING, "refused\n", "still heard"), (f"import os; os.close(2){OPENING}", "refused\nclosed\n", "")],
    ids=["open", "closed before"],
)
def test_a_runtime_that_opens_a_model_writes_nothing_and_leaves_standard_error_as_it_was(opening, out, err):
    done = subprocess.run(
        [sys.executable, "-c", opening],
        cwd=TINY_BUNDLE.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, out, err)

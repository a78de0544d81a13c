"""No .tflite file reaches a runtime before every offset, index, shape and number of it was judged."""

import math
import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.card import SHIPPED_BUNDLE
from edgeface.core.prepare import InputSpec
from edgeface.drivers.embedder import run_chip
from edgeface.drivers.flatbuffer import Malformed, Table
from edgeface.drivers.tflite_check import _mean, _reshaped, _window, check_model
from edgeface.drivers.tflite_file import read_network
from edgeface.errors import ModelError
from tests.bench.fuzz.plain import plain_networks
from tests.fixtures import TINY_BUNDLE

INT8 = (TINY_BUNDLE / "model-int8.tflite").read_bytes()
FILES = sorted([*TINY_BUNDLE.glob("*.tflite"), *SHIPPED_BUNDLE.glob("*.tflite")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_edgeface_exports_passes(path) -> None:
    check_model(path.read_bytes(), path.name)


def test_every_other_operator_that_is_known_passes() -> None:
    networks = plain_networks()
    if not networks:
        pytest.skip("only LiteRT carries the schema")
    for content in networks:
        check_model(content, "plain")


def test_a_network_is_read_with_its_shapes_and_constants() -> None:
    network = read_network(INT8)
    assert network.tensors[network.input].shape == (1, 112, 112, 3)
    assert network.tensors[network.output].shape == (1, 16)
    assert len(network.steps) == 13
    assert sum(tensor.constant for tensor in network.tensors) == 18


@given(st.binary(max_size=200))
def test_garbage_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError):
        check_model(content, "garbage")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(INT8) - 5), st.binary(min_size=1, max_size=4)), min_size=1, max_size=6))
def test_damage_anywhere_is_refused_or_harmless_and_nothing_else(changes: list[tuple[int, bytes]]) -> None:
    content = bytearray(INT8)
    for place, changed in changes:
        content[place : place + len(changed)] = changed
    try:
        check_model(bytes(content), "damaged")
    except ModelError as error:
        assert error.message.startswith("damaged is damaged or no network")


@given(st.integers(0, len(INT8) - 1))
@settings(max_examples=60, deadline=None)
def test_a_file_cut_short_is_refused(size: int) -> None:
    with pytest.raises(ModelError):
        check_model(INT8[:size], "short")


def forged(change: Callable[[Any, Any], object]) -> bytes:
    """Return the small int8 file after a change to its model and first subgraph, with every offset in order."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="only LiteRT carries the schema")
    flatbuffers = pytest.importorskip("flatbuffers")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(INT8, 0))
    change(model, model.subgraphs[0])
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def put(name: str, value: Any) -> Callable[[Any], object]:
    return lambda thing: setattr(thing, name, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, g: m.subgraphs.append(g), "2 subgraphs"),
        (lambda m, g: put("builtinCode", 119)(m.operatorCodes[0]), "operator 119 is not among those"),  # WHILE
        (lambda m, g: put("customCode", "Evil")(m.operatorCodes[0]), "a field 1 that edgeface does not know"),
        (lambda m, g: put("offset", 1 << 40)(m.buffers[2]), "a buffer is outside of the file"),
        (lambda m, g: put("data", [1, 2, 3])(m.buffers[2]), "has no buffer of its size"),
        (lambda m, g: put("buffer", 999)(g.tensors[3]), "has no buffer of its size"),
        (lambda m, g: put("shape", [1, -5, 112, 3])(g.tensors[0]), "a tensor has shape"),
        (lambda m, g: put("shape", [1, 1 << 15, 1 << 15, 3])(g.tensors[0]), "a tensor has shape"),
        (lambda m, g: put("shape", [1, 64, 64, 3])(g.tensors[0]), "operator 3 makes"),
        (lambda m, g: put("shapeSignature", [1, 9, 112, 3])(g.tensors[0]), "has signature"),
        (lambda m, g: put("isVariable", True)(g.tensors[0]), "a variable"),
        (lambda m, g: put("type", 5)(g.tensors[0]), "has type 5"),  # string
        (lambda m, g: put("scale", [float("nan")])(g.tensors[0].quantization), "a scale that is no number"),
        (lambda m, g: put("scale", [0.1, 0.1])(g.tensors[0].quantization), "has 2 scales"),
        (lambda m, g: put("zeroPoint", [1 << 40])(g.tensors[0].quantization), "zero point out of range"),
        (lambda m, g: put("zeroPoint", [])(g.tensors[0].quantization), "not as many zero points"),
        (lambda m, g: put("inputs", [0, 1])(g), "one input and one output"),
        (lambda m, g: put("outputs", [4000])(g), "names a tensor that is not there"),
        (lambda m, g: put("outputs", [0])(g), "its output is written by no operator"),
        (lambda m, g: put("inputs", [4000, 1, 2])(g.operators[0]), "reads what no other has written"),
        (lambda m, g: g.operators.reverse(), "reads what no other has written"),
        (lambda m, g: g.operators.append(g.operators[0]), "writes what is known already"),
        (lambda m, g: put("opcodeIndex", 77)(g.operators[0]), "an operator is unknown"),
        (lambda m, g: put("strideW", 0)(g.operators[0].builtinOptions), "impossible options"),
        (lambda m, g: put("dilationHFactor", -1)(g.operators[0].builtinOptions), "impossible options"),
        (lambda m, g: put("inputs", g.operators[0].inputs[:1])(g.operators[0]), "has 1 inputs"),
        (lambda m, g: put("name", b"MODEL_CONTROL_DEPENDENCIES")(m.metadata[0]), "it has metadata"),
        (lambda m, g: put("buffer", 4000)(m.metadata[0]), "metadata is in no buffer"),
        (lambda m, g: put("version", 2)(m), "its schema is 2"),
        (lambda m, g: put("name", b"chip\xff")(g.tensors[g.inputs[0]]), "is not UTF-8"),
    ],
)
def test_a_well_formed_file_that_does_more_than_a_network_is_refused(change: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        check_model(forged(change), "forged")


def test_scales_of_a_sum_by_which_the_runtime_ends_the_process_are_refused() -> None:
    def change(model: Any, graph: Any) -> None:
        codes = [code.builtinCode for code in model.operatorCodes]
        summed = next(step for step in graph.operators if codes[step.opcodeIndex] == 0)
        graph.tensors[summed.inputs[0]].quantization.scale = [1e10]

    with pytest.raises(ModelError, match="operator 0 has scales from"):
        check_model(forged(change), "forged")


def test_a_table_is_known_by_its_slots_and_no_further() -> None:
    vtable = struct.pack("<HHHH", 8, 12, 4, 8)
    content = struct.pack("<I", 12) + vtable + struct.pack("<iiI", 8, -7, 4) + struct.pack("<I2h", 2, 5, -6)
    table = Table.root(content)
    assert table.number(0, "i") == -7
    assert table.numbers(1, "h", 9) == (5, -6)
    assert table.number(7, "i", 3) == 3
    assert (table.child(5), table.children(5, 9), table.text(5)) == (None, [], b"")
    table.only(0, 1)
    for refused in (
        lambda: table.only(0),
        lambda: table.numbers(1, "h", 1),
        lambda: table.numbers(1, "q", 9),
        lambda: table.text(1),
        lambda: table.number(0, "q") and table.number(1, "q"),
        lambda: table.child(0),
    ):
        with pytest.raises(Malformed):
            refused()


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 5), st.integers(1, 3))
def test_windows_are_counted_as_a_slow_loop_counts_them(size: int, window: int, step: int, dilation: int) -> None:
    fitting = [start for start in range(0, size, step) if start + (window - 1) * dilation < size]
    if fitting:
        assert _window(1, size, window, step, dilation) == len(fitting)
    else:
        with pytest.raises(Malformed):
            _window(1, size, window, step, dilation)
    assert _window(0, size, window, step, dilation) == len(range(0, size, step))


@pytest.mark.parametrize(
    ("wanted", "made"), [([1, 12], (1, 12)), ([-1, 3], (4, 3)), ([5, -1], None), ([-1, -1], None), ([], None)]
)
def test_a_reshape_keeps_the_number_of_values(wanted: list[int], made: tuple[int, ...] | None) -> None:
    if made:
        assert _reshaped(wanted, [(3, 4)]) == (made, 0)
        assert math.prod(made) == 12
    else:
        with pytest.raises(Malformed):
            _reshaped(wanted, [(3, 4)])


def test_a_mean_drops_its_axes_or_keeps_them_as_one() -> None:
    assert _mean([0, 1, 2], [(1, 7, 7, 3)])[0] == (1, 3)
    assert _mean([1, 1, -2], [(1, 7, 7, 3)])[0] == (1, 1, 1, 3)
    with pytest.raises(Malformed):
        _mean([0, 4], [(1, 7, 7, 3)])


def test_a_model_that_gives_numbers_beyond_measure_is_refused():
    huge: Any = SimpleNamespace(
        input=SimpleNamespace(scale=0.0),
        output=SimpleNamespace(scale=0.0),
        run=lambda values: np.full((1, 128), 1e30, np.float32),
    )
    with pytest.raises(ModelError, match="no embedding has"):
        run_chip(huge, InputSpec(), np.zeros((112, 112, 3), np.uint8))

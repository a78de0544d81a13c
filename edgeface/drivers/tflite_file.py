"""Read what a .tflite file tells a runtime to do, and refuse what no network that edgeface runs has.

A runtime follows offsets and indices of the file and calls operators with its numbers; some runtimes do not check
them, and none bounds the memory or time they cost. So nothing reaches a runtime but one chain of plain, stateless
operators between tensors of known size: no custom or control-flow operator, no second subgraph, no variable, no
sparse or external buffer. The numbers of slots and operators are those of TFLite's schema.fbs, version 3.
"""

import math
from dataclasses import dataclass

from edgeface.drivers.flatbuffer import Malformed, Table

MOST_TENSORS, MOST_OPERATORS, MOST_TEXTS = 4096, 4096, 64
MOST_RANK, MOST_SIDE = 6, 1 << 20
MOST_TENSOR_BYTES = 64 << 20
MOST_ALL_BYTES = 256 << 20

BYTES = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 7: 2, 9: 1}
"""Of a value, by TensorType: float32, float16, int32, uint8, int64, int16, int8."""

INT32 = 2
QUANTISED = (3, 7, 9)
"""Types whose numbers stand for others: without a scale the runtime ends the process (seen in ai-edge-litert 2.3.0)."""

STATIC = {b"min_runtime_version", b"CONVERSION_METADATA", b"reduced_precision_support", b"TFLITE_METADATA"}
"""Metadata that changes nothing of what is computed."""


@dataclass(frozen=True, slots=True)
class FileTensor:
    """A tensor as the file declares it."""

    shape: tuple[int, ...]
    bytes: int
    constant: bool
    """Whether its values are in the file."""
    values: tuple[int, ...] = ()
    """Those of a constant of a few int32, such as a shape."""
    scale: float = 0.0
    """Of a quantised tensor that has one for all; else 0."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operator, between tensors known by their number."""

    code: int
    """BuiltinOperator."""
    inputs: tuple[int, ...]
    """-1: left out."""
    output: int
    kind: int
    """BuiltinOptions."""
    options: Table | None


@dataclass(frozen=True, slots=True)
class Network:
    """What a file computes."""

    tensors: list[FileTensor]
    steps: list[Step]
    input: int
    output: int


def read_network(content: bytes) -> Network:
    """Return what a .tflite file computes. Raise Malformed where it is damaged or does what edgeface does not run."""
    model = Table.root(content)
    model.only(0, 1, 2, 3, 4, 5, 6, 7)
    model.text(3)
    if model.number(0, "I") != 3:
        raise Malformed(f"its schema is {model.number(0, 'I')}, and 3 is known")
    codes = [_operator_code(code) for code in model.children(1, MOST_OPERATORS)]
    graphs = model.children(2, 2)
    if len(graphs) != 1:
        raise Malformed(f"it has {len(graphs)} subgraphs, and one is run")
    buffers = model.children(4, 2 * MOST_TENSORS)
    for buffer in buffers:
        _check_buffer(buffer)
    _check_notes(model, len(buffers))
    network = _read_graph(graphs[0], codes, buffers)
    for signature in model.children(7, 1):
        _check_signature(signature, len(network.tensors))
    return network


def _operator_code(code: Table) -> int:
    code.only(0, 2, 3)
    code.number(2, "i")
    return max(code.number(0, "b"), code.number(3, "i"))


def _check_buffer(buffer: Table) -> None:
    buffer.only(0, 1, 2)
    if buffer.number(1, "Q") or buffer.number(2, "Q"):
        raise Malformed("a buffer is outside of the file")
    buffer.size(0)


def _check_notes(model: Table, buffers: int) -> None:
    places = list(model.numbers(5, "i", MOST_TEXTS))
    for note in model.children(6, MOST_TEXTS):
        note.only(0, 1)
        if note.text(0) not in STATIC:
            raise Malformed(f"it has metadata {note.text(0)!r:.40}")
        places.append(note.number(1, "I"))
    if not all(0 <= place < buffers for place in places):
        raise Malformed("metadata is in no buffer")


def _read_graph(graph: Table, codes: list[int], buffers: list[Table]) -> Network:
    graph.only(0, 1, 2, 3, 4)
    graph.text(4)
    tensors = [_tensor(tensor, buffers) for tensor in graph.children(0, MOST_TENSORS)]
    if sum(tensor.bytes for tensor in tensors) > MOST_ALL_BYTES:
        raise Malformed(f"its tensors take more than {MOST_ALL_BYTES >> 20} MiB")
    steps = [_step(operator, codes) for operator in graph.children(3, MOST_OPERATORS)]
    ends = [graph.numbers(slot, "i", MOST_TENSORS) for slot in (1, 2)]
    if [len(end) for end in ends] != [1, 1]:
        raise Malformed(f"a model has one input and one output, this one has {len(ends[0])} and {len(ends[1])}")
    network = Network(tensors, steps, int(ends[0][0]), int(ends[1][0]))
    _check_order(network)
    return network


def _tensor(tensor: Table, buffers: list[Table]) -> FileTensor:
    tensor.only(0, 1, 2, 3, 4, 5, 7, 8)
    tensor.text(3)
    shape = tuple(map(int, tensor.numbers(0, "i", MOST_RANK)))
    signature = tensor.numbers(7, "i", MOST_RANK)
    kind, place = tensor.number(1, "b"), tensor.number(2, "I")
    item = BYTES.get(kind, 0)
    if not item or tensor.number(5, "B"):
        raise Malformed(f"a tensor is a variable or has type {kind}")
    if not all(1 <= side <= MOST_SIDE for side in shape) or item * math.prod(shape) > MOST_TENSOR_BYTES:
        raise Malformed(f"a tensor has shape {shape}")
    if signature and not (len(signature) == len(shape) and all(map(_is_side_or_free, signature, shape))):
        raise Malformed(f"a tensor of shape {shape} has signature {signature}")
    size = item * math.prod(shape)
    if place >= len(buffers) or buffers[place].size(0) not in (0, size):
        raise Malformed(f"a tensor of shape {shape} has no buffer of its size")
    scales = _scales(tensor.child(4), shape)
    if kind in QUANTISED and not scales:
        raise Malformed(f"a tensor of shape {shape} and type {kind} has no scale")
    constant = buffers[place].size(0) > 0
    few = constant and kind == INT32 and size <= MOST_RANK * item
    return FileTensor(
        shape,
        size,
        constant,
        buffers[place].numbers_in(0, "i", size) if few else (),
        scales[0] if len(scales) == 1 else 0.0,
    )


def _is_side_or_free(signed: int | float, side: int) -> bool:
    return signed in (-1, side)


def _scales(quantisation: Table | None, shape: tuple[int, ...]) -> tuple[float, ...]:
    if not quantisation:
        return ()
    quantisation.only(0, 1, 2, 3, 4, 6)
    for slot in (0, 1):
        quantisation.numbers(slot, "f", MOST_SIDE)
    scales, zeros = quantisation.numbers(2, "f", MOST_SIDE), quantisation.numbers(3, "q", MOST_SIDE)
    axis = quantisation.number(6, "i")
    if quantisation.number(4, "B"):
        raise Malformed("a tensor is quantised in a way of its own")
    if len(scales) > 1 and not (0 <= axis < len(shape) and len(scales) == shape[axis]):
        raise Malformed(f"a tensor of shape {shape} has {len(scales)} scales")
    if len(zeros) != len(scales) or not all(1e-12 < scale < 1e12 for scale in scales):
        raise Malformed("a tensor has a scale that is no number, or not as many zero points")
    if not all(-(2**15) <= zero < 2**15 for zero in zeros):
        raise Malformed("a tensor has a zero point out of range")
    return scales


def _step(operator: Table, codes: list[int]) -> Step:
    operator.only(0, 1, 2, 3, 4, 6, 7, 8)
    outputs = operator.numbers(2, "i", MOST_TENSORS)
    operator.numbers(7, "B", MOST_TENSORS)
    code, custom = operator.number(0, "I"), operator.number(6, "b")
    if code >= len(codes) or custom or len(outputs) != 1 or operator.numbers(8, "i", MOST_TENSORS):
        raise Malformed("an operator is unknown, custom or has not one output")
    inputs = tuple(map(int, operator.numbers(1, "i", MOST_TENSORS)))
    return Step(codes[code], inputs, int(outputs[0]), operator.number(3, "B"), operator.child(4))


def _check_order(network: Network) -> None:
    """Let each operator read only what is there, and write what nobody has written."""
    count = len(network.tensors)
    known = {number for number, tensor in enumerate(network.tensors) if tensor.constant}
    places = [network.input, network.output, *(step.output for step in network.steps)]
    if not all(0 <= place < count for place in places) or network.input in known:
        raise Malformed("an operator names a tensor that is not there")
    known.add(network.input)
    for step in network.steps:
        if not all(place == -1 or place in known for place in step.inputs):
            raise Malformed("an operator reads what no other has written")
        if step.output in known:
            raise Malformed("an operator writes what is known already")
        known.add(step.output)
    if network.output not in known or network.output == network.input:
        raise Malformed("its output is written by no operator")


def _check_signature(signature: Table, tensors: int) -> None:
    signature.only(0, 1, 2, 4)
    signature.text(2)
    for end in signature.children(0, MOST_TEXTS) + signature.children(1, MOST_TEXTS):
        end.only(0, 1)
        end.text(0)
        if end.number(1, "I") >= tensors:
            raise Malformed("a signature names a tensor that is not there")
    if signature.number(4, "I"):
        raise Malformed("a signature names a subgraph that is not there")

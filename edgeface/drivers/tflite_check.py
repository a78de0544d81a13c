"""Prove, before a runtime opens a .tflite file, what each operator makes of its inputs, and what it costs.

Each operator's output is computed in shape and compared with what the file declares. So a runtime computes with the
shapes that were judged, and the memory and the multiplications of a network are known.
"""

import math
from collections.abc import Callable

from edgeface.drivers.flatbuffer import Malformed
from edgeface.drivers.tflite_file import MOST_RANK, FileTensor, Step, read_network
from edgeface.errors import ModelError

MOST_MULTIPLICATIONS = 20_000_000_000
"""Of a network: a hundred times those of the default model."""
MOST_PATCH_BYTES = 256 << 20
"""A convolution may lay its patches side by side in memory (im2col)."""

ADD, RESHAPE, MEAN, SUB = 0, 22, 40, 41
RESHAPE_OPTIONS = 17
MOST_RATIO = 2**16
"""Between the scales of a sum: the runtime ends the process where it is 2^19 (seen in ai-edge-litert 2.3.0)."""

Shape = tuple[int, ...]
Made = tuple[Shape, int]
"""An output's shape, and the multiplications that it costs."""

ACTIVATION = ("b", 0, 0, 3)
FLAG = ("B", 0, 0, 1)
PADDING = ("b", 0, 0, 1)
STEP = ("i", 0, 1, 64)
DILATION = ("i", 1, 1, 64)
SIDE = ("i", 0, 1, 4096)

OPTIONS: dict[int, tuple[tuple[str, int, int, int], ...]] = {
    1: (PADDING, STEP, STEP, ACTIVATION, DILATION, DILATION, ("b", 0, 0, 9)),
    2: (PADDING, STEP, STEP, ("i", 0, 0, 4096), ACTIVATION, DILATION, DILATION),
    5: (PADDING, STEP, STEP, SIDE, SIDE, ACTIVATION),
    8: (ACTIVATION, ("b", 0, 0, 0), FLAG, FLAG, ("b", 0, 0, 9)),
    11: (ACTIVATION, FLAG),
    12: (ACTIVATION,),
    21: (ACTIVATION,),
    27: (FLAG,),
    28: (ACTIVATION, FLAG),
    38: (),
    89: (),
}
"""By BuiltinOptions: of each slot the kind, the default, and the least and the greatest value."""


def check_model(content: bytes, name: str) -> None:
    """Raise ModelError when a .tflite file is damaged, or does what no network of edgeface does."""
    try:
        network = read_network(content)
        multiplications = sum(_checked(step, network.tensors) for step in network.steps)
        if multiplications > MOST_MULTIPLICATIONS:
            raise Malformed(f"it multiplies {multiplications:,} times, and {MOST_MULTIPLICATIONS:,} are allowed")
    except Malformed as error:
        raise ModelError(
            f"{name} is damaged or no network that edgeface runs: {error}",
            hint="copy the whole bundle again, or write it with `edgeface export`",
        ) from error


def _checked(step: Step, tensors: list[FileTensor]) -> int:
    """Return what an operator costs, once its options and its output's shape are right."""
    if step.code not in OPERATORS:
        raise Malformed(f"operator {step.code} is not among those that edgeface runs")
    kinds, (least, most), infer = OPERATORS[step.code]
    told = tensors[step.inputs[1]].values if step.inputs[1:] and step.inputs[1] >= 0 else ()
    if step.kind not in kinds or (step.kind > 0) != (step.options is not None):
        raise Malformed(f"operator {step.code} has options of kind {step.kind}")
    shapes = [tensors[place].shape for place in step.inputs if place >= 0]
    if not least <= len(shapes) <= most or -1 in step.inputs[:least]:
        raise Malformed(f"operator {step.code} has {len(step.inputs)} inputs")
    made, cost = infer([*_options(step), *told] if step.code in (MEAN, RESHAPE) else _options(step), shapes)
    scales = [tensors[place].scale for place in (*step.inputs, step.output) if place >= 0]
    if step.code in (ADD, SUB) and max(scales) > MOST_RATIO * min(scales):
        raise Malformed(f"operator {step.code} has scales from {min(scales):g} to {max(scales):g}")
    if made != tensors[step.output].shape:
        raise Malformed(f"operator {step.code} makes {made}, not {tensors[step.output].shape}")
    return cost


def _options(step: Step) -> list[int]:
    if step.options is None:
        return []
    if step.kind == RESHAPE_OPTIONS:  # as the second input says it too, and that is what counts
        step.options.only(0)
        step.options.numbers(0, "i", MOST_RANK)
        return []
    expected = OPTIONS[step.kind]
    step.options.only(*range(len(expected)))
    values = [step.options.number(slot, kind, default) for slot, (kind, default, _, _) in enumerate(expected)]
    if not all(least <= value <= most for value, (_, _, least, most) in zip(values, expected, strict=True)):
        raise Malformed(f"operator {step.code} has impossible options {values}")
    return values


def _window(padding: int, size: int, window: int, step: int, dilation: int = 1) -> int:
    """Return how many windows fit along a side; padding 0 is SAME, 1 is VALID."""
    count = -(-size // step) if padding == 0 else -(-(size - (window - 1) * dilation) // step)
    if count < 1:
        raise Malformed(f"a window of {window} does not fit into {size}")
    return count


def _rank(shape: Shape, rank: int) -> Shape:
    if len(shape) != rank:
        raise Malformed(f"shape {shape} has not {rank} sides")
    return shape


def _bias(shapes: list[Shape], size: int) -> None:
    if len(shapes) > 2 and math.prod(shapes[2]) != size:
        raise Malformed(f"a bias has shape {shapes[2]}, not {size} values")


def _convolution(options: list[int], shapes: list[Shape]) -> Made:
    padding, across, down, _, dilation_across, dilation_down, _ = options
    (batch, height, width, channels), (made, tall, wide, deep) = _rank(shapes[0], 4), _rank(shapes[1], 4)
    _bias(shapes, made)
    if deep != channels or 4 * height * width * tall * wide * deep > MOST_PATCH_BYTES:
        raise Malformed(f"a filter of shape {shapes[1]} on shape {shapes[0]}")
    rows = _window(padding, height, tall, down, dilation_down)
    columns = _window(padding, width, wide, across, dilation_across)
    return (batch, rows, columns, made), batch * rows * columns * made * tall * wide * deep


def _depthwise(options: list[int], shapes: list[Shape]) -> Made:
    padding, across, down, multiplier, _, dilation_across, dilation_down = options
    (batch, height, width, channels), (one, tall, wide, made) = _rank(shapes[0], 4), _rank(shapes[1], 4)
    _bias(shapes, made)
    if one != 1 or made % channels or multiplier not in (0, made // channels):
        raise Malformed(f"a depthwise filter of shape {shapes[1]} on shape {shapes[0]}")
    rows = _window(padding, height, tall, down, dilation_down)
    columns = _window(padding, width, wide, across, dilation_across)
    return (batch, rows, columns, made), batch * rows * columns * made * tall * wide


def _pool(options: list[int], shapes: list[Shape]) -> Made:
    padding, across, down, wide, tall, _ = options
    batch, height, width, channels = _rank(shapes[0], 4)
    rows, columns = _window(padding, height, tall, down), _window(padding, width, wide, across)
    return (batch, rows, columns, channels), batch * rows * columns * channels * tall * wide


def _dense(options: list[int], shapes: list[Shape]) -> Made:
    made, deep = _rank(shapes[1], 2)
    rows, rest = divmod(math.prod(shapes[0]), deep)
    _bias(shapes, made)
    if rest or (options[2] and shapes[0][-1:] != (deep,)):
        raise Malformed(f"weights of shape {shapes[1]} on shape {shapes[0]}")
    return ((*shapes[0][:-1], made) if options[2] else (rows, made)), rows * made * deep


def _broadcast(_: list[int], shapes: list[Shape]) -> Made:
    rank = max(map(len, shapes))
    sides = list(zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True))
    made = tuple(max(pair) for pair in sides)
    if any(side not in (1, most) for pair, most in zip(sides, made, strict=True) for side in pair):
        raise Malformed(f"shapes {shapes} do not go together")
    return made, math.prod(made)


def _same(_: list[int], shapes: list[Shape]) -> Made:
    return shapes[0], math.prod(shapes[0])


def _reshaped(wanted: list[int], shapes: list[Shape]) -> Made:
    size, known = math.prod(shapes[0]), math.prod(side for side in wanted if side != -1)
    made = tuple(size // known if side == -1 and known > 0 else side for side in wanted)
    if not wanted or wanted.count(-1) > 1 or min(made) < 1 or math.prod(made) != size:
        raise Malformed(f"shape {shapes[0]} cannot become {wanted}")
    return made, 0


def _mean(told: list[int], shapes: list[Shape]) -> Made:
    keep, axes = told[0], told[1:]
    rank = len(shapes[0])
    if not axes or not all(-rank <= axis < rank for axis in axes):
        raise Malformed(f"no mean of shape {shapes[0]} over axes {axes}")
    gone = {axis % rank for axis in axes}
    sides = [1 if axis in gone else side for axis, side in enumerate(shapes[0]) if keep or axis not in gone]
    return tuple(sides), math.prod(shapes[0])


Infer = Callable[[list[int], list[Shape]], Made]
ONE, TWO = (1, 1), (2, 2)
OPERATORS: dict[int, tuple[tuple[int, ...], tuple[int, int], Infer]] = {
    ADD: ((11,), TWO, _broadcast),
    1: ((5,), ONE, _pool),  # AVERAGE_POOL_2D
    3: ((1,), (2, 3), _convolution),  # CONV_2D
    4: ((2,), (2, 3), _depthwise),  # DEPTHWISE_CONV_2D
    6: ((0, 38), ONE, _same),  # DEQUANTIZE
    9: ((8,), (2, 3), _dense),  # FULLY_CONNECTED
    11: ((12,), ONE, _same),  # L2_NORMALIZATION
    17: ((5,), ONE, _pool),  # MAX_POOL_2D
    18: ((21,), TWO, _broadcast),  # MUL
    19: ((0,), ONE, _same),  # RELU
    21: ((0,), ONE, _same),  # RELU6
    RESHAPE: ((0, RESHAPE_OPTIONS), TWO, _reshaped),
    MEAN: ((27,), TWO, _mean),
    SUB: ((28,), TWO, _broadcast),
    54: ((0,), TWO, _broadcast),  # PRELU
    114: ((0, 89), ONE, _same),  # QUANTIZE
}
"""By BuiltinOperator: the kinds of its options, how many inputs it has, and what it makes of them."""

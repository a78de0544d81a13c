"""Write .tflite files by hand, of the operators that the small bundle lacks, with the schema that LiteRT carries."""

import importlib.util
from typing import Any

import numpy as np

SIDES = ((1, 112, 112, 3), (1, 7, 7, 3), (1, 7, 7, 3), (1, 7, 7, 3), (1, 7, 7, 3), (1, 7, 7, 3), (1, 7, 7, 3))
"""What comes out of RELU6, MAX_POOL_2D, MUL, SUB, PRELU, RELU and L2_NORMALIZATION."""


def plain_networks() -> list[bytes]:
    """Return a network of floats and one of int8, from the small bundle's input to its output; none without LiteRT."""
    if not importlib.util.find_spec("ai_edge_litert") or not importlib.util.find_spec("flatbuffers"):
        return []
    return [_Writer(quantised=quantised).network() for quantised in (False, True)]


class _Writer:
    """Collects the tensors, operators and buffers of one file."""

    def __init__(self, *, quantised: bool) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._schema: Any = schema
        self._quantised = quantised
        self._model = schema.ModelT()
        self._model.version, self._model.operatorCodes, self._model.buffers = 3, [], [schema.BufferT()]
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []

    def network(self) -> bytes:
        """Return the file."""
        place = first = self._tensor((1, 112, 112, 3))
        three = np.array([1, 2, 3], np.int8 if self._quantised else np.float32)
        for (code, kind, settings, constant), sides in zip(self._steps(three), SIDES, strict=True):
            place = self._step(code, kind, settings, place, constant, sides)
        place = self._step("MEAN", "Reducer", {"keepDims": True}, place, np.array([1, 2], np.int32), (1, 1, 1, 3))
        place = self._step("RESHAPE", "", {}, place, np.array([1, 3], np.int32), (1, 3))
        weights = np.tile(three, (16, 1))
        place = self._step("FULLY_CONNECTED", "FullyConnected", {}, place, weights, (1, 16))
        self._graph.inputs, self._graph.outputs = [first], [place]
        self._model.subgraphs = [self._graph]
        return self._packed()

    def _steps(self, three: np.ndarray) -> list[tuple[str, str, dict[str, int], np.ndarray | None]]:
        pool = {"strideW": 16, "strideH": 16, "filterWidth": 16, "filterHeight": 16}
        return [
            ("RELU6", "", {}, None),
            ("MAX_POOL_2D", "Pool2D", pool, None),
            ("MUL", "Mul", {}, three),
            ("SUB", "Sub", {}, three),
            ("PRELU", "", {}, three.reshape(1, 1, 3)),
            ("RELU", "", {}, None),
            ("L2_NORMALIZATION", "L2Norm", {}, None),
        ]

    def _step(
        self, code: str, kind: str, settings: dict[str, int], place: int, constant: np.ndarray | None, made: tuple
    ) -> int:
        operator = self._schema.OperatorT()
        number = getattr(self._schema.BuiltinOperator, code)
        written = self._schema.OperatorCodeT()
        written.builtinCode = written.deprecatedBuiltinCode = number
        written.version = 1
        self._model.operatorCodes.append(written)
        operator.opcodeIndex = len(self._model.operatorCodes) - 1
        operator.inputs = [place] if constant is None else [place, self._tensor(constant.shape, constant)]
        operator.outputs = [self._tensor(made, scale=1 / 128 if code == "L2_NORMALIZATION" else 0.05)]
        if kind:
            operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, f"{kind}Options")
            operator.builtinOptions = getattr(self._schema, f"{kind}OptionsT")()
            for name, value in settings.items():
                setattr(operator.builtinOptions, name, value)
        self._graph.operators.append(operator)
        return operator.outputs[0]

    def _tensor(self, shape: tuple[int, ...], constant: np.ndarray | None = None, scale: float = 0.05) -> int:
        tensor, kinds = self._schema.TensorT(), self._schema.TensorType
        tensor.shape = list(shape)
        whole = constant is not None and constant.dtype == np.int32
        tensor.type = kinds.INT32 if whole else kinds.INT8 if self._quantised else kinds.FLOAT32
        if constant is not None:
            buffer = self._schema.BufferT()
            buffer.data = np.frombuffer(constant.tobytes(), np.uint8)
            self._model.buffers.append(buffer)
            tensor.buffer = len(self._model.buffers) - 1
        if self._quantised and not whole:
            tensor.quantization = self._schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [0]
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _packed(self) -> bytes:
        import flatbuffers

        builder = flatbuffers.Builder(4096)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

"""Any TFLite file, for `edgeface evaluate people CHIPS --also PEER.py` and `edgeface data teach`.

Copy this file, or link it, under the name of the network, and say beside it in TOML what the network wants, as
`onnx_file.py` explains; `layout` is "NHWC" unless given. It runs on the runtime that edgeface has, on one thread. The
numbers of a quantised file are scaled as the file says: scale and offset are of the floats before that. Unlike a
bundle's, the file is not judged before it is run: take one that you trust.
"""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from edgeface_train.evaluation.network_file import NetworkFile, read_network, unit_vector

from edgeface.core.prepare import dequantise, quantise
from edgeface.core.types import Image, Vector
from edgeface.drivers.quiet import standard_error_muted
from edgeface.drivers.runtime import FAMILIES, available
from edgeface.errors import ConfigError


class TfliteFile:
    """The network, its input brought to one chip of the size that was named."""

    def __init__(self, network: NetworkFile) -> None:
        self.name, self.size = network.name, network.size
        self.file_bytes = Path(network.path).stat().st_size
        self._file = network
        try:
            self._interpreter = _open(network)
            outputs = {detail["name"]: detail for detail in self._interpreter.get_output_details()}
            self._input = self._interpreter.get_input_details()[0]
            self._output = outputs[network.choose(list(outputs))]
            self.embed(np.zeros((1, self.size, self.size, 3), np.uint8))
        except (ValueError, RuntimeError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(
                f"network {network.path} cannot be opened for {network.shape}: {str(error).partition(chr(10))[0]}",
                hint="size and layout must be those of the file",
            ) from error

    def embed(self, chips: Image) -> Vector:
        """Return (n, d) unit vectors."""
        return np.stack([self._vector(chip) for chip in chips])

    def _vector(self, chip: Image) -> Vector:
        self._interpreter.set_tensor(self._input["index"], _whole(self._file.feed(chip), self._input))
        self._interpreter.invoke()
        output, (scale, zero_point) = self._interpreter.get_tensor(self._output["index"]), self._output["quantization"]
        return unit_vector(dequantise(output, scale, zero_point) if scale else output)


def load() -> TfliteFile:
    """Open the file that the TOML file beside this one names."""
    return TfliteFile(read_network(Path(__file__), layout="NHWC"))


def _open(network: NetworkFile) -> Any:
    """Return an interpreter with the input's shape. Raise ValueError, RuntimeError or ConfigError for another file."""
    families = available()
    if not families:
        raise ModuleNotFoundError("a TFLite runtime", name="ai_edge_litert")
    runtime = importlib.import_module(f"{FAMILIES[families[0]]}.interpreter")
    with standard_error_muted():  # it greets
        interpreter = runtime.Interpreter(model_path=network.path, num_threads=1)
        inputs = interpreter.get_input_details()
        if len(inputs) != 1:
            raise ConfigError(f"network {network.path} has {len(inputs)} inputs, one is needed")
        if tuple(inputs[0]["shape"]) != network.shape:
            interpreter.resize_tensor_input(inputs[0]["index"], network.shape, strict=True)
        interpreter.allocate_tensors()
    return interpreter


def _whole(values: npt.NDArray[np.float32], tensor: Any) -> npt.NDArray:
    """Return what a tensor takes: floats, or whole numbers by its scale, which are pixels where it has none."""
    kind, (scale, zero_point) = np.dtype(tensor["dtype"]).type, tensor["quantization"]
    if not np.issubdtype(kind, np.integer):
        return values.astype(kind)
    return quantise(values, scale or 1.0, zero_point, kind)

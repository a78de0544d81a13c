"""Run a TFLite file with whichever runtime is installed: ai-edge-litert, or tflite-runtime on an older Python."""

import importlib
import importlib.util
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeface.drivers.quiet import standard_error_muted
from edgeface.drivers.tflite_check import check_model
from edgeface.errors import ConfigError, MissingExtra, ModelError

FAMILIES = {"ai-edge-litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}
"""Runtime families in order of preference, and the package each is imported from."""

EXPORT_AGAIN = "write the bundle again with `edgeface export`"


@dataclass(frozen=True, slots=True)
class Tensor:
    """A model's input or output as its file declares it."""

    index: int
    shape: tuple[int, ...]
    dtype: type
    scale: float
    """0 when the tensor is not quantised."""
    zero_point: int


class Model:
    """A TFLite file, ready to run one input at a time; several threads take turns."""

    def __init__(self, interpreter: Any, family: str) -> None:
        self._interpreter, self._turn = interpreter, threading.Lock()
        self.family = family
        self.input = _tensor(interpreter.get_input_details())
        self.output = _tensor(interpreter.get_output_details())

    def __repr__(self) -> str:
        return f"Model({self.family}, {self.input.shape} -> {self.output.shape})"

    def run(self, values: npt.NDArray) -> npt.NDArray:
        """Return the output for one input of exactly the declared shape and type. Raise ModelError when it fails."""
        try:
            with self._turn:
                self._interpreter.set_tensor(self.input.index, values)
                self._interpreter.invoke()
                return self._interpreter.get_tensor(self.output.index)
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{self.family} cannot run the model: {error}", hint=EXPORT_AGAIN) from error


def available() -> list[str]:
    """Return the installed runtime families, the preferred one first."""
    return [family for family, package in FAMILIES.items() if importlib.util.find_spec(package)]


def load(content: bytes, *, runtime: str = "auto", threads: int = 1, name: str = "the model") -> Model:
    """Open a TFLite file from memory; `name` is what an error calls it.

    Raise ModelError when it is not one, or does what edgeface does not run (see `tflite_file`), MissingExtra without
    a runtime.
    """
    family = _choose(runtime)
    if content[4:8] != b"TFL3":
        raise ModelError(
            f"{name} is not a TFLite model: {len(content)} bytes without the TFL3 mark",
            hint=EXPORT_AGAIN,
        )
    check_model(content, name)
    interpreter_class = _interpreter_class(family)
    try:
        with standard_error_muted():  # it greets, and has no switch for that; its errors are exceptions
            interpreter = interpreter_class(model_content=content, num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{family} cannot open {name}: {reason}", hint=EXPORT_AGAIN) from error
    return Model(interpreter, family)


def _choose(runtime: str) -> str:
    if runtime not in ("auto", *FAMILIES):
        raise ConfigError(
            f"unknown runtime {runtime!r}",
            hint=f"choose auto, {' or '.join(FAMILIES)} for recognition.runtime",
        )
    installed = available()
    wanted = installed[:1] if runtime == "auto" else [family for family in installed if family == runtime]
    if not wanted:
        name = "ai-edge-litert" if runtime == "auto" else runtime
        raise MissingExtra(f"no TFLite runtime: {name} is not installed", hint=f"pip install {name}")
    return wanted[0]


def _interpreter_class(family: str) -> Callable[..., Any]:
    module = importlib.import_module(f"{FAMILIES[family]}.interpreter")
    return module.Interpreter


def _tensor(details: list[dict[str, Any]]) -> Tensor:
    if len(details) != 1:
        raise ModelError(f"a model has one input and one output, this one has {len(details)}")
    detail = details[0]
    scale, zero_point = detail["quantization"]
    dtype = np.dtype(detail["dtype"]).type
    return Tensor(int(detail["index"]), tuple(map(int, detail["shape"])), dtype, float(scale), int(zero_point))

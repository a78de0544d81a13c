"""Read how a network of somebody else's is fed: a TOML file beside its adapter, for those of `train/bench/peers`."""

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeface.core.prepare import InputSpec, normalise, to_input
from edgeface.core.types import Image, Vector
from edgeface.errors import ConfigError
from edgeface.settings import read_section

Layout = Literal["NCHW", "NHWC"]

HINT = "train/README.md says what the file beside an adapter holds"
SIZES = (16, 1024)


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """A file of weights and what it is fed with: `pixel * scale + offset`, of one chip at a time."""

    path: str
    """The file; in TOML relative to the TOML file's own folder."""
    layout: Layout
    """Whether the three channels come before rows and columns, or after them."""
    size: int = 112
    """Side of the input in pixels."""
    channels: Literal["RGB", "BGR"] = "RGB"
    scale: float = 1 / 127.5
    offset: float = -1.0
    output: str = ""
    """Name of the output that is the vector; needed where there are several."""
    name: str = ""
    """How the report calls it; in TOML the adapter's own name unless given."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of the input."""
        return (1, 3, self.size, self.size) if self.layout == "NCHW" else (1, self.size, self.size, 3)

    def feed(self, chip: Image) -> npt.NDArray[np.float32]:
        """Return the input, of `shape`, for one (size, size, 3) RGB uint8 chip."""
        values = to_input(chip[np.newaxis], InputSpec(self.size, self.channels, self.scale, self.offset))
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2)) if self.layout == "NCHW" else values

    def choose(self, outputs: Sequence[str]) -> str:
        """Return which of the outputs is the vector. Raise ConfigError when it is not there, or could be several."""
        if self.output in outputs or (not self.output and len(outputs) == 1):
            return self.output or outputs[0]
        found = f"no output {self.output!r}" if self.output else f"{len(outputs)} outputs"
        raise ConfigError(f"network {self.path} has {found}", hint=f"set output to one of {', '.join(outputs)}")


def read_network(adapter: Path, *, layout: Layout) -> NetworkFile:
    """Read ADAPTER.toml beside ADAPTER.py; `layout` is that of a file which says nothing of it.

    Raise ConfigError for a file that is not there, or a setting that is unknown, missing or out of range.
    """
    path = adapter.with_suffix(".toml")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", hint=HINT) from error
    except ValueError as error:
        raise ConfigError(f"{path} is no TOML: {error}", hint=HINT) from error
    network = read_section(NetworkFile, {"layout": layout, **table}, source=str(path))
    least, most = SIZES
    if not least <= network.size <= most:
        raise ConfigError(f"{path}: size is {network.size}", hint=f"give {least} to {most} pixels")
    if not network.scale or not math.isfinite(network.scale) or not math.isfinite(network.offset):
        raise ConfigError(
            f"{path}: scale is {network.scale:g} and offset {network.offset:g}", hint="give numbers, scale not 0"
        )
    weights = path.parent / network.path
    if not weights.is_file():
        raise ConfigError(f"{path}: path names {weights}, which is no file", hint=HINT)
    return replace(network, path=str(weights), name=network.name or path.stem)


def unit_vector(output: npt.ArrayLike) -> Vector:
    """Return the (d,) unit vector of an output of any shape; of zeros, zeros."""
    return normalise(np.asarray(output, np.float32).ravel())

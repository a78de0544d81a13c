"""Turn aligned chips into a network's input, and its output into unit vectors, for trainer and device."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Image, Vector


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a network expects: `pixel * scale + offset`, channels in the given order, NHWC."""

    size: int = 112
    """Height and width in pixels."""
    channels: Literal["RGB", "BGR"] = "RGB"
    scale: float = 1 / 127.5
    offset: float = -1.0
    mirror: bool = False
    """Whether a chip's vector is the direction of the sum of its own and its mirror image's."""


def crop_centre(chips: Image, size: int) -> Image:
    """Cut the middle (size, size) out of (n, height, width, 3) chips, dropping the border for jitter."""
    height, width = chips.shape[1:3]
    top, left = (height - size) // 2, (width - size) // 2
    if top < 0 or left < 0:
        raise ValueError(f"chips of {height}x{width} are smaller than {size}x{size}")
    return chips[:, top : top + size, left : left + size]


def views(chips: Image, spec: InputSpec) -> list[Image]:
    """Return the (n, size, size, 3) pictures whose unit vectors add up to the chips': they, and their mirror images."""
    middle = crop_centre(chips, spec.size)
    return [middle, middle[:, :, ::-1]] if spec.mirror else [middle]


def to_input(chips: Image, spec: InputSpec) -> npt.NDArray[np.float32]:
    """Scale (n, size, size, 3) RGB uint8 chips to the float32 input of a network."""
    if chips.ndim != 4 or chips.shape[1:] != (spec.size, spec.size, 3) or chips.dtype != np.uint8:
        raise ValueError(f"chips must be (n, {spec.size}, {spec.size}, 3) uint8, not {chips.shape} {chips.dtype}")
    ordered = chips if spec.channels == "RGB" else chips[..., ::-1]
    return ordered.astype(np.float32) * np.float32(spec.scale) + np.float32(spec.offset)


def quantise(values: npt.NDArray[np.float32], scale: float, zero_point: int, dtype: type) -> npt.NDArray:
    """Map floats to integers: q = round(x / scale) + zero_point, clipped to the type's range.

    Source: Jacob et al. 2018, "Quantization and training of neural networks", eq. 1.
    """
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max).astype(dtype)


def dequantise(values: npt.NDArray, scale: float, zero_point: int) -> npt.NDArray[np.float32]:
    """Map integers back to floats: x = scale * (q - zero_point)."""
    return (values.astype(np.float32) - zero_point) * np.float32(scale)


def normalise(vectors: npt.NDArray[np.float32]) -> Vector:
    """Scale the last axis to unit length; a zero vector stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(norms, 1e-12)).astype(np.float32)


def is_unit(vector: npt.NDArray[np.float32]) -> bool:
    """Tell whether a vector that anybody may have written has unit length, to within 0.01; NaN has not."""
    with np.errstate(invalid="ignore"):  # a signalling NaN; in doubles no square overflows
        length = float(np.linalg.norm(vector.astype(np.float64)))
    return abs(length - 1) <= 0.01

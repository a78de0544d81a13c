"""Vary chips on the device that trains, as part of the network's step: what `augment.py` does, in Keras operations.

A processor varies one or two thousand chips a second and core; an accelerator learns from more than that.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from edgeface.core.prepare import InputSpec
from edgeface.core.types import Image
from edgeface_train.augment import BEST, KERNEL, Variations, low_sides
from edgeface_train.jpeg import compress
from edgeface_train.night import GAMMA, LUMA, Night

ops: Any = keras.ops
"""Keras declares that many of its operations return nothing."""

UNBLENDED = (0.0, -1e6, 1.0)
"""A seam so far off that all of the result is the first face."""
NAMES = ("moves", "gains", "offsets", "grey", "sides", "filters", "grains", "qualities", "tops", "covers")
"""Of the variations, in the order in which the layer is given them; those of the night follow."""


class Vary(layers.Layer):
    """Blend, vary and scale chips: [chips, others, seams, *variations] -> (n, size, size, 3) float32.

    Chips and others are (n, side, side, 3) uint8, seams (n, 3); a seam of UNBLENDED leaves a chip alone.
    Without `night` no chip is shown as at night, whatever is said of it, and no noise is drawn for that.
    """

    def __init__(self, spec: InputSpec, *, seed: int, night: bool = False, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.spec, self.night = spec, night
        self.seeds = keras.random.SeedGenerator(seed)
        self._reductions = reductions(spec.size)

    def call(self, inputs: Sequence[Any]) -> Any:
        """Do to each chip what is said of it."""
        chips, others, seams, *how = (ops.cast(value, "float32") for value in inputs)
        moves, gains, offsets, grey, sides, filters, grains, qualities, tops, covers, *night = how
        size = self.spec.size
        x = blended(chips, others, seams)
        x = moved(x, moves)[:, :size, :size]
        x = ops.floor(ops.clip(x * _each(gains) + _each(offsets), 0, 255))
        x = ops.where(_each(grey) > 0, _whole(ops.sum(x * LUMA, axis=-1, keepdims=True)), x)
        x = reduced(x, sides, self._reductions)
        x = _whole(filtered(x, filters))
        if self.night:
            x = at_night(x, Night._make(night), keras.random.normal(ops.shape(x), seed=self.seeds))
        x = _whole(x + _each(grains) * keras.random.normal(ops.shape(x), seed=self.seeds))
        x = ops.where(_each(qualities) < BEST, compress(x, ops.minimum(qualities, BEST - 1)), x)
        rows = ops.reshape(ops.arange(size, dtype="float32"), (1, size, 1, 1))
        x = ops.where(rows >= _each(tops), _each(covers), x)
        if self.spec.channels == "BGR":
            x = ops.flip(x, axis=-1)
        return x * self.spec.scale + self.spec.offset

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Return the shape of the varied chips."""
        return (input_shape[0][0], self.spec.size, self.spec.size, 3)


def inputs_of(side: int) -> list[Any]:
    """Return symbolic inputs for a layer that varies chips of `side` pixels."""
    shapes = {
        "chips": (side, side, 3),
        "others": (side, side, 3),
        "seams": (3,),
        **dict.fromkeys((*NAMES, *Night._fields), ()),
        **{"lamps": (3,), "noises": (2,), "mixes": (3,)},
        **{"moves": (2, 3), "gains": (3,), "offsets": (3,), "covers": (3,), "filters": (KERNEL, KERNEL)},
    }
    return [
        keras.Input(shape, name=name, dtype="uint8" if name in ("chips", "others") else "float32")
        for name, shape in shapes.items()
    ]


def values_of(chips: Image, others: Image, seams: npt.NDArray[np.float32], variations: Variations) -> list[Any]:
    """Return what the layer is given for a batch."""
    how = [*(getattr(variations, name) for name in NAMES), *variations.night]
    return [chips, others, seams, *(np.asarray(values, np.float32) for values in how)]


def blended(chips: Any, others: Any, seams: Any) -> Any:
    """Blend as `blend.blend` does."""
    side = chips.shape[1]
    middle = np.arange(side, dtype=np.float32) - (side - 1) / 2
    angle, offset, softness = (ops.reshape(seams[:, place], (-1, 1, 1, 1)) for place in range(3))
    across = ops.cos(angle) * middle[:, np.newaxis] + ops.sin(angle) * middle[:, np.newaxis, np.newaxis]
    return _whole(others + ops.sigmoid((across - offset) / softness) * (chips - others))


def moved(x: Any, moves: Any) -> Any:
    """Warp (n, side, side, 3) chips by (n, 2, 3) matrices, bilinearly; what is beyond the edge is like the edge."""
    turn, shift = moves[:, :, :2], moves[:, :, 2:]
    a, b, c, d = turn[:, 0, 0], turn[:, 0, 1], turn[:, 1, 0], turn[:, 1, 1]
    scale = 1 / (a * d - b * c)
    back = ops.stack([ops.stack([d, -b], axis=1), ops.stack([-c, a], axis=1)], axis=1) * scale[:, None, None]
    whole = ops.concatenate([back, -ops.matmul(back, shift)], axis=2)
    transform = ops.concatenate([ops.reshape(whole, (-1, 6)), ops.zeros_like(whole[:, :, 0])], axis=1)
    return _whole(ops.image.affine_transform(x, transform, fill_mode="nearest", data_format="channels_last"))


def reductions(size: int) -> npt.NDArray[np.float32]:
    """Return (sides, size, size) matrices that take a line of pixels to few pixels and back; the last one does not."""
    found = []
    for side in range(*low_sides(size)):
        down = cv2.resize(np.eye(size, dtype=np.float32), (size, side), interpolation=cv2.INTER_AREA)
        found.append(cv2.resize(down, (size, size), interpolation=cv2.INTER_LINEAR))
    return np.stack([*found, np.eye(size, dtype=np.float32)])


def reduced(x: Any, sides: Any, matrices: npt.NDArray[np.float32]) -> Any:
    """Lose the detail that is finer than so many pixels a side."""
    place = ops.minimum(ops.cast(sides, "int32") - low_sides(matrices.shape[1])[0], len(matrices) - 1)
    each = ops.take(ops.convert_to_tensor(matrices), place, axis=0)
    return _whole(ops.einsum("nij,njkc,nlk->nilc", each, x, each))


def filtered(x: Any, filters: Any) -> Any:
    """Correlate each chip with its filter, mirrored at the edge but for the edge itself, as OpenCV does."""
    reach, size = KERNEL // 2, x.shape[1]
    wide = ops.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    total = ops.zeros_like(x)
    for row in range(KERNEL):
        for column in range(KERNEL):
            weight = ops.reshape(filters[:, row, column], (-1, 1, 1, 1))
            total += weight * wide[:, row : row + size, column : column + size]
    return total


def at_night(x: Any, how: Night, noise: Any) -> Any:
    """Show chips as `night.at_night` does, those that are seen at night; `noise` is normal, of the shape of `x`."""
    seen, lamps, exposures, noises, mixes, colours, contrasts = (_each(values) for values in how)
    places = np.arange(x.shape[1], dtype=np.float32)
    aside = (places[:, np.newaxis] - lamps[..., :1]) ** 2 + (places[:, np.newaxis, np.newaxis] - lamps[..., 1:2]) ** 2
    light = (x / 255) ** GAMMA * exposures / (1 + aside / lamps[..., 2:] ** 2) ** 2
    light += ops.sqrt(noises[..., :1] * light + noises[..., 1:]) * noise
    value = ops.clip(light, 0, 1) ** (1 / GAMMA)
    grey = ops.sum(value * mixes, axis=-1, keepdims=True)
    value = 0.5 + contrasts * (grey + colours * (value - grey) - 0.5)
    return ops.where(seen > 0, _whole(255 * value), x)


def _each(values: Any) -> Any:
    """Give each chip's value or colour the shape that multiplies pictures."""
    return ops.reshape(values, (-1, 1, 1, values.shape[1] if len(values.shape) > 1 else 1))


def _whole(x: Any) -> Any:
    """Round to what a byte holds."""
    return ops.clip(ops.round(x), 0, 255)

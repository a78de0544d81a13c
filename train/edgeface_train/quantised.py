"""Rebuild a trained network so that it computes as its int8 file will: normalisations folded in, values rounded.

Runs on TensorFlow alone: from its operations for rounding the TFLite converter reads the ranges.
Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
inference", sections 3.1 and 3.2.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import layers

from edgeface_train.backbone import UNIT
from edgeface_train.folding import KERNEL_LAYERS, Absorbed, fold
from edgeface_train.losses import ops

TRIED_CLIPS = np.linspace(0.3, 1.0, 29)
"""Shares of the largest value seen that a range may end at."""
SAMPLED = 100_000
"""Values of an activation that choose its range."""
PACE = 10.0
"""How much faster the logarithm of a range's stretch learns than a weight."""


class Rounded(layers.Layer):
    """Round activations to 256 levels from `low` to `high`, and learn how far the range reaches."""

    def __init__(self, low: float, high: float, **options: Any) -> None:
        super().__init__(dtype="float32", **options)
        self.low, self.high = low, high
        self.stretch = self.add_weight(shape=(), initializer="zeros", name="stretch")

    def call(self, values: Any) -> Any:
        """Return values of the same shape; gradients pass where values are within the range."""
        reach = tf.exp(PACE * self.stretch)
        return tf.quantization.fake_quant_with_min_max_vars(values, self.low * reach, self.high * reach)


class RoundedKernel(layers.Layer):
    """A convolution or dense layer, normalisation folded in, whose kernel has 255 levels for each output channel.

    The converter finds the levels again, since the kernel's largest value is one of them.
    Source of a range for each channel: Krishnamoorthi 2018, "Quantizing deep convolutional networks for efficient
    inference", section 3.1.
    """

    def __init__(self, layer: Any, norm: Any, **options: Any) -> None:
        super().__init__(dtype="float32", **options)
        kernel, bias = fold(layer, norm)
        self.kernel = self.add_weight(shape=kernel.shape, name="kernel")
        self.bias = self.add_weight(shape=bias.shape, name="bias")
        self.kernel.assign(kernel)
        self.bias.assign(bias)
        self._apply: Callable[[Any, Any], Any] = tf.matmul
        if not isinstance(layer, layers.Dense):
            convolve = ops.depthwise_conv if isinstance(layer, layers.DepthwiseConv2D) else ops.conv
            self._apply = partial(convolve, strides=layer.strides, padding=layer.padding)

    def call(self, values: Any) -> Any:
        """Return what the layer and its normalisation would, but for the rounding of the kernel."""
        by_channel = tf.reshape(self.kernel, (-1, self.bias.shape[0]))
        step = tf.maximum(tf.reduce_max(tf.abs(by_channel), axis=0), 1e-6) / 127
        off = tf.reshape(tf.round(by_channel / step) * step - by_channel, self.kernel.shape)
        return self._apply(values, self.kernel + tf.stop_gradient(off)) + self.bias


class RoundedSum(Rounded):
    """Add two activations and round the sum."""

    def call(self, values: Any) -> Any:
        """Return the rounded sum of two activations."""
        first, second = values
        return super().call(first + second)


def quantised(model: keras.Model, values: npt.NDArray[np.float32]) -> keras.Model:
    """Return a network that gives a trained float32 one's unit embeddings, rounded all along as an int8 file rounds.

    Values are some hundred inputs (n, size, size, 3); on them the range of every activation is chosen, the one that
    rounds with the least squared error.
    """
    raw: Any = keras.Model(model.input, model.get_layer(UNIT).input)
    readers = _readers(raw)
    rounded = [layer for layer in raw.layers if _rounds(layer, readers)]
    observed: Any = keras.Model(raw.input, [layer.output for layer in rounded])
    seen = observed.predict(values, batch_size=64, verbose=0)
    ranges = {layer.name: best_range(value) for layer, value in zip(rounded, seen, strict=True)}

    def rebuilt(layer: Any) -> Any:
        if isinstance(layer, KERNEL_LAYERS):
            return RoundedKernel(layer, readers[id(layer.output)][0])
        if isinstance(layer, layers.Add) and layer.name in ranges:
            return RoundedSum(*ranges[layer.name])
        if layer.name in ranges:
            return Rounded(*ranges[layer.name])
        if isinstance(layer, layers.BatchNormalization):
            return Absorbed()  # its ReLU does the rounding for both, as they are one in the file
        return type(layer).from_config(layer.get_config())

    def called(layer: Any, values: Any, **_: Any) -> Any:
        return layer(values)

    chip = keras.Input(raw.input.shape[1:], name="chip")
    network = keras.models.clone_model(raw, clone_function=rebuilt, call_function=called)
    embedding = network(Rounded(float(values.min()), float(values.max()), trainable=False)(chip))
    return keras.Model(chip, layers.UnitNormalization(axis=-1, name=UNIT)(embedding))


def best_range(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Return the ends of the range in which 256 levels stand for values with the least squared error."""
    sample = np.ravel(values)[:: max(1, values.size // SAMPLED)]
    low, high = min(0.0, float(sample.min())), max(1e-6, float(sample.max()))
    tried = [(low * share, high * share) for share in TRIED_CLIPS]
    return min(tried, key=lambda ends: _squared_error(sample, *ends))


def _squared_error(sample: npt.NDArray[np.float32], low: float, high: float) -> float:
    step = (high - low) / 255
    levels = np.rint((np.clip(sample, low, high) - low) / step)
    return float(np.square(low + levels * step - sample).mean())


def _readers(model: keras.Model) -> dict[int, list[Any]]:
    """Return the layers that read each tensor of a network, by the tensor's id."""
    readers = defaultdict(list)
    every: list[Any] = model.layers
    for layer in every:
        for tensor in layer.input if isinstance(layer.input, list) else [layer.input]:
            readers[id(tensor)].append(layer)
    return readers


def _rounds(layer: Any, readers: dict[int, list[Any]]) -> bool:
    """Tell whether an int8 file rounds what a layer gives: not where a ReLU alone follows, which becomes part of it."""
    if isinstance(layer, layers.ReLU):
        return True
    following = readers[id(layer.output)]
    fused = len(following) == 1 and isinstance(following[0], layers.ReLU)
    return isinstance(layer, layers.BatchNormalization | Absorbed | layers.Add) and not fused

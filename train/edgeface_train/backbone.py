"""Convolutional networks that map a face chip to a point on the unit sphere, built from Glorot-random weights.

Every operation is one that XNNPACK runs in int8 (convolution, depthwise convolution, addition, ReLU, fully
connected); the L2 normalisation comes last and stays in floating point.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
from keras import layers

from edgeface_train.folding import folded

UNIT = "unit"
"""Name of the layer that normalises. What it is given is exported; the device normalises."""


def build(network: Any, *, seed: int, precision: str = "float32") -> keras.Model:
    """Return the network that a recipe's `[network]` section describes, with Glorot (Xavier) uniform weights.

    With precision "bfloat16" all but the embedding computes in bfloat16; the weights stay float32.
    Source of the initialisation: Glorot and Bengio 2010, "Understanding the difficulty of training deep
    feedforward neural networks", eq. 16.
    """
    keras.utils.set_random_seed(seed)
    with _computing_in(precision):
        chip = keras.Input((network.input_size, network.input_size, 3), name="chip")
        features = BACKBONES[network.backbone](chip, network.stem, network.widths, network.depths)
        features = _conv_bn(features, network.head, kernel=1)
        features = _global_depthwise(features)
        features = layers.Dropout(network.dropout)(features) if network.dropout else features
    raw = layers.Dense(network.embedding, use_bias=False, kernel_initializer="glorot_uniform")(features)
    raw = layers.BatchNormalization(momentum=0.9, scale=False, name="embedding")(raw)
    model = keras.Model(chip, layers.UnitNormalization(axis=-1, name=UNIT)(raw), name=network.backbone)
    return folded(model) if network.norm == "folded" else model


def residual(x: Any, stem: int, widths: Sequence[int], depths: Sequence[int]) -> Any:
    """Build two-convolution residual blocks. Source: He et al. 2016, "Deep residual learning", figure 5 left."""
    x = _conv_bn(x, stem, stride=2)
    for width, depth in zip(widths, depths, strict=True):
        for block in range(depth):
            x = _residual_block(x, width, stride=2 if block == 0 else 1)
    return x


def fused(x: Any, stem: int, widths: Sequence[int], depths: Sequence[int]) -> Any:
    """Build inverted residuals with a dense 3x3 expansion. Source: Tan and Le 2021, "EfficientNetV2", figure 2."""
    x = _conv_bn(x, stem, stride=2)
    for width, depth in zip(widths, depths, strict=True):
        for block in range(depth):
            expanded = _conv_bn(x, 2 * x.shape[-1], stride=2 if block == 0 else 1)
            projected = _conv_bn(expanded, width, kernel=1, activate=False)
            x = layers.Add()([x, projected]) if block else projected
    return x


def mobilefacenet(x: Any, stem: int, widths: Sequence[int], depths: Sequence[int]) -> Any:
    """Build depthwise inverted residuals with ReLU. Source: Chen et al. 2018, "MobileFaceNets", table 1."""
    x = _depthwise_bn(_conv_bn(x, stem, stride=2))
    for width, depth in zip(widths, depths, strict=True):
        for block in range(depth):
            expanded = _depthwise_bn(_conv_bn(x, 2 * width, kernel=1), stride=2 if block == 0 else 1)
            projected = _conv_bn(expanded, width, kernel=1, activate=False)
            x = layers.Add()([x, projected]) if block else projected
    return x


BACKBONES: dict[str, Callable[..., Any]] = {
    "residual": residual,
    "fused": fused,
    "mobilefacenet": mobilefacenet,
}


@contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    """Make the layers built meanwhile compute in a precision; Keras offers a switch of the process only."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def multiply_adds(model: keras.Model) -> int:
    """Count the multiply-accumulates of one forward pass through convolutions and dense layers."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)):
            kernel, output = shapes(layer)
            total += math.prod(kernel) * math.prod(output[1:-1])
    return total


def shapes(layer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shapes of a built layer's kernel and output."""
    return tuple(layer.kernel.shape), tuple(layer.output.shape)


def _residual_block(x: Any, width: int, stride: int) -> Any:
    """Pool the shortcut before its 1x1 convolution. Source: He et al. 2019, "Bag of tricks", ResNet-D.

    A strided 1x1 convolution of fewer than 16 channels is also what corrupts memory in oneDNN (its issue 6035).
    """
    out = _conv_bn(_conv_bn(x, width, stride=stride), width, activate=False)
    if stride > 1:
        x = layers.AveragePooling2D(stride)(x)
    if x.shape[-1] != width:
        x = _conv_bn(x, width, kernel=1, activate=False)
    return layers.ReLU()(layers.Add()([out, x]))


def _conv_bn(x: Any, width: int, *, kernel: int = 3, stride: int = 1, activate: bool = True) -> Any:
    x = layers.Conv2D(width, kernel, stride, padding="same", use_bias=False, kernel_initializer="glorot_uniform")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x) if activate else x


def _depthwise_bn(x: Any, *, stride: int = 1) -> Any:
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, depthwise_initializer="glorot_uniform")(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def _global_depthwise(x: Any) -> Any:
    """Weigh each place of the last feature map by channel. Source: "MobileFaceNets", section 3.1."""
    x = layers.DepthwiseConv2D(x.shape[1:3], use_bias=False, depthwise_initializer="glorot_uniform")(x)
    return layers.Flatten()(layers.BatchNormalization(momentum=0.9)(x))

"""Take batch normalisations into the convolutions and dense layers before them, as a file for a device has them.

Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
inference", section 3.2.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

KERNEL_LAYERS = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)


class Absorbed(layers.Layer):
    """Stand where a normalisation stood that the layer before it has taken in."""

    def call(self, values: Any) -> Any:
        """Return the values as they are."""
        return values


def folded(model: keras.Model) -> keras.Model:
    """Return a network whose convolutions and dense layers do what the normalisations behind them did in use.

    A step of it takes less time, as nothing is counted over the places of a batch; the price is that nothing keeps
    activations in bounds, so it has to begin from weights that do.
    """
    pairs = list(with_norms(model))
    absorbed = {id(norm) for _, norm in pairs}

    def rebuilt(layer: Any) -> Any:
        if id(layer) in absorbed:
            return Absorbed(name=layer.name, dtype=layer.dtype_policy.name)
        more = {"use_bias": True} if isinstance(layer, KERNEL_LAYERS) else {}
        return type(layer).from_config({**layer.get_config(), **more})

    def called(layer: Any, values: Any, **_: Any) -> Any:
        return layer(values)

    network: Any = keras.models.clone_model(model, clone_function=rebuilt, call_function=called)
    for layer, norm in pairs:
        kernel, bias = fold(layer, norm)
        network.get_layer(layer.name).kernel.assign(kernel)
        network.get_layer(layer.name).bias.assign(bias)
    return network


def fold(layer: Any, norm: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return kernel and bias of the one layer that computes what a layer and what stands behind it do."""
    kernel = np.asarray(layer.kernel)
    if isinstance(norm, Absorbed):
        return kernel, np.asarray(layer.bias)
    scale = 1 / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        scale = scale * np.asarray(norm.gamma)
    spread = scale[:, np.newaxis] if isinstance(layer, layers.DepthwiseConv2D) else scale
    return kernel * spread, np.asarray(norm.beta) - np.asarray(norm.moving_mean) * scale


def with_norms(model: keras.Model) -> Iterator[tuple[Any, Any]]:
    """Yield each layer that has a kernel with its normalisation or the `Absorbed`, in the order of the network."""
    every: list[Any] = model.layers
    behind = {id(layer.input): layer for layer in every if isinstance(layer, layers.BatchNormalization | Absorbed)}
    for layer in every:
        if isinstance(layer, KERNEL_LAYERS):
            yield layer, behind[id(layer.output)]

"""Begin from trained weights instead of random ones: those of a run, or of the floating-point file of a bundle.

A TFLite file holds each convolution with its batch normalisation folded in. A network that has none takes them as
they are. In one that has them the two are taken apart again: the normalisation gets the statistics that its input has
on real chips, and the scale and shift that undo them, so that the network gives the file's vectors to begin with, and
has something to adapt.
"""

import importlib
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from edgeface.card import CARD_NAME, Bundle, find_bundle, read_bundle
from edgeface.core.prepare import normalise
from edgeface.drivers.runtime import load
from edgeface.errors import ConfigError
from edgeface.settings import read_section
from edgeface_train.backbone import build
from edgeface_train.fit import restore_weights
from edgeface_train.folding import Absorbed, fold, with_norms
from edgeface_train.journal import CHECKPOINT, LOG, RECIPE, load_checkpoint, read_log
from edgeface_train.recipe import Network

PRECISE = ("float32", "float16")
"""Variants that training can go on from."""
BEGIN_CHIPS = 400
"""Chips that are enough to find the statistics of a bundle's network again."""
CONFIRMED, LEAST_COSINE = 8, 0.99
"""Inputs on which a network must give the vectors of the file it began from, and how nearly."""
SETTLING = 40
"""Passes after which a network's statistics are those of the chips that it was shown."""
EPSILON = 1e-3
"""Of every batch normalisation, Keras's default."""

Kernel = npt.NDArray[np.float32]


class Folded(NamedTuple):
    """A convolution or dense layer as a TFLite file has it."""

    kernel: Kernel
    """In Keras's layout."""
    bias: npt.NDArray[np.float32]


def begin_from(model: keras.Model, start: str, values: npt.NDArray) -> str:
    """Give a network the weights of a run's folder, a bundle's folder, or "default", the bundle of the package.

    `values` are some hundred inputs (n, size, size, 3), on which statistics are found again where the network has any.
    Return what it was, back to the first beginning, for the log and the card.
    Raise ConfigError where there are no such weights, or they are of another network.
    """
    folder = find_bundle(start)
    if (folder / CHECKPOINT).exists():
        _restore(model, folder, values, start)
        return ", from ".join([f"run {folder.name}", *began_from(read_log(folder / LOG))])
    if (folder / CARD_NAME).exists():
        bundle = read_bundle(folder)
        variant = _precise(bundle)
        content = bundle.read_model(variant)
        unfold(model, list(folded_layers(content)), values, start)
        confirm(model, content, values, start)
        return f"bundle {bundle.card.name} of {bundle.card.created}, SHA-256 {bundle.variant(variant).sha256}"
    raise ConfigError(
        f"network.start is {start!r}, which is neither a run nor a bundle",
        hint='give a folder that `edgeface train` or `edgeface export` made, or "default"',
    )


def _restore(model: keras.Model, run: Path, values: npt.NDArray, start: str) -> None:
    """Give a network the weights of a run, whose normalisations it may lack or have where the run has none."""
    _, arrays = load_checkpoint(run)
    if _fit(model, arrays):
        restore_weights(model, arrays)
        return
    if not (run / RECIPE).exists():
        raise _another_network(start)
    kept = json.loads((run / RECIPE).read_text(encoding="utf-8"))["network"]
    trained = build(read_section(Network, kept, source=str(run / RECIPE)), seed=1)
    restore_weights(trained, arrays)
    unfold(model, [Folded(*fold(layer, norm)) for layer, norm in with_norms(trained)], values, start)


def _fit(model: keras.Model, arrays: dict[str, npt.NDArray]) -> bool:
    """Tell whether the arrays of a checkpoint are the weights of a network of this form."""
    shapes = [arrays[f"w{place}"].shape if f"w{place}" in arrays else () for place in range(len(model.variables))]
    return shapes == [tuple(variable.shape) for variable in model.variables]


def begin_from_all(model: keras.Model, starts: Sequence[str], values: npt.NDArray) -> str:
    """Give a network the mean of the weights of runs or bundles that began from one another, or from one start.

    Its statistics, if any, are found again on `values`, as the mean of statistics is not that of the mean network.
    Return what they were, and raise ConfigError, as `begin_from` does for one.
    Source: Wortsman et al. 2022, "Model soups".
    """
    sources, totals = [], [np.zeros(variable.shape) for variable in model.variables]
    for start in starts:
        sources.append(begin_from(model, start, values))
        totals = [total + np.asarray(variable) for total, variable in zip(totals, model.variables, strict=True)]
    if len(starts) == 1:
        return sources[0]
    for variable, total in zip(model.variables, totals, strict=True):
        variable.assign((total / len(starts)).astype(variable.dtype))
    if not any(isinstance(norm, Absorbed) for _, norm in with_norms(model)):
        for _ in range(SETTLING):
            model(values, training=True)
    return f"the mean of {len(starts)}: {'; '.join(sources)}"


def began_from(entries: Iterable[dict[str, Any]]) -> list[str]:
    """Return what a run's log says it began from: one text, or none where it began from random weights."""
    return [entry["source"] for entry in entries if entry["event"] == "begin"]


def folded_layers(content: bytes) -> Iterator[Folded]:
    """Yield the convolutions and dense layers of a floating-point TFLite file, in the order in which they run."""
    schema: Any = importlib.import_module("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    [graph] = model.subgraphs
    layouts = _layouts(schema)
    widened = {}
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)
        if kind == schema.BuiltinOperator.DEQUANTIZE:
            widened[operator.outputs[0]] = operator.inputs[0]
        elif kind in layouts:
            constants = (graph.tensors[widened.get(place, place)] for place in operator.inputs[1:3])
            kernel, bias = (_constant(model, tensor, schema) for tensor in constants)
            yield Folded(layouts[kind](kernel), bias)


def unfold(model: keras.Model, given: list[Folded], values: npt.NDArray, start: str) -> None:
    """Set each layer and the batch normalisation behind it, if any, to compute together what the folded layer does.

    Layers are paired by the shape of their kernels; those of one shape stand in a row in our backbones, where both
    lists have one order. Where the network has more blocks in a part than the file, the last ones add nothing until
    they have learnt to: the scale of what they add is zero, or the kernel where nothing scales.
    Source of that: Goyal et al. 2017, "Accurate, large minibatch SGD", section 5.1.
    """
    waiting: dict[tuple[int, ...], deque[Folded]] = defaultdict(deque)
    for layer in given:
        waiting[layer.kernel.shape].append(layer)
    known = set(waiting)
    added_to = {id(tensor) for layer in model.layers if isinstance(layer, layers.Add) for tensor in layer.input}
    for layer, norm in with_norms(model):
        shape = tuple(layer.kernel.shape)
        if shape not in known:
            raise _another_network(start)
        bare = isinstance(norm, Absorbed)
        if not waiting[shape]:
            if id(norm.output) in added_to:
                for variable in (layer.kernel, layer.bias) if bare else (norm.gamma, norm.beta):
                    variable.assign(np.zeros(variable.shape))
            continue
        kernel, bias = waiting[shape].popleft()
        layer.kernel.assign(kernel)
        if bare:
            layer.bias.assign(bias)
            continue
        outputs = np.asarray(keras.Model(model.input, layer.output)(values), np.float32)
        places = tuple(range(outputs.ndim - 1))
        mean, variance = outputs.mean(places, dtype=np.float64), outputs.var(places, dtype=np.float64)
        norm.moving_mean.assign(mean)
        norm.beta.assign(bias + mean)
        if norm.scale:
            norm.moving_variance.assign(variance)
            norm.gamma.assign(np.sqrt(variance + EPSILON))
        else:
            norm.moving_variance.assign(np.full_like(variance, 1 - EPSILON))
    if any(waiting.values()):
        raise _another_network(start)


def confirm(model: keras.Model, content: bytes, values: npt.NDArray, start: str) -> None:
    """Refuse a network that does not give a file's vectors: its layers were paired wrongly."""
    file, few = load(content), values[:CONFIRMED].astype(np.float32)
    wanted = normalise(np.concatenate([file.run(value[np.newaxis]) for value in few]))
    if not np.sum(np.asarray(model(few)) * wanted, axis=1).mean() > LEAST_COSINE:
        raise _another_network(start)


def _precise(bundle: Bundle) -> str:
    for variant in PRECISE:
        if variant in bundle.card.files:
            return variant
    raise ConfigError(
        f"bundle {bundle.card.name} has no floating-point file to go on from",
        hint='export it with "float16" in export.variants',
    )


def _layouts(schema: Any) -> dict[int, Callable[[Kernel], Kernel]]:
    """Return, by kind of operator, how its kernel becomes Keras's."""
    operator = schema.BuiltinOperator
    return {
        operator.CONV_2D: lambda kernel: kernel.transpose(1, 2, 3, 0),
        operator.DEPTHWISE_CONV_2D: lambda kernel: kernel.transpose(1, 2, 3, 0),
        operator.FULLY_CONNECTED: np.transpose,
    }


def _constant(model: Any, tensor: Any, schema: Any) -> npt.NDArray[np.float32]:
    dtype = np.float16 if tensor.type == schema.TensorType.FLOAT16 else np.float32
    return np.frombuffer(bytes(model.buffers[tensor.buffer].data), dtype).reshape(tensor.shape).astype(np.float32)


def _another_network(start: str) -> ConfigError:
    return ConfigError(
        f"the weights of {start!r} are of another network than the recipe's",
        hint="give [network] the backbone, widths and depths that they were trained with",
    )

"""Turn a trained run into a bundle: convert, run every file through the device's own embedder, measure, write.

Nothing is written when a file is farther from the trained network than the recipe allows.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from edgeface.card import Card, Variant, encode_png
from edgeface.core.align import TEMPLATE
from edgeface.core.metrics import rates_at, similarity_pairs, tar_at_far, threshold_at_far
from edgeface.core.prepare import InputSpec, crop_centre, to_input
from edgeface.core.types import Image, Vector
from edgeface.drivers.embedder import run_chip
from edgeface.drivers.runtime import load
from edgeface.errors import TrainingError
from edgeface_train.alarm import spread
from edgeface_train.backbone import UNIT
from edgeface_train.batches import embed_chips
from edgeface_train.chips import ChipSet
from edgeface_train.recipe import Export, Recipe

FALSE_ACCEPT_RATES = ("0.01", "0.001")
DRIFT_RATE = "0.001"
"""At which the int8 file is held against the trained network."""
GENUINE_PAIRS, IMPOSTOR_PAIRS = 300, 10_000
"""Held-out pairs, at least, that tell how rates move there: ten of the impostors are to be accepted."""
GOLDEN_FLOAT, GOLDEN_INT8 = 0.999, 0.98
"""How near a device must come to the golden vector: runtimes round floats alike and integers nearly so."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that passed, not yet written."""

    card: Card
    models: dict[str, bytes]


def export(
    recipe: Recipe,
    model: Any,
    train: ChipSet,
    held_out: ChipSet,
    *,
    name: str,
    training: dict[str, Any],
    report: Callable[[str], None],
) -> Exported:
    """Convert a trained Keras model to every variant of the recipe and measure each file on held-out chips.

    Raise TrainingError when a file is farther from the Keras model than the recipe's bounds.
    """
    spec = input_of(recipe)
    chips = crop_centre(held_out.images, spec.size)
    truth = embed_chips(model, chips, spec)
    if not spread(truth) >= 0.05:
        raise TrainingError(
            f"the network has collapsed: mean squared distance {spread(truth):.4f} between held-out chips",
            hint="train again with a lower learning rate; every fidelity figure of it would look perfect",
        )
    golden = golden_chip(train, spec.size)
    models, files = {}, {}
    for variant in recipe.export.variants:
        report(f"{variant}: converting")
        content = convert(_rounded(model, recipe, train, report) if variant == "int8" else model, variant, spec)
        report(f"{variant}: {len(content) / 1e6:.2f} MB, embedding {len(chips)} held-out chips on the device's runtime")
        tflite = load(content)
        vectors = np.stack([run_chip(tflite, spec, chip) for chip in chips])
        fidelity = np.sum(vectors * truth, axis=1)
        measured = measure(vectors, held_out, fidelity)
        least = recipe.export.min_cosine_int8 if variant == "int8" else recipe.export.min_cosine_float
        _refuse_infidelity(variant, fidelity, least)
        if variant == "int8":
            moved = drift(vectors, truth, held_out)
            refuse_loss(recipe.export, measured["p01_cosine"], moved)
            report(f"int8: {describe_drift(moved)}")
            measured |= moved
        models[variant] = content
        files[variant] = _variant(variant, content, run_chip(tflite, spec, golden), measured)
        report(f"{variant}: " + ", ".join(f"{key} {value:.4f}" for key, value in files[variant].measured.items()))
    return Exported(_card(recipe, name, training, golden, files), models)


def input_of(recipe: Recipe) -> InputSpec:
    """Return how a device is to feed the network of a recipe."""
    return InputSpec(size=recipe.network.input_size, mirror=recipe.export.mirror)


def convert(model: Any, variant: str, spec: InputSpec) -> bytes:
    """Return a TFLite file with a static batch of one, without the final normalisation (the device does it).

    For int8 the model is one that `quantised` rebuilt: the file's ranges are in it.
    The name of its input says whether chips are mirrored too: a gallery knows a file by its digest, and may not mix.
    """
    import keras
    import tensorflow as tf

    raw = keras.Model(model.input, model.get_layer(UNIT).input)
    signature = tf.TensorSpec(
        (1, spec.size, spec.size, 3), tf.float32, name="chip_and_mirror" if spec.mirror else "chip"
    )
    with TemporaryDirectory() as saved:
        raw.export(saved, format="tf_saved_model", input_signature=[signature], verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(saved)
        if variant != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if variant == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if variant == "int8":
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return converter.convert()


def _rounded(model: Any, recipe: Recipe, train: ChipSet, report: Callable[[str], None]) -> Any:
    """Return the network of the int8 file, tuned to its rounding where the recipe says so."""
    from edgeface_train.fine_tune import fine_tune
    from edgeface_train.quantised import quantised

    network = quantised(model, to_input(calibration_chips(train, recipe), input_of(recipe)))
    if recipe.export.fine_tune:
        fine_tune(network, model, train, recipe, report)
    return network


def calibration_chips(train: ChipSet, recipe: Recipe) -> Image:
    """Draw the chips that set the int8 ranges, one a person while there are people."""
    rng = np.random.default_rng(recipe.seed)
    order = rng.permutation(len(train))
    _, first = np.unique(train.people[order], return_index=True)
    rest = np.setdiff1d(np.arange(len(order)), first)
    chosen = order[np.concatenate([rng.permutation(first), rest])[: recipe.export.calibration]]
    return crop_centre(train.images[np.sort(chosen)], recipe.network.input_size)


def golden_chip(train: ChipSet, size: int) -> Image:
    """Return the average of up to 500 chips: a face, but nobody's."""
    step = max(1, len(train) // 500)
    return np.rint(crop_centre(train.images[::step], size).mean(axis=0)).astype(np.uint8)


def measure(vectors: Vector, people: ChipSet, fidelity: Vector) -> dict[str, float]:
    """Return fidelity to the trained network and accuracy over all pairs of the held-out people."""
    genuine, impostor = similarity_pairs(vectors, people.people)
    measured = {"median_cosine": float(np.median(fidelity)), "p01_cosine": float(np.percentile(fidelity, 1))}
    for rate in FALSE_ACCEPT_RATES:
        measured[f"tar_at_far_{rate}"] = float(tar_at_far(genuine, impostor, float(rate))[0])
    for rate in FALSE_ACCEPT_RATES:
        measured[f"threshold_{rate}"] = float(threshold_at_far(impostor, float(rate)))
    return measured


def drift(vectors: Vector, truth: Vector, people: ChipSet) -> dict[str, float]:
    """Return how (n, size) vectors of a file differ from those of the trained network at a false-accept rate of 1e-3.

    `tar_loss_0.001`: true accepts lost, as a share, each judged at its own threshold; below 0 they are won.
    `far_at_reference_threshold`: the file's false-accept rate at the trained network's threshold.
    Nothing where the held-out people give too few pairs to tell.
    """
    genuine, impostor = similarity_pairs(vectors, people.people)
    if len(genuine) < GENUINE_PAIRS or len(impostor) < IMPOSTOR_PAIRS:
        return {}
    rate = float(DRIFT_RATE)
    trained = tar_at_far(*similarity_pairs(truth, people.people), rate)
    return {
        f"tar_loss_{DRIFT_RATE}": trained.tar - tar_at_far(genuine, impostor, rate).tar,
        "far_at_reference_threshold": rates_at(genuine, impostor, trained.threshold).far,
    }


def describe_drift(moved: dict[str, float]) -> str:
    """Return in a line what `drift` found."""
    if not moved:
        return (
            f"too few held-out people to tell how rates move at FAR {DRIFT_RATE}: "
            f"{GENUINE_PAIRS} pairs of one person and {IMPOSTOR_PAIRS:,} of two are needed"
        )
    return (
        f"one threshold for both, the trained network's for FAR {DRIFT_RATE}, "
        f"gives the file FAR {moved['far_at_reference_threshold']:.5f}"
    )


def refuse_loss(bounds: Export, low: float, moved: dict[str, float]) -> None:
    """Refuse an int8 file of which too many chips, or true accepts, are lost; `low` is the cosines' 1st percentile."""
    what = ""
    if not low >= bounds.min_cosine_int8_low:
        what = f"1st percentile of cosines {low:.4f}, under the bound of {bounds.min_cosine_int8_low:.4f}"
    elif moved and not (lost := moved[f"tar_loss_{DRIFT_RATE}"]) <= bounds.max_tar_loss_int8:
        what = f"TAR at FAR {DRIFT_RATE} falls by {lost:.4f}, over the bound of {bounds.max_tar_loss_int8:.4f}"
    if what:
        raise TrainingError(
            f"the int8 file is too far from the trained network: {what}",
            hint="tune it to its rounding, or with more chips than it was: `edgeface train RECIPE --data DIR --out RUN "
            f"--resume -o export.fine_tune={max(19200, 2 * bounds.fine_tune)}`, then `edgeface export` again",
        )


def _refuse_infidelity(variant: str, fidelity: Vector, least: float) -> None:
    median = float(np.median(fidelity))
    if not median >= least:
        raise TrainingError(
            f"the {variant} file is too far from the trained network: median cosine {median:.4f}, "
            f"{least - median:.4f} under the bound of {least:.4f}",
            hint="tune it to its rounding (export.fine_tune = 19200), raise export.calibration, or go without it: "
            'export.variants = ["float16"] and export.default_variant = "float16"',
        )


def _variant(name: str, content: bytes, golden: Vector, measured: dict[str, float]) -> Variant:
    return Variant(
        path=f"model-{name}.tflite",
        sha256=sha256(content).hexdigest(),
        bytes=len(content),
        thresholds={rate: measured.pop(f"threshold_{rate}") for rate in FALSE_ACCEPT_RATES},
        golden_vector=[round(float(value), 6) for value in golden],
        golden_cosine=GOLDEN_INT8 if name == "int8" else GOLDEN_FLOAT,
        measured={key: round(value, 5) for key, value in measured.items()},
    )


def _card(recipe: Recipe, name: str, training: dict[str, Any], golden: Image, files: dict[str, Variant]) -> Card:
    _, png = cv2.imencode(".png", golden[..., ::-1])
    return Card(
        name=name,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        embedding_size=recipe.network.embedding,
        input=input_of(recipe),
        landmarks=TEMPLATE.tolist(),
        golden_chip=encode_png(png.tobytes()),
        default_variant=recipe.export.default_variant,
        files=files,
        training=training,
        licence=recipe.export.licence,
        intended_use=recipe.export.intended_use,
    )

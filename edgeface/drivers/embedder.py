"""Embed chips with the TFLite file of a bundle, exactly as the card says, after proving that this runtime agrees."""

import base64
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgeface.card import Bundle, Variant
from edgeface.core.prepare import InputSpec, dequantise, normalise, quantise, to_input, views
from edgeface.core.types import Embedding, Image, Vector
from edgeface.drivers.png import decode_png, png_size
from edgeface.drivers.runtime import Model, load
from edgeface.errors import CardMismatch, ModelError


class TfliteEmbedder:
    """The embedder of a device.

    The bundle's golden chip is embedded first: a runtime that gives another vector than the one recorded at
    export would fill galleries with vectors that nothing else can compare, so it is refused with ModelError.
    """

    def __init__(self, bundle: Bundle, *, variant: str = "", runtime: str = "auto", threads: int = 1) -> None:
        self._spec = bundle.card.input
        self._file = bundle.variant(variant)
        path = bundle.folder / self._file.path
        self._model = load(bundle.read_model(variant), runtime=runtime, threads=threads, name=str(path))
        _check_shapes(self._model, self._spec, bundle.card.embedding_size)
        self.golden_similarity = self._prove_golden(bundle.card.golden_chip, self._file)

    def __repr__(self) -> str:
        return f"TfliteEmbedder({self._file.path}, {self._model.family})"

    @property
    def model(self) -> str:
        """SHA-256 of the model file."""
        return self._file.sha256

    @property
    def runtime(self) -> str:
        """The runtime family in use."""
        return self._model.family

    def embed(self, chips: Sequence[Image]) -> list[Embedding]:
        """Embed upright RGB chips; a border around the network's input size is cut off."""
        return [Embedding(vector, self.model) for vector in map(self._vector, chips)]

    def _vector(self, chip: Image) -> Vector:
        return run_chip(self._model, self._spec, chip)

    def _prove_golden(self, golden_chip: str, variant: Variant) -> float:
        chip = decode_chip(golden_chip)
        if min(chip.shape[:2]) < self._spec.size:
            raise CardMismatch(
                f"the card's golden chip has {chip.shape[1]}x{chip.shape[0]} px, its input {self._spec.size}",
                hint="write it again with `edgeface export`",
            )
        similarity = float(self._vector(chip) @ np.asarray(variant.golden_vector, np.float32))
        if not similarity >= variant.golden_cosine:
            raise ModelError(
                f"{self._model.family} does not reproduce the golden vector of {variant.path}: "
                f"cosine {similarity:.4f}, at least {variant.golden_cosine:.4f} is needed",
                hint='set recognition.variant = "float16", or install ai-edge-litert',
            )
        return similarity


MAX_CHIP_PX = 2048
"""Twice the largest input that a card may name."""
LARGEST = 1e15
"""Of a number in an embedding before it is of unit length: squares of larger ones leave float32."""


def run_chip(model: Model, spec: InputSpec, chip: Image) -> Vector:
    """Return the unit vector, (size,), of one chip, (H, W, 3) RGB."""
    return normalise(np.sum([_run(model, to_input(view, spec)) for view in views(chip[np.newaxis], spec)], axis=0))


def _run(model: Model, values: npt.NDArray[np.float32]) -> Vector:
    """Return the unit vector, (size,), of what the network is fed with, (1, side, side, 3)."""
    if model.input.scale:
        values = quantise(values, model.input.scale, model.input.zero_point, model.input.dtype)
    output = model.run(values)[0]
    if model.output.scale:
        output = dequantise(output, model.output.scale, model.output.zero_point)
    if np.abs(output).max() >= LARGEST:
        raise ModelError(
            "the model gives numbers that no embedding has", hint="copy the bundle again, or export it anew"
        )
    return normalise(output.astype(np.float32))


def decode_chip(text: str) -> Image:
    """Return the RGB picture that a card holds as a PNG in base64. Raise CardMismatch when it is none.

    Its size is taken from the header and judged before anything is decoded; no other decoder is reached.
    """
    again = "write it again with `edgeface export`"
    try:
        encoded = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise CardMismatch(f"the card's golden chip is not base64 text: {error}", hint=again) from error
    size = png_size(encoded)
    if size is None or not all(1 <= side <= MAX_CHIP_PX for side in size):
        raise CardMismatch(
            f"the card's golden chip is not a picture: a PNG of at most {MAX_CHIP_PX} px a side is needed", hint=again
        )
    picture = decode_png(encoded)
    if picture is None:
        raise CardMismatch("the card's golden chip is not a picture", hint=again)
    return picture


def _check_shapes(model: Model, spec: InputSpec, embedding_size: int) -> None:
    wanted_in, wanted_out = (1, spec.size, spec.size, 3), (1, embedding_size)
    if model.input.shape != wanted_in or model.output.shape != wanted_out:
        raise CardMismatch(
            f"the model maps {model.input.shape} to {model.output.shape}, its card says {wanted_in} to {wanted_out}",
            hint="copy the whole bundle again; its files belong together",
        )

"""Try the model that comes with edgeface on a real photograph: a public-domain portrait out of scikit-image."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from edgeface.card import CARD_NAME, SHIPPED_BUNDLE, read_bundle
from edgeface.core.decision import Policy
from edgeface.core.types import Image
from edgeface.drivers.detectors.yunet import YuNet
from edgeface.drivers.embedder import TfliteEmbedder
from edgeface.drivers.photos import read_photo
from edgeface.drivers.store import Gallery
from edgeface.errors import PoorPhoto
from edgeface_train.trial import Eyes, Photo, probe

SITTER = "Eileen Collins"
"""NASA's portrait of the astronaut, `skimage.data.astronaut()`."""
FAR = 0.001


def portrait_lines(strangers: Sequence[Path]) -> list[str]:
    """Enrol the portrait, recognise spoilt copies of it and the strangers; return what happened, line by line.

    Without a shipped model or without scikit-image it is one line with the reason.
    """
    if not (SHIPPED_BUNDLE / CARD_NAME).is_file():
        return [f"skipped: no model comes with this copy of edgeface ({SHIPPED_BUNDLE})"]
    try:
        from skimage import data
    except ImportError:
        return ["skipped: the portrait is in scikit-image, pip install 'edgeface[demo]'"]
    bundle = read_bundle(SHIPPED_BUNDLE)
    embedder = TfliteEmbedder(bundle)
    eyes = Eyes(YuNet(), embedder)
    policy = Policy(threshold=bundle.threshold(FAR))
    portrait = np.asarray(data.astronaut(), np.uint8)
    lines = [f"{SITTER} is enrolled from one photograph; a name needs a cosine of {policy.threshold:.2f}"]
    with tempfile.TemporaryDirectory() as temporary, Gallery(Path(temporary) / "one.db", embedder.model) as people:
        people.add(SITTER, [eyes.look(portrait)[1]])

        def said(image: Image) -> tuple[str, float]:
            try:
                face, embedding = eyes.look(image)
            except PoorPhoto as error:
                return error.message, float("nan")
            look = probe(Photo(SHIPPED_BUNDLE, SITTER), face, people.nearest(embedding, 2), policy)
            return look.said or "nobody known", look.similarity

        for name, spoil in SPOILT.items():
            verdict, similarity = said(spoil(portrait))
            lines.append(f"  {name:<28} {similarity:6.3f}  {verdict}")
        others = [said(read_photo(path)) for path in strangers]
    named = sum(verdict == SITTER for verdict, _ in others)
    highest = max((similarity for _, similarity in others if similarity == similarity), default=float("nan"))
    lines.append(f"  {len(others)} drawn strangers           {highest:6.3f}  at most; {named} of them named {SITTER}")
    return lines


def _resized(image: Image, factor: float) -> Image:
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def _relit(image: Image, gain: float, gamma: float) -> Image:
    return np.clip(255 * gain * (image / 255.0) ** gamma, 0, 255).astype(np.uint8)


def _turned(image: Image, degrees: float) -> Image:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _compressed(image: Image, quality: int) -> Image:
    # Red passes for blue both ways; at this quality it makes no difference.
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)


def _lit_from_the_side(image: Image) -> Image:
    slope = np.linspace(0.25, 1.25, image.shape[1])[np.newaxis, :, np.newaxis]
    return np.clip(image * slope, 0, 255).astype(np.uint8)


SPOILT: dict[str, Callable[[Image], Image]] = {
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "a quarter of the size": lambda image: _resized(image, 0.25),
    "dim": lambda image: _relit(image, 0.45, 1.3),
    "glaring": lambda image: _relit(image, 1.5, 0.8),
    "lit from one side": _lit_from_the_side,
    "head tilted by 20 degrees": lambda image: _turned(image, 20),
    "out of focus": lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), 3), np.uint8),
    "grey": lambda image: np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., np.newaxis], 3, 2).astype(np.uint8),
    "JPEG of quality 12": lambda image: _compressed(image, 12),
}
"""What a camera, a phone and a website do to a photograph."""

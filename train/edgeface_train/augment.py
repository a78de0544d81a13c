"""Vary chips the way cameras and detectors do: moved, relit, blurred, small, grey, compressed, partly hidden."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edgeface.core.prepare import crop_centre
from edgeface.core.types import Image
from edgeface_train.recipe import Augment

Chip = npt.NDArray[Any]
"""A uint8 picture between two OpenCV calls, whose stubs promise no type."""


def augment(chips: Image, size: int, settings: Augment, seeds: npt.NDArray[np.uint64]) -> Image:
    """Return varied (n, size, size, 3) uint8 copies of (n, >= size, >= size, 3) chips, each as its seed says."""
    out = np.empty((len(chips), size, size, 3), np.uint8)
    for place, (chip, seed) in enumerate(zip(chips, seeds, strict=True)):
        rng = np.random.default_rng(seed)
        moved = _move(chip, size, settings, rng)
        out[place] = _camera(_light(moved, settings, rng), settings, rng)
    return out


def plain(chips: Image, size: int) -> Image:
    """Return the middle (n, size, size, 3) of the chips, unchanged."""
    return crop_centre(chips, size)


def _move(chip: Chip, size: int, settings: Augment, rng: np.random.Generator) -> Chip:
    """Shift, turn, zoom and mirror in one warp about the chip's middle."""
    shift = rng.uniform(-settings.shift, settings.shift, 2)
    angle, scale = rng.uniform(-settings.turn, settings.turn), 1 + rng.uniform(-settings.zoom, settings.zoom)
    mirror = settings.flip and rng.random() < 0.5
    middle = (chip.shape[1] - 1) / 2, (chip.shape[0] - 1) / 2
    matrix = cv2.getRotationMatrix2D(middle, angle, scale)
    matrix[:, 2] += (size - chip.shape[1]) / 2 + shift
    if mirror:
        matrix[0] = -matrix[0]
        matrix[0, 2] += size - 1
    return cv2.warpAffine(chip, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _light(chip: Chip, settings: Augment, rng: np.random.Generator) -> Chip:
    """Change contrast, brightness and the colour of the light; sometimes drop colour altogether."""
    contrast = 1 + rng.uniform(-settings.light, settings.light)
    offset = 255 * rng.uniform(-settings.light, settings.light) / 2
    tint = 1 + rng.uniform(-settings.colour, settings.colour, 3)
    steps = np.arange(256, dtype=np.float32)[:, np.newaxis]
    table = np.clip(((steps - 127.5) * contrast + 127.5 + offset) * tint, 0, 255).astype(np.uint8)
    lit = cv2.LUT(chip, np.ascontiguousarray(table[np.newaxis]))
    if rng.random() < settings.grey:
        lit = cv2.cvtColor(cv2.cvtColor(lit, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return lit


def _camera(chip: Chip, settings: Augment, rng: np.random.Generator) -> Chip:
    """Lose detail as a small sensor, a wrong focus, motion, a codec or a hand before the face do."""
    size = chip.shape[0]
    if rng.random() < settings.low_resolution:
        small = int(rng.integers(size // 5, size // 2))
        chip = cv2.resize(chip, (small, small), interpolation=cv2.INTER_AREA)
        chip = cv2.resize(chip, (size, size), interpolation=cv2.INTER_LINEAR)
    if rng.random() < settings.blur:
        chip = _motion(chip, rng) if rng.random() < 0.5 else cv2.GaussianBlur(chip, (0, 0), rng.uniform(0.5, 2.0))
    if rng.random() < settings.noise:
        grain = rng.normal(0, rng.uniform(3, 15), chip.shape)
        chip = np.clip(chip + grain, 0, 255).astype(np.uint8)
    if rng.random() < settings.jpeg:
        _, encoded = cv2.imencode(".jpg", chip, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])
        chip = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    if rng.random() < settings.occlusion:
        chip = chip.copy()
        top = int(rng.uniform(0.55, 0.75) * size)
        chip[top:] = rng.integers(0, 256, 3)
    return chip


def _motion(chip: Chip, rng: np.random.Generator) -> Chip:
    length = int(rng.integers(3, 9))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    middle = (length - 1) / 2
    turned = cv2.warpAffine(kernel, cv2.getRotationMatrix2D((middle, middle), rng.uniform(0, 180), 1), (length, length))
    return cv2.filter2D(chip, -1, np.asarray(turned, np.float32) / max(float(np.sum(turned)), 1e-6))

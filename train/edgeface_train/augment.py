"""Vary chips the way cameras and detectors do: moved, relit, blurred, small, grey, dark, compressed, partly hidden.

What is done to each chip is drawn here, in arrays; it is done here too, with OpenCV, or by the network's own device
(`vary.py`).
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from edgeface.core.types import Image
from edgeface_train.night import Night, at_night, draw_night
from edgeface_train.recipe import Augment

Chip = npt.NDArray[Any]
"""A uint8 picture between two OpenCV calls, whose stubs promise no type."""

KERNEL = 9
"""Side of the filters that blur, in pixels."""
BEST = 100
"""JPEG quality that stands for no compression."""


class Variations(NamedTuple):
    """What is done to each of n chips, in this order."""

    moves: npt.NDArray[np.float32]
    """(n, 2, 3) from a place in the chip to its place in the result, (x, y) in pixels."""
    gains: npt.NDArray[np.float32]
    """(n, 3) factors of the colours."""
    offsets: npt.NDArray[np.float32]
    """(n, 3) added to the colours."""
    grey: npt.NDArray[np.bool_]
    """(n,) whether all colour is lost."""
    sides: npt.NDArray[np.int32]
    """(n,) pixels a side that detail is reduced to; that of the result where nothing is lost."""
    filters: npt.NDArray[np.float32]
    """(n, KERNEL, KERNEL) weights that blur."""
    grains: npt.NDArray[np.float32]
    """(n,) deviation of the noise, of 255."""
    qualities: npt.NDArray[np.int32]
    """(n,) of the JPEG compression; BEST where there is none."""
    tops: npt.NDArray[np.int32]
    """(n,) first row of what hides the rest; the side of the result where nothing does."""
    covers: npt.NDArray[np.float32]
    """(n, 3) its colour."""
    seeds: npt.NDArray[np.uint64]
    """(n,) of the noise, where OpenCV and NumPy vary the chips."""
    night: Night
    """How they are seen at night, between the filters and the noise."""

    def part(self, own: slice | int) -> "Variations":
        """Return those of some of the chips, or of one."""
        return Variations._make(values.part(own) if isinstance(values, Night) else values[own] for values in self)


def draw_variations(count: int, side: int, size: int, settings: Augment, rng: np.random.Generator) -> Variations:
    """Draw how `count` chips of `side` pixels become ones of `size` pixels."""

    def chosen(share: float) -> npt.NDArray[np.bool_]:
        return rng.random(count) < share

    def between(low: float, high: float, *shape: int) -> npt.NDArray[np.float32]:
        return rng.uniform(low, high, (count, *shape)).astype(np.float32)

    gains, offsets = _light(between, settings)
    moves = _moves(between, chosen(0.5 if settings.flip else 0), side, size, settings)
    blurred, moving = chosen(settings.blur), chosen(0.5)
    filters = np.zeros((count, KERNEL, KERNEL), np.float32)
    filters[:, KERNEL // 2, KERNEL // 2] = 1
    for place in np.flatnonzero(blurred):
        filters[place] = _motion(rng) if moving[place] else _defocus(rng)
    return Variations(
        moves=moves,
        gains=gains,
        offsets=offsets,
        grey=chosen(settings.grey),
        sides=np.where(chosen(settings.low_resolution), rng.integers(*low_sides(size), count), size).astype(np.int32),
        filters=filters,
        grains=np.where(chosen(settings.noise), between(3, 15), 0).astype(np.float32),
        qualities=np.where(chosen(settings.jpeg), rng.integers(20, 80, count), BEST).astype(np.int32),
        tops=np.where(chosen(settings.occlusion), between(0.55, 0.75) * size, size).astype(np.int32),
        covers=rng.integers(0, 256, (count, 3)).astype(np.float32),
        seeds=rng.integers(2**63, size=count, dtype=np.uint64),
        night=draw_night(count, size, settings, rng),
    )


def low_sides(size: int) -> tuple[int, int]:
    """Return the least side that detail is reduced to, and the one that is just too large."""
    return size // 5, size // 2


def augment(chips: Image, size: int, variations: Variations) -> Image:
    """Return (n, size, size, 3) uint8 copies of (n, >= size, >= size, 3) chips, varied as is said of each."""
    out = np.empty((len(chips), size, size, 3), np.uint8)
    for place, chip in enumerate(chips):
        out[place] = _varied(chip, size, variations.part(place))
    return out


def _moves(between: Any, mirrored: npt.NDArray, side: int, size: int, settings: Augment) -> npt.NDArray[np.float32]:
    """Shift, turn, zoom and mirror about the chip's middle."""
    angle, scale = np.deg2rad(between(-settings.turn, settings.turn)), 1 + between(-settings.zoom, settings.zoom)
    shift = between(-settings.shift, settings.shift, 2)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.stack([np.stack([cosine, sine], axis=1), np.stack([-sine, cosine], axis=1)], axis=1)
    middle = np.full(2, (side - 1) / 2, np.float32)
    moves = np.concatenate([turn, (middle - turn @ middle + (size - side) / 2 + shift)[..., np.newaxis]], axis=2)
    moves[mirrored, 0] = [0, 0, size - 1] - moves[mirrored, 0]
    return moves.astype(np.float32)


def _light(between: Any, settings: Augment) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Change contrast about the middle grey, brightness and the colour of the light."""
    contrast = 1 + between(-settings.light, settings.light, 1)
    brightness = 255 * between(-settings.light, settings.light, 1) / 2
    tint = 1 + between(-settings.colour, settings.colour, 3)
    return contrast * tint, (127.5 - 127.5 * contrast + brightness) * tint


def _defocus(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    line = np.asarray(cv2.getGaussianKernel(KERNEL, rng.uniform(0.5, 2.0), cv2.CV_32F))
    return line @ line.T


def _motion(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return a line of 3 to 8 pixels at some angle."""
    length, middle = int(rng.integers(3, KERNEL)), (KERNEL - 1) / 2
    line = np.zeros((KERNEL, KERNEL), np.float32)
    start = (KERNEL - length) // 2
    line[KERNEL // 2, start : start + length] = 1
    turn = cv2.getRotationMatrix2D((middle, middle), rng.uniform(0, 180), 1)
    turned = np.asarray(cv2.warpAffine(line, turn, (KERNEL, KERNEL)), np.float32)
    return turned / np.sum(turned)


def _varied(chip: Chip, size: int, how: Variations) -> Chip:
    """Vary one chip."""
    chip = np.asarray(cv2.warpAffine(chip, how.moves, (size, size), borderMode=cv2.BORDER_REPLICATE))
    steps = np.arange(256, dtype=np.float32)[:, np.newaxis]
    table = np.clip(steps * how.gains + how.offsets, 0, 255).astype(np.uint8)
    chip = np.asarray(cv2.LUT(chip, table[np.newaxis]))
    if how.grey:
        chip = np.asarray(cv2.cvtColor(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))
    if how.sides < size:
        chip = np.asarray(cv2.resize(chip, (int(how.sides),) * 2, interpolation=cv2.INTER_AREA))
        chip = np.asarray(cv2.resize(chip, (size, size), interpolation=cv2.INTER_LINEAR))
    if how.filters[KERNEL // 2, KERNEL // 2] < 1:
        chip = np.asarray(cv2.filter2D(chip, -1, how.filters))
    if how.night.seen:
        chip = at_night(chip, how.night, np.random.default_rng([int(how.seeds), 1]))
    if how.grains:
        grain = np.random.default_rng(how.seeds).normal(0, how.grains, chip.shape)
        chip = np.clip(np.rint(chip + grain), 0, 255).astype(np.uint8)
    if how.qualities < BEST:
        _, encoded = cv2.imencode(".jpg", chip[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(how.qualities)])
        chip = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))[..., ::-1]
    if how.tops < size:
        chip = chip.copy()
        chip[how.tops :] = how.covers
    return chip

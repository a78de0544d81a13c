"""Show chips as cameras see faces at night: by what light there is, or by the camera's own infrared lamp.

Both go the way the light goes: lamp, exposure, noise of the sensor, sRGB curve, then what the camera makes of colour
and contrast. What is done to each chip is drawn here, in arrays; it is done here too, or by the network's own device
(`vary.py`). Light is linear, from 0 to 1, the sensor's full scale.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Image
from edgeface_train.recipe import Augment

GAMMA = 2.2
"""Light is a picture's value, of 1, to this power: the sRGB curve but for its straight foot (IEC 61966-2-1)."""
LIGHT = (np.arange(256, dtype=np.float32) / 255) ** GAMMA
"""Of each value of a byte."""
EXPOSURES = 0.06, 0.4
"""Of low light. The least takes a face of brightness 90 to 25, below which a device lets none vote."""
SHOTS = 0.001, 0.012
"""Variance of the shot noise as a share of the light: the noisy part of what Brooks et al. find in phones."""


class Night(NamedTuple):
    """How each of n chips is seen at night, in this order."""

    seen: npt.NDArray[np.bool_]
    """(n,) whether it is; to others nothing of this is done."""
    lamps: npt.NDArray[np.float32]
    """(n, 3) where a lamp shines straight, (x, y), and how far off it is, in pixels; FAR where there is none."""
    exposures: npt.NDArray[np.float32]
    """(n,) factor of the light."""
    noises: npt.NDArray[np.float32]
    """(n, 2) variance of the noise: as a share of the light (shot noise), and what is added (read noise)."""
    mixes: npt.NDArray[np.float32]
    """(n, 3) shares of red, green and blue in grey."""
    colours: npt.NDArray[np.float32]
    """(n,) share of the colour that is left."""
    contrasts: npt.NDArray[np.float32]
    """(n,) factor of what a value differs from the middle one."""

    def part(self, own: slice | int) -> "Night":
        """Return those of some of the chips, or of one."""
        return Night._make(values[own] for values in self)


FAR = (0.0, 0.0, 1e6)
"""A lamp that lights all of the chip alike."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Of red, green and blue; ITU-R BT.601."""


def draw_night(count: int, size: int, settings: Augment, rng: np.random.Generator) -> Night:
    """Draw how `count` chips of `size` pixels are seen; nothing is drawn where no chip is seen at night.

    Low light: 6 to 40 % of it, evenly in stops, and a camera that turned up its gain. The noise has the variances of
    Brooks et al. 2019, "Unprocessing images for learned raw denoising", after the model of Foi et al. 2008, "Practical
    Poissonian-Gaussian noise modeling": shot noise that grows with the light, and read noise that does not. 30 to 80 %
    of the colour is left, as cameras take it back lest its noise show.

    Infrared: 60 to 90 % of the grey is red, as skin and lips are bright in near infrared. A lamp at distance d lights
    what is r beside its axis by (1 + r^2 / d^2)^-2 of the middle (cos^4: the inverse square and two slants); d is 0.45
    to 1.2 sides of the chip, the axis near its middle. Contrast is raised by 10 to 40 %; noise is as in low light.
    """
    if settings.dark + settings.infrared == 0:
        return _day(count)

    def between(low: float, high: float, *shape: int) -> npt.NDArray[np.float32]:
        return rng.uniform(low, high, (count, *shape)).astype(np.float32)

    kind = rng.random(count)
    lit = kind < settings.infrared
    exposures = np.exp(between(*np.log(EXPOSURES)))
    shots = between(*np.log(SHOTS))
    reads = 2.18 * shots + 1.2 + rng.normal(0, 0.26, count)
    lamps = size * np.stack([between(0.35, 0.65), between(0.35, 0.65), between(0.45, 1.2)], axis=1)
    red, green = between(0.6, 0.9), between(0, 1)
    mixes = np.stack([red, (1 - red) * green, (1 - red) * (1 - green)], axis=1)
    colours, brights, contrasts = between(0.3, 0.8), between(0.55, 1.2), between(1.1, 1.4)
    beside = lit[:, np.newaxis]
    return Night(
        seen=kind < settings.infrared + settings.dark,
        lamps=np.where(beside, lamps, FAR).astype(np.float32),
        exposures=np.where(lit, brights, exposures),
        noises=np.exp(np.stack([shots, reads], axis=1)).astype(np.float32),
        mixes=np.where(beside, mixes, LUMA),
        colours=np.where(lit, 0, colours).astype(np.float32),
        contrasts=np.where(lit, contrasts, 1).astype(np.float32),
    )


def at_night(chip: Image, how: Night, rng: np.random.Generator) -> Image:
    """Return one (size, size, 3) uint8 chip as it is seen at night; `rng` makes the noise."""
    x, y, far = how.lamps
    aside = (np.arange(chip.shape[1]) - x) ** 2 + (np.arange(chip.shape[0])[:, np.newaxis] - y) ** 2
    lamp = how.exposures * (1 + aside / far**2) ** -2
    light = LIGHT[chip] * lamp[..., np.newaxis].astype(np.float32)
    shot, read = how.noises
    light += np.sqrt(shot * light + read) * rng.standard_normal(chip.shape, np.float32)
    value = np.clip(light, 0, 1) ** (1 / GAMMA)
    grey = (value @ how.mixes)[..., np.newaxis]
    value = 0.5 + how.contrasts * (grey + how.colours * (value - grey) - 0.5)
    return np.clip(np.rint(255 * value), 0, 255).astype(np.uint8)


def _day(count: int) -> Night:
    """Return what is said of chips of which none is seen at night."""
    ones = np.ones(count, np.float32)
    return Night(
        seen=np.zeros(count, bool),
        lamps=np.tile(np.array(FAR, np.float32), (count, 1)),
        exposures=ones,
        noises=np.zeros((count, 2), np.float32),
        mixes=np.tile(LUMA, (count, 1)),
        colours=ones,
        contrasts=ones,
    )

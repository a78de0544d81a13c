"""Paint a moving picture of one face, to measure with where there is no camera."""

import math
from collections.abc import Iterator

import numpy as np

from edgeface.core.types import Image

WIDTH, HEIGHT = 640, 480
FPS = 25.0
SWAY_PX = (120, 40)
"""How far the face moves to either side, and up and down."""

SWAY_SECONDS = 4.0
"""Time of one sway to and fro."""

GRAIN = 4.0
"""Standard deviation of the noise of a camera, in grey levels. Without it the average face of a card counts as blurred
(sharpness 0.12); with it the face is sharp enough (0.36), and both YuNet and dlib's HOG find it."""

RIM = 0.15
"""The part of a face's half side in which it fades into the wall."""


def paint_scene(face: Image, frames: int) -> Iterator[Image]:
    """Yield (480, 640, 3) pictures of a face that sways before a wall, 25 of them a second; always the same ones.

    `face` is a square picture, and stands in the scene in its own size. Raise ValueError when it does not fit.
    """
    side = face.shape[0]
    if face.shape != (side, side, 3) or side + 2 * max(SWAY_PX) > WIDTH or side + 2 * SWAY_PX[1] > HEIGHT:
        raise ValueError(f"a face must be a square picture that fits into {WIDTH}x{HEIGHT}, not {face.shape}")
    wall, mask = _wall(), _mask(side)
    random = np.random.default_rng(7)
    grain = random.normal(0, GRAIN, (HEIGHT, WIDTH, 3)).astype(np.float32)
    for number in range(frames):
        angle = 2 * math.pi * number / (FPS * SWAY_SECONDS)
        left = (WIDTH - side) // 2 + round(SWAY_PX[0] * math.sin(angle))
        top = (HEIGHT - side) // 2 + round(SWAY_PX[1] * math.sin(2 * angle))
        picture = wall.copy()
        area = picture[top : top + side, left : left + side]
        area += mask * (face - area)
        picture += np.roll(grain, int(random.integers(grain.size)))
        yield np.clip(picture, 0, 255).astype(np.uint8)


def _wall() -> np.ndarray:
    """Return a wall of soft light and shade, (480, 640, 3) float32 grey levels."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    light = 90 + 40 * np.sin(columns / 90) + 30 * np.cos(rows / 70)
    return (light[..., np.newaxis] * (1.0, 0.95, 0.9)).astype(np.float32)


def _mask(side: int) -> np.ndarray:
    """Return how much of the face, 0 to 1, is seen at each place of its square, (side, side, 1)."""
    distance = np.abs(np.linspace(-1, 1, side, dtype=np.float32))
    from_centre = np.maximum(distance[:, np.newaxis], distance)
    return np.clip((1 - from_centre) / RIM, 0, 1)[..., np.newaxis]

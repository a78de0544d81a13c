"""The head as a relief: where on it a pixel looks, how deep it is there and how the light falls on it.

Head coordinates (u, v, z): u to the right of the picture, v down, z towards the viewer, origin between the eyes,
one unit the distance between the eyes of an average face.
"""

import math
from dataclasses import dataclass

import numpy as np

from edgeface_train.drawing.canvas import Plane, blob, ramp
from edgeface_train.drawing.person import Person, Take

_STEPS = 5
_DEPTH = 0.95
_WRAP = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """A turned head in a picture."""

    size: int
    unit: float
    """Pixels of one head unit."""
    x: Plane
    """(size, size) place of each pixel beside and below the point between the eyes, in units, upright."""
    y: Plane
    take: Take

    @property
    def pixel(self) -> float:
        """Units of one pixel."""
        return 1 / self.unit

    def plane(self, z: float) -> tuple[Plane, Plane]:
        """Return (u, v) of each pixel on a flat cut through the head at that depth."""
        u = (self.x - z * math.sin(self.take.yaw)) / math.cos(self.take.yaw)
        v = (self.y - z * math.sin(self.take.pitch)) / math.cos(self.take.pitch)
        return u, v

    def to_pixels(self, u: float, v: float, z: float) -> tuple[float, float]:
        """Return x and y in the picture of a point of the head."""
        x = u * math.cos(self.take.yaw) + z * math.sin(self.take.yaw)
        y = v * math.cos(self.take.pitch) + z * math.sin(self.take.pitch)
        turn = self.take.roll
        centre = _centre(self.size, self.take)
        return (
            centre[0] + self.unit * (x * math.cos(turn) - y * math.sin(turn)),
            centre[1] + self.unit * (x * math.sin(turn) + y * math.cos(turn)),
        )


def make_pose(size: int, take: Take) -> Pose:
    """Return the pose of a take in a square picture."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    centre = _centre(size, take)
    unit = take.scale * size
    right, down = (columns - centre[0]) / unit, (rows - centre[1]) / unit
    cosine, sine = math.cos(take.roll), math.sin(take.roll)
    return Pose(size, unit, right * cosine + down * sine, down * cosine - right * sine, take)


def on_face(person: Person, pose: Pose) -> tuple[Plane, Plane]:
    """Return (u, v) of the point of the face that each pixel sees, by fixed-point iteration."""
    u, v = pose.plane(0)
    take = pose.take
    for _ in range(_STEPS):
        z = depth(person, u, v)
        u = (pose.x - z * math.sin(take.yaw)) / math.cos(take.yaw)
        v = (pose.y - z * math.sin(take.pitch)) / math.cos(take.pitch)
    return u, v


def skull(person: Person, u: Plane, v: Plane, *, grow: float = 1.0) -> Plane:
    """Return the depth of the head without its features, 0 between the eyes; it is flat farther out."""
    across = (u / (person.shape.width * 1.08 * grow)) ** 2
    down = ((v - 0.2) / (1.85 * grow)) ** 2
    far = across + down
    far = far - np.logaddexp(0, (far - 1.05) * 10) / 10
    return _DEPTH * (np.sqrt(1 - 0.8 * far) - 1)


def depth(person: Person, u: Plane, v: Plane) -> Plane:
    """Return the depth of the head with its nose."""
    tip = person.nose.length
    profile = (0.20 + 0.80 * ramp(-0.1, tip, v)) * ramp(tip + 0.20, tip - 0.01, v) * ramp(-0.45, 0.1, v)
    narrow = 0.15 + 0.06 * ramp(0.0, tip, v)
    return skull(person, u, v) + person.nose.ridge * profile * np.exp(-((u / narrow) ** 2))


def relief(person: Person, take: Take, u: Plane, v: Plane) -> Plane:
    """Return the depth with all that the light catches on."""
    side = np.abs(u)
    tip, mouth, wide = person.nose.length, person.mouth.drop, person.mouth.width
    raised = 0.06 + 0.05 * max(take.smile, 0)
    z = depth(person, u, v)
    z = z + 0.04 * blob(u, v, (0, tip), (0.14, 0.12))
    z += 0.07 * blob(side, v, (person.nose.width * 0.72, tip + 0.04), (0.095, 0.09))
    z += 0.06 * blob(side, v, (person.eyes.gap, -0.22), (0.30, 0.12))
    z -= 0.12 * blob(side, v, (person.eyes.gap - 0.04, -0.02), (0.27, 0.17))
    z += 0.07 * blob(side, v, (person.eyes.gap, 0.0), (0.19, 0.13))
    z += raised * blob(side, v, (0.66 * person.shape.width, 0.52), (0.30, 0.26))
    z += 0.05 * blob(u, v, (0, mouth - 0.05), (wide * 0.7, 0.10))
    z += 0.06 * blob(u, v, (0, mouth + 0.10), (wide * 0.55, 0.07))
    z -= 0.05 * blob(u, v, (0, mouth + 0.24), (0.26, 0.07))
    z += 0.11 * blob(u, v, (0, person.shape.chin - 0.22), (0.27, 0.17))
    return z


def light(pose: Pose, u: Plane, z: Plane, *, soft: float = 1.0) -> tuple[Plane, Plane]:
    """Return (brightness, gloss) of each pixel of a relief; `soft` above 1 flattens it."""
    take = pose.take
    towards = (z * math.cos(take.yaw) * math.cos(take.pitch) - u * math.sin(take.yaw)) * pose.unit / soft
    down, across = np.gradient(towards)
    length = np.sqrt(across**2 + down**2 + 1)
    azimuth, elevation = take.light
    source = np.array(
        [math.sin(azimuth) * math.cos(elevation), -math.sin(elevation), math.cos(azimuth) * math.cos(elevation)]
    )
    facing = (-across * source[0] - down * source[1] + source[2]) / length
    lit = np.clip((facing + _WRAP) / (1 + _WRAP), 0, 1)
    sky = 0.90 - 0.18 * down / length
    half = source + np.array([0, 0, 1])
    half /= np.linalg.norm(half)
    gloss = np.clip((-across * half[0] - down * half[1] + half[2]) / length, 0, 1) ** 24
    brightness = (1 - take.contrast) * sky + take.contrast * 1.35 * lit
    bright = np.clip(brightness - 0.9, 0, None)
    brightness = np.minimum(brightness, 0.9) + 0.25 * np.tanh(bright / 0.25)
    return brightness.astype(np.float32), gloss.astype(np.float32)


def landmarks(person: Person, pose: Pose) -> list[tuple[float, float]]:
    """Return the five points in pixels: the eye on the left of the picture, the other, nose, mouth corners."""
    smile = pose.take.smile
    wide = person.mouth.width * (1 + 0.16 * max(smile, 0))
    corner = person.mouth.drop - 0.075 * smile
    points = [
        (-person.eyes.gap, 0.0),
        (person.eyes.gap, 0.0),
        (0.0, person.nose.length),
        (-wide, corner),
        (wide, corner),
    ]
    at = np.array(points, np.float32)
    z = depth(person, at[:, 0], at[:, 1])
    return [pose.to_pixels(u, v, float(deep)) for (u, v), deep in zip(points, z, strict=True)]


def _centre(size: int, take: Take) -> tuple[float, float]:
    return size * (0.5 + take.shift[0]), size * (0.44 + take.shift[1])

"""Paint hair, scarves and hats: an outline around the skull less a window for the face."""

import math

import cv2
import numpy as np

from edgeface_train.drawing.canvas import Picture, Plane, cover_field, grain, paint, ramp, sample
from edgeface_train.drawing.head import Pose, light, skull
from edgeface_train.drawing.person import Person

_LONG = ("bob", "long", "waves", "scarf")


def back_hair(picture: Picture, person: Person, pose: Pose) -> None:
    """Paint what falls behind the neck."""
    if person.hair.style not in _LONG and person.hair.style != "curls":
        return
    u, v = pose.plane(-0.60)
    outline = cover_field(_outline(person, u, v))
    shade = 0.52 + 0.12 * ramp(2.4, 0.4, v)
    paint(picture, outline, _tones(person, u, v) * shade[..., np.newaxis])


def front_hair(person: Person, pose: Pose, face: Plane) -> tuple[Plane, Picture]:
    """Return what frames the face: where it is, and its colours; `face` is where skin is."""
    u, v = pose.plane(-0.28)
    if person.hair.style == "bald":
        return np.zeros_like(u), np.zeros((*u.shape, 3), np.float32)
    outline = cover_field(_outline(person, u, v))
    near_u, near_v = pose.plane(0.02)
    window = cover_field(_window(person, near_u, near_v))
    beside = np.maximum(face, ramp(-0.32, -0.12, v))  # hair shows beside a head turned away, ears below it
    body = outline * (1 - window * beside)
    if person.hair.style == "buzz":
        body *= 0.82 * ramp(0.15, -0.25, v)
    brightness, gloss = light(pose, u, skull(person, u, v, grow=1.2), soft=1.2)
    tones = _tones(person, u, v) * np.clip(brightness, 0.2, 1.15)[..., np.newaxis]
    if person.hair.style not in ("scarf", "buzz", "curls"):
        band = np.exp(-(((v + 1.12 + 0.3 * u * u) / 0.22) ** 2))
        tones *= (1 + 0.30 * band + 0.5 * gloss)[..., np.newaxis]
    edge = np.clip(4 * window * (1 - window), 0, 1)
    tones *= (1 - 0.25 * edge)[..., np.newaxis]
    if person.hair.style == "beanie":
        hat, cloth = _beanie(person, pose)
        paint(tones, hat, cloth)
        body = np.maximum(body, hat)
    return body, np.clip(tones, 0, 1)


def hair_shadow(body: Plane, take_light: tuple[float, float], unit: float) -> Plane:
    """Return the soft shadow that the hair throws on the face."""
    moved = np.array([[1, 0, -0.05 * unit * math.sin(take_light[0])], [0, 1, 0.07 * unit]], np.float32)
    cast = cv2.warpAffine(body, moved, body.shape[::-1])
    return cv2.GaussianBlur(cast, (0, 0), 0.06 * unit).astype(np.float32)


def _outline(person: Person, u: Plane, v: Plane) -> Plane:
    """Return a field that is negative inside the hair, were there no face."""
    style, volume = person.hair.style, person.hair.volume
    rim, top, end = {
        "buzz": (0.03, 1.69, 0.05),
        "short": (0.05 + 0.05 * volume, 1.70 + 0.10 * volume, 0.30),
        "quiff": (0.04, 1.74 + 0.24 * volume, 0.22),
        "curls": (0.18 + 0.28 * volume, 1.76 + 0.30 * volume, 0.75),
        "beanie": (0.06, 1.60, 0.30),
        "bun": (0.05, 1.72, 0.15),
        "bob": (0.16 + 0.10 * volume, 1.72 + 0.08 * volume, 1.15 + 0.15 * person.hair.length),
        "long": (0.12 + 0.10 * volume, 1.70 + 0.08 * volume, 1.5 + person.hair.length * 0.6),
        "waves": (0.18 + 0.16 * volume, 1.72 + 0.12 * volume, 1.3 + person.hair.length * 0.6),
        "scarf": (0.15, 1.76, 3.4),
    }[style]
    wide = person.shape.width + rim
    if style == "waves":
        wide = wide + 0.09 * np.sin(4.2 * v + np.sign(u) * 0.6) * ramp(-0.8, 0.6, v)
    if style == "quiff":
        top = top + 0.16 * np.sin(2.2 * u * math.copysign(1, person.hair.parting or 1))
    if style == "curls":
        lumps = grain(np.random.default_rng(person.grain + 3), (14, 14))
        wide = wide + 0.12 * sample(lumps, u * 0.35 + 0.5, v * 0.35 + 0.5)
        top = top + 0.14 * sample(lumps, u * 0.4 + 0.2, v * 0.1)
    if style in ("long", "scarf"):
        wide = wide + (0.10 if style == "long" else 0.28) * ramp(0.6, 2.4, v)
    above = np.clip(-(v + 0.1) / (top - 0.1), 0, None)
    below = np.clip((v - 0.1) / (end - 0.1), 0, 1.15)
    steep = 2.4 if style == "curls" else 7.0
    field = (np.abs(u) / wide) ** 2.3 + above**2.3 + below**steep - 1
    if style == "bun":
        field = np.minimum(field, (u / 0.42) ** 2 + ((v + 2.0) / 0.36) ** 2 - 1)
    return field.astype(np.float32)


def _window(person: Person, u: Plane, v: Plane) -> Plane:
    """Return a field that is negative where the face shows."""
    style = person.hair.style
    width, power = {
        "buzz": (0.95, 2.9),
        "short": (0.95, 2.7),
        "quiff": (0.95, 2.9),
        "curls": (0.92, 2.4),
        "beanie": (0.96, 3.0),
        "bun": (0.96, 2.4),
        "bob": (0.86, 2.2),
        "long": (0.86, 2.0),
        "waves": (0.90, 2.0),
        "scarf": (0.91, 2.3),
    }[style]
    top = person.hair.line
    if style in ("short", "bob", "long", "waves", "curls"):
        strands = grain(np.random.default_rng(person.grain + 5), (1, 46))
        ragged = sample(np.repeat(strands, 2, axis=0), u * 0.4 + 0.5, np.zeros_like(u)) if person.hair.fringe else 0
        top = top - person.hair.fringe * (top - 0.50) + 0.05 * ragged
    if style == "scarf":
        top = 0.92
    wide = person.shape.width * width
    high = np.clip((0.05 - v) / (0.05 + top), 0, None)
    shift = (person.hair.parting if person.hair.fringe < 0.5 and style not in ("scarf", "buzz", "curls") else 0) * 0.75
    lean = u - shift * high**1.5
    drop = np.clip((v - 0.05) / 1.9, 0, None) if style == "scarf" else np.clip((v - 0.05) / 20, 0, None)
    if style == "scarf":
        drop = np.clip((v - 0.05) / (person.shape.chin + 0.02), 0, None)
    below = ramp(-0.1, 0.35, v) * (0.16 if style not in _LONG else 0.0)
    return ((np.abs(lean) / (wide + below)) ** power + high**power + drop**power - 1).astype(np.float32)


def _tones(person: Person, u: Plane, v: Plane) -> Picture:
    """Return the colour of the hair or the cloth at each pixel, strand by strand."""
    rng = np.random.default_rng(person.grain + 11)
    if person.hair.style == "scarf":
        folds = sample(grain(rng, (5, 9)), np.abs(u) * 0.45 + v * 0.16, v * 0.2 + 0.3 * np.abs(u))
        return np.array(person.hair.cloth, np.float32) * (1 + 0.22 * folds)[..., np.newaxis]
    if person.hair.style == "curls":
        bent_u = u + 0.05 * np.sin(11 * v + 3 * u)
        bent_v = v + 0.05 * np.sin(12 * u - 2 * v)
        coils = np.sin(34 * bent_u) * np.sin(34 * bent_v)
        locks = sample(grain(rng, (22, 22)), u * 0.42 + 0.5, v * 0.42 + 0.5)
        return np.array(person.hair.colour, np.float32) * (1 + 0.20 * coils + 0.28 * locks)[..., np.newaxis]
    fan = (u - person.hair.parting * 0.5) / np.clip(v + 2.6, 0.5, 2.6)
    wave = 0.05 * np.sin(4.2 * v) if person.hair.style == "waves" else 0
    fine = sample(grain(rng, (3, 120)), fan * 0.9 + wave + 0.5, v * 0.15 + 0.5)
    broad = sample(grain(rng, (3, 24)), fan * 0.9 + wave + 0.5, v * 0.15 + 0.5)
    return np.array(person.hair.colour, np.float32) * (1 + 0.24 * fine + 0.20 * broad)[..., np.newaxis]


def _beanie(person: Person, pose: Pose) -> tuple[Plane, Picture]:
    u, v = pose.plane(-0.15)
    brim = -0.58 - 0.05 * u * u
    wide = person.shape.width + 0.12
    dome = (np.abs(u) / wide) ** 2.6 + np.clip(-(v + 0.5) / 1.38, 0, None) ** 2.2 - 1
    hat = cover_field(np.maximum(dome, (v - brim) * 2).astype(np.float32))
    brightness, _ = light(pose, u, skull(person, u, v, grow=1.1), soft=1.2)
    ribs = 0.05 * np.cos(u * 46)
    band = ramp(0, 0.04, v - brim + 0.34)
    shade = brightness * (1 + ribs * (1 - 0.5 * band)) * (0.90 + 0.14 * band)
    return hat, np.array(person.hair.cloth, np.float32) * shade[..., np.newaxis]

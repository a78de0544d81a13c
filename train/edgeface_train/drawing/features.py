"""Paint a face: skin, eyes, brows, nose, mouth, beard, in head coordinates."""

import math

import cv2
import numpy as np

from edgeface_train.drawing.canvas import Picture, Plane, blob, cover, darken, grain, paint, ramp, sample, segment
from edgeface_train.drawing.person import Person, Take

_MAP_SIZE = 384
_MAP_REACH = 1.5
"""Head units from the middle of the skin's map to its edge."""


def face_field(person: Person, u: Plane, v: Plane) -> Plane:
    """Return a field that is negative on the face and the skull above it."""
    cheek = 0.18
    below = np.clip((v - cheek) / (person.shape.chin - cheek), 0, None)
    above = np.clip((cheek - v) / (cheek + 1.56), 0, None)
    side = np.abs(u) / person.shape.width
    return (side**2.6 + below**person.shape.jaw + above**2.7 - 1).astype(np.float32)


def paint_skin(face: Picture, person: Person, u: Plane, v: Plane) -> None:
    """Paint the ground: complexion, blush, freckles, moles, folds, the shade around the eyes."""
    skin = np.array(person.skin, np.float32)
    face[:] = skin
    rng = np.random.default_rng(person.grain)
    spots = _skin_map(person, rng)
    columns = ((u / _MAP_REACH + 1) / 2 * _MAP_SIZE).astype(np.float32)
    rows = (((v - 0.3) / _MAP_REACH + 1) / 2 * _MAP_SIZE).astype(np.float32)
    marks = cv2.remap(spots, columns, rows, cv2.INTER_LINEAR, borderValue=0).astype(np.float32)
    side = np.abs(u)
    rosy = blob(side, v, (0.62, 0.62), (0.26, 0.22)) + 0.6 * blob(u, v, (0, person.nose.length), (0.16, 0.14))
    paint(face, 0.34 * person.blush * rosy, skin * np.array([1.02, 0.68, 0.64], np.float32))
    socket = blob(side, v, (person.eyes.gap - 0.03, -0.03), (0.27, 0.17))
    darken(face, (0.12 + 0.10 * person.age) * socket)
    darken(face, 0.13 * person.age * blob(side, v, (person.eyes.gap, 0.18), (0.19, 0.06)))
    paint(face, marks[..., 0], skin * np.array([0.70, 0.52, 0.42], np.float32))
    paint(face, marks[..., 1], skin * np.array([0.42, 0.30, 0.26], np.float32))


def _skin_map(person: Person, rng: np.random.Generator) -> Picture:
    """Return (freckles, moles) as covers over the face."""
    marks = np.zeros((_MAP_SIZE, _MAP_SIZE, 2), np.float32)
    layers = [np.zeros((_MAP_SIZE, _MAP_SIZE), np.uint8) for _ in range(2)]
    scale = _MAP_SIZE / (2 * _MAP_REACH)

    def dot(layer: int, u: float, v: float, radius: float, strength: float) -> None:
        at = (round((u + _MAP_REACH) * scale * 16), round((v - 0.3 + _MAP_REACH) * scale * 16))
        cv2.circle(layers[layer], at, round(radius * scale * 16), round(255 * strength), -1, cv2.LINE_AA, 4)

    for _ in range(round(90 * person.freckles)):
        u, v = rng.normal(0, 0.42), rng.normal(0.42, 0.17)
        dot(0, float(u), float(v), float(rng.uniform(0.010, 0.022)), float(rng.uniform(0.3, 0.75)))
    for u, v in person.moles:
        dot(1, u, v, 0.028, 0.9)
    for index, layer in enumerate(layers):
        marks[..., index] = cv2.GaussianBlur(layer, (0, 0), 0.8).astype(np.float32) / 255
    return marks


def paint_folds(face: Picture, person: Person, take: Take, u: Plane, v: Plane) -> None:
    """Paint the lines that age and a smile draw."""
    side = np.abs(u)
    along = np.clip((v - person.nose.length - 0.02) / (person.mouth.drop - person.nose.length + 0.02), -0.5, 1.5)
    line = person.nose.width + 0.05 + (person.mouth.width + 0.07 - person.nose.width) * np.abs(along) ** 1.6
    fold = (
        np.exp(-(((side - line) / (0.045 + 0.05 * np.abs(along))) ** 2))
        * ramp(-0.15, 0.2, along)
        * ramp(1.15, 0.7, along)
    )
    darken(face, (0.01 + 0.12 * person.age + 0.11 * max(take.smile, 0)) * fold)
    if person.age > 0.4:
        for height in (0.56, 0.68, 0.80):
            wave = v + height + 0.02 * np.cos(3 * u)
            darken(face, 0.16 * (person.age - 0.3) * np.exp(-((wave / 0.016) ** 2)) * ramp(0.75, 0.35, side))
    raised = person.nose.length + 0.04
    wing = np.hypot((side - person.nose.width * 0.74) / 0.10, (v - raised) / 0.10)
    crease = np.exp(-(((wing - 1) / 0.22) ** 2)) * ramp(0.68, 0.86, side / person.nose.width)
    darken(face, 0.22 * crease * ramp(raised + 0.1, raised - 0.02, v))


def paint_nose(face: Picture, person: Person, take: Take, u: Plane, v: Plane) -> None:
    """Paint the nostrils and the shade below the nose; and the shadow the nose throws; the relief does the rest."""
    wide, base = person.nose.width, person.nose.length + 0.105
    side = np.abs(u)
    darken(face, 0.24 * blob(u, v, (0, base + 0.04), (wide * 0.9, 0.07)))
    azimuth, elevation = take.light
    away = -math.copysign(1, azimuth) * u
    beside = blob(away, v, (wide * 0.9, person.nose.length - 0.08), (0.16, 0.24)) * ramp(0.02, 0.12, away)
    darken(face, take.contrast * 0.75 * min(abs(azimuth), 1.0) * beside)
    below = blob(u, v, (-0.10 * azimuth, base + 0.10), (wide * 0.8, 0.09)) * ramp(base - 0.02, base + 0.05, v)
    darken(face, take.contrast * 0.8 * min(elevation, 0.9) * below)
    slope = v - base + 0.12 * (side - wide * 0.4)
    nostril = np.exp(-(((side - wide * 0.43) / (wide * 0.27)) ** 4) - (slope / 0.028) ** 2)
    paint(face, 0.82 * nostril, np.array(person.skin, np.float32) * np.array([0.30, 0.18, 0.16], np.float32))


def paint_eye(face: Picture, person: Person, take: Take, u: Plane, v: Plane, side: int, pixel: float) -> None:
    """Paint one eye; `side` is -1 for the one on the left of the picture, 1 for the other."""
    outward, down = (u - side * person.eyes.gap) * side, v
    cosine, sine = math.cos(person.eyes.tilt), math.sin(person.eyes.tilt)
    x, y = outward * cosine - down * sine, down * cosine + outward * sine
    across = np.clip(x / person.eyes.width, -1, 1)
    arch = 1 - across * across
    height = person.eyes.height
    upper = -0.60 * height * take.lids * arch**0.7 * (1 - 0.12 * across)
    lower = 0.40 * height * (1 - 0.35 * max(take.smile, 0)) * arch**0.85 * (1 + 0.15 * across)
    beside = np.abs(x) - person.eyes.width
    inside = cover(np.maximum(np.maximum(upper - y, y - lower), beside), pixel)
    shaded = 1 - 0.42 * np.exp(-np.clip(y - upper, 0, None) / 0.035)
    white = np.array([0.93, 0.91, 0.90], np.float32) * shaded[..., np.newaxis]
    paint(face, inside, white)
    paint(face, inside * 0.7 * blob(x, y, (-person.eyes.width * 0.97, 0), (0.045, 0.05)), (0.80, 0.50, 0.47))
    _paint_iris(face, person, take, (x, y), side, inside, shaded, pixel)
    lash = 0.016 + 0.020 * person.eyes.lashes
    thick = lash * (0.65 + 0.35 * np.clip(across, 0, 1))
    line = cover(np.abs(y - upper + thick * 0.4) - thick * 0.6, pixel) * cover(
        np.abs(x) - person.eyes.width * 1.04, pixel
    )
    wing = segment(x, y, (person.eyes.width * 0.86, -0.02), (person.eyes.width * 1.16, -0.065 * person.eyes.lashes))
    paint(face, line * (0.72 + 0.28 * person.eyes.lashes), (0.10, 0.07, 0.06))
    paint(face, cover(wing - 0.014 * person.eyes.lashes, pixel) * 0.7 * person.eyes.lashes, (0.10, 0.07, 0.06))
    under = np.exp(-(((y - lower) / 0.014) ** 2)) * cover(beside, pixel)
    darken(face, 0.36 * under)
    fold = y - upper * 1.05 + 0.055 + 0.03 * take.brows
    darken(face, 0.34 * np.exp(-((fold / 0.017) ** 2)) * ramp(1.1, 0.8, np.abs(x) / person.eyes.width))


def _paint_iris(
    face: Picture,
    person: Person,
    take: Take,
    at: tuple[Plane, Plane],
    side: int,
    inside: Plane,
    shaded: Plane,
    pixel: float,
) -> None:
    x, y = at
    centre = (side * take.gaze[0] * person.eyes.width * 0.6, take.gaze[1] * 0.2 - 0.004)
    distance = np.hypot(x - centre[0], y - centre[1])
    radius = 0.098
    colour = np.array(person.eyes.iris, np.float32) * 1.15
    toned = colour * (1.25 - 0.75 * ramp(0.4, 1.0, distance / radius))[..., np.newaxis] * shaded[..., np.newaxis]
    paint(face, inside * cover(distance - radius, pixel), toned)
    paint(face, inside * cover(distance - 0.042, pixel), (0.03, 0.03, 0.03))
    glint = (side * (0.034 * math.copysign(1, take.light[0])), -0.036)
    spark = np.hypot(x - centre[0] - glint[0], y - centre[1] - glint[1])
    paint(face, inside * cover(spark - 0.020, pixel) * 0.92, (1, 1, 1))


def paint_brow(face: Picture, person: Person, take: Take, u: Plane, v: Plane, side: int) -> None:
    """Paint one eyebrow, hair by hair as far as a few pixels allow."""
    x = (u - side * person.eyes.gap) * side
    length = np.clip((x + 0.27) / 0.60, 0, 1)
    line = (
        -person.brows.height - take.brows - person.brows.arch * (1 - ((x - 0.10) / 0.34) ** 2) - person.brows.tilt * x
    )
    thick = person.brows.thickness * (0.35 + 0.65 * np.clip((1 - length) / 0.6, 0, 1)) * ramp(-0.05, 0.15, length)
    strands = grain(np.random.default_rng(person.grain + side), (12, 90))
    rough = sample(strands, length * 1.4 - (v - line) * 1.2, (v - line) * 3 + 0.5)
    edge = np.abs(v - line) - thick * (0.78 + 0.22 * rough)
    body = ramp(0.012, -0.024, edge) * ramp(-0.30, -0.22, x) * ramp(0.37, 0.30, x)
    colour = np.array(person.hair.colour, np.float32) * 0.62
    paint(face, body * (0.76 + 0.18 * rough), colour)


def paint_mouth(face: Picture, person: Person, take: Take, u: Plane, v: Plane, pixel: float) -> None:
    """Paint lips, the line between them and, when open, teeth."""
    wide = person.mouth.width * (1 + 0.16 * max(take.smile, 0))
    across = np.clip(u / wide, -1, 1)
    arch = np.clip(1 - across * across, 0, 1)
    middle = person.mouth.drop + 0.025 * take.smile - 0.10 * take.smile * across * across
    gap = 0.13 * take.open * arch**0.8
    bow = 1 - 0.30 * np.exp(-((u / 0.055) ** 2)) - 0.25 * np.abs(across)
    thinner = 1 - 0.25 * max(take.smile, 0)
    top = middle - 0.35 * gap - person.mouth.upper_lip * thinner * bow * arch**0.55
    inner_top, inner_bottom = middle - 0.35 * gap, middle + 0.65 * gap
    bottom = inner_bottom + person.mouth.lower_lip * thinner * arch**0.65
    soft = max(pixel, 0.022)
    beside = np.abs(u) - wide
    lips = cover(np.maximum(np.maximum(top - v, v - bottom), beside), soft)
    lip = np.array(person.mouth.colour, np.float32)
    tones = lip * (1 - 0.16 * (v < middle) + 0.16 * np.exp(-(((v - bottom + 0.06) / 0.04) ** 2)))[..., np.newaxis]
    paint(face, lips * 0.92, tones)
    within = cover(np.maximum(np.maximum(inner_top - v, v - inner_bottom), beside), pixel)
    paint(face, within, (0.20, 0.07, 0.07))
    teeth = within * cover(v - inner_top - 0.078, pixel * 1.5)
    bright = 0.94 - 0.30 * np.abs(across) - 0.10 * np.exp(-(np.clip(v - inner_top, 0, None) / 0.02))
    paint(face, teeth, np.array([1.0, 0.98, 0.94], np.float32) * bright[..., np.newaxis])
    closed = np.exp(-(((v - middle) / 0.017) ** 2)) * ramp(1.06, 0.94, np.abs(u) / wide) * (1 - np.minimum(gap * 20, 1))
    paint(face, 0.85 * closed, lip * 0.34)
    corner = blob(np.abs(u), v, (wide, person.mouth.drop - 0.075 * take.smile), (0.035, 0.03))
    darken(face, 0.36 * corner)
    darken(face, 0.20 * np.exp(-(((v - bottom - 0.045) / 0.035) ** 2)) * ramp(0.9, 0.3, np.abs(u) / wide))


def paint_beard(face: Picture, person: Person, take: Take, u: Plane, v: Plane) -> None:
    """Paint stubble, a moustache, a goatee or a full beard; the mouth is painted over it."""
    if person.hair.beard == "none":
        return
    side = np.abs(u)
    wide = person.mouth.width
    base, mouth = person.nose.length + 0.15, person.mouth.drop
    texture = grain(np.random.default_rng(person.grain + 7), (60, 150))
    rough = sample(texture, u * 0.5 + 0.5, v * 0.35)
    reach = np.clip(side / (wide * 1.22), 0, 1.2)
    middle = (base + mouth - 0.03) / 2 - 0.01 + (0.16 - 0.09 * take.smile) * reach**2.2
    thick = (mouth - base) * 0.5 * np.clip(1 - reach**3, 0, 1) + 0.01
    moustache = ramp(0.05, -0.03, np.abs(v - middle) - thick + 0.02 * rough) * ramp(1.06, 0.9, reach)
    chin = np.hypot(u / (wide * 0.72), (v - mouth - 0.44) / 0.34)
    goatee = ramp(1.08, 0.86, chin + 0.06 * rough)
    jaw = 0.62 + 0.58 * np.clip(1 - side / person.shape.width, 0, 1) ** 0.8
    sides = 0.9 * ramp(0.76, 0.92, side / person.shape.width + 0.05 * rough) * ramp(-0.05, 0.55, v)
    cheeks = np.maximum(ramp(-0.06, 0.10, v - jaw + 0.03 * rough), sides)
    soul = ramp(1.1, 0.8, np.hypot(u / 0.12, (v - mouth - 0.24) / 0.10))
    link = (
        np.exp(-(((side - wide * 1.12) / 0.075) ** 2))
        * ramp(mouth - 0.15, mouth, v)
        * ramp(mouth + 0.5, mouth + 0.2, v)
    )
    shapes = {
        "stubble": 0.30 * np.maximum(cheeks, moustache),
        "moustache": moustache,
        "goatee": np.maximum(np.maximum(moustache, goatee), np.maximum(0.9 * link, soul)),
        "full": np.maximum(cheeks, moustache),
    }
    shape = np.clip(shapes[person.hair.beard], 0, 1)
    hair = np.array(person.hair.colour, np.float32) * 0.80
    paint(face, shape * 0.93, hair * (1 + 0.24 * rough)[..., np.newaxis])

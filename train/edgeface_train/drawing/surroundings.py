"""Paint what a face is seen with: background, shoulders, neck, ears, glasses, and the camera's own marks."""

import cv2
import numpy as np

from edgeface_train.drawing.canvas import Picture, blob, cover, cover_field, darken, grain, paint, ramp
from edgeface_train.drawing.head import Pose, light, skull
from edgeface_train.drawing.person import Person, Take


def background(size: int, take: Take) -> Picture:
    """Return a room, a wall or a garden, far out of focus."""
    rng = np.random.default_rng(take.background)
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32) / size
    base = rng.uniform(0.25, 0.85, 3).astype(np.float32)
    base += (base.mean() - base) * 0.68
    tilt = rng.uniform(-0.5, 0.5, 2)
    slope = 1 + tilt[0] * (columns - 0.5) + tilt[1] * (rows - 0.5)
    scene = base * slope[..., np.newaxis]
    kind = int(rng.integers(3))
    if kind == 0:
        clouds = grain(rng, (6, 6), size)
        scene *= (1 + 0.25 * clouds)[..., np.newaxis]
    for _ in range(int(rng.integers(3, 9)) if kind else 0):
        colour = np.clip(base + rng.uniform(-0.22, 0.22) + rng.uniform(-0.10, 0.10, 3), 0, 1)
        at = rng.uniform(0, 1, 2)
        if kind == 1:
            spread = rng.uniform(0.04, 0.16)
            paint(scene, 0.55 * ramp(1.15, 0.85, np.hypot(columns - at[0], rows - at[1]) / spread), colour)
        else:
            wide = rng.uniform(0.04, 0.2)
            paint(
                scene, 0.7 * ramp(wide, wide - 0.02, np.abs(columns - at[0])) * ramp(at[1], at[1] + 0.04, rows), colour
            )
    return np.clip(scene, 0, 1).astype(np.float32)


def paint_body(picture: Picture, person: Person, pose: Pose) -> None:
    """Paint neck and shoulders."""
    u, v = pose.plane(-0.55)
    if person.hair.style != "scarf":
        half = person.shape.width * 0.55 + 0.14 * ramp(1.85, 2.6, v)
        neck = cover_field((np.abs(u) - half).astype(np.float32)) * ramp(0.6, 0.7, v)
        across = u / person.shape.width
        brightness, _ = light(pose, u, (-0.55 * across * across).astype(np.float32), soft=1.0)
        skin = np.array(person.skin, np.float32) * np.clip(0.92 * brightness, 0, 1.1)[..., np.newaxis]
        darken(skin, 0.55 * blob(u, v, (0, person.shape.chin + 0.02), (0.85, 0.36)))
        paint(picture, neck, skin)
    slope = 2.52 - 0.34 * np.exp(-((u / 0.85) ** 2)) + 0.10 * np.abs(u) ** 1.4
    shoulders = (slope - v).astype(np.float32)
    collar = ((u / 0.70) ** 2 + ((v - 2.12) / 0.40) ** 2 - 1).astype(np.float32)
    cloth = cover_field(shoulders)
    if person.hair.style != "scarf":
        cloth = cloth * (1 - cover_field(collar))
    hem = np.exp(-(((collar - 0.12) / 0.10) ** 2)) if person.hair.style != "scarf" else 0
    shade = (0.66 + 0.25 * np.cos(u * 0.9 - pose.take.light[0])) * (1 - 0.18 * hem)
    paint(picture, cloth, np.array(pose.take.cloth, np.float32) * shade[..., np.newaxis])


def paint_ears(picture: Picture, person: Person, pose: Pose) -> None:
    """Paint both ears; the face hides the one turned away, a scarf both."""
    if person.hair.style == "scarf":
        return
    u, v = pose.plane(-0.50)
    side = np.abs(u)
    tall = 0.27 * (0.75 + 0.25 * person.shape.ears)
    place = person.shape.width + 0.035 * person.shape.ears
    inner = np.hypot((side - place) / (0.13 * person.shape.ears), (v - 0.16) / tall)
    shape = cover_field((inner - 1).astype(np.float32))
    brightness, _ = light(pose, u, skull(person, u, v), soft=1.5)
    tone = np.array(person.skin, np.float32) * np.array([0.98, 0.86, 0.83], np.float32)
    lit = tone * (np.clip(brightness, 0.35, 1.2) * (0.72 + 0.28 * ramp(0.35, 0.85, inner)))[..., np.newaxis]
    paint(picture, shape, lit)
    if person.earrings:
        ring = np.hypot(side - place, v - 0.16 - tall - 0.05)
        paint(picture, cover(ring - 0.05, pose.pixel), (0.86, 0.74, 0.42))


def paint_glasses(picture: Picture, person: Person, pose: Pose) -> None:
    """Paint a frame, its bridge and temples, and a faint reflection."""
    if person.glasses == "none":
        return
    u, v = pose.plane(0.12)
    side = np.abs(u)
    centre, drop = person.eyes.gap + 0.015, 0.03
    wide, tall = (0.33, 0.30) if person.glasses == "round" else (0.36, 0.25)
    power = 2.2 if person.glasses == "round" else 4.5
    field = (np.abs(side - centre) / wide) ** power + (np.abs(v - drop) / tall) ** power
    reach = (field ** (1 / power) - 1) * min(wide, tall)
    rim = cover(np.abs(reach) - 0.022, pose.pixel)
    bridge = cover(np.abs(v + 0.05 - 0.05 * (side / 0.2) ** 2) - 0.02, pose.pixel) * cover(
        side - centre + wide, pose.pixel
    )
    far_u, far_v = pose.plane(-0.1)
    temple = cover(np.abs(far_v + 0.06) - 0.022, pose.pixel) * ramp(0, 0.02, np.abs(far_u) - centre - wide + 0.02)
    temple *= cover(np.abs(far_u) - person.shape.width * 1.02, pose.pixel)
    lens = cover(reach, pose.pixel)
    paint(picture, 0.07 * lens, (0.75, 0.85, 0.95))
    glare = np.exp(-(((u * 0.8 + v - 0.55 * pose.take.light[0]) / 0.05) ** 2)) * lens
    paint(picture, 0.22 * glare, (1, 1, 1))
    paint(picture, np.maximum(np.maximum(rim, bridge), temple), person.glasses_colour)


def photograph(picture: Picture, take: Take) -> Picture:
    """Return the picture as the camera of this take gives it: exposure, colour cast, softness, noise."""
    size = picture.shape[0]
    cast = np.array([1 + take.warmth, 1.0, 1 - take.warmth], np.float32)
    exposed = picture * take.exposure * cast
    if take.blur > 0.2:
        exposed = cv2.GaussianBlur(exposed, (0, 0), take.blur * size / 1000)
    exposed = np.where(exposed > 0.8, 0.8 + 0.2 * np.tanh((exposed - 0.8) / 0.22), exposed)
    noise = np.random.default_rng(take.background + 1).standard_normal(exposed.shape, np.float32)
    return np.clip(exposed + noise * (take.noise / 255), 0, 1).astype(np.float32)

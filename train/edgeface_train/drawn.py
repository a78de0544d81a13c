"""Draw people who do not exist, so that everything can be shown and tried without a photograph of anybody.

A seed is a person and a second seed is a picture of that person: the first fixes what a face consists of, the
second pose, expression, light, background and camera.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from edgeface.core.types import Image, Landmarks
from edgeface_train.drawing import features, hair, head, surroundings
from edgeface_train.drawing.canvas import Picture, Plane, cover_field, darken, paint, window
from edgeface_train.drawing.cast import make_person, make_take
from edgeface_train.drawing.person import Person

SIZE = 240
JPEG_QUALITY = 92


def draw_picture(person_seed: int, picture_seed: int, *, size: int = SIZE) -> tuple[Image, Landmarks]:
    """Return a (size, size, 3) RGB picture and its five landmarks, the same for the same seeds."""
    person, take = make_person(person_seed), make_take(person_seed, picture_seed)
    pose = head.make_pose(size, take)
    picture = surroundings.background(size, take)
    hair.back_hair(picture, person, pose)
    surroundings.paint_body(picture, person, pose)
    surroundings.paint_ears(picture, person, pose)
    u, v = head.on_face(person, pose)
    face, cover = _face(person, pose, u, v)
    body, tones = hair.front_hair(person, pose, cover)
    darken(face, 0.35 * hair.hair_shadow(body, take.light, pose.unit))
    paint(picture, cover, face)
    paint(picture, body, tones)
    surroundings.paint_glasses(picture, person, pose)
    finished = surroundings.photograph(picture, take)
    image = np.round(finished * 255).astype(np.uint8)
    return image, np.array(head.landmarks(person, pose), np.float32)


def write_people(folder: Path, people: int, pictures: int, seed: int = 0, *, workers: int = 1) -> list[str]:
    """Write FOLDER/person-<seed>/<n>.jpg of people seed, seed + 1, ...; return their names.

    `workers` processes share the work, 0 is one a core; what is drawn does not depend on them.
    """
    seeds = range(seed, seed + people)
    if workers == 1:
        return [_write_person(folder, pictures, each) for each in seeds]
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return list(pool.map(partial(_write_person, folder, pictures), seeds, chunksize=4))


def _write_person(folder: Path, pictures: int, seed: int) -> str:
    name = f"person-{seed:04d}"
    (folder / name).mkdir(parents=True, exist_ok=True)
    for picture in range(pictures):
        image, _ = draw_picture(seed, picture)
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        (folder / name / f"{picture:02d}.jpg").write_bytes(jpeg.tobytes())
    return name


def _face(person: Person, pose: head.Pose, u: Plane, v: Plane) -> tuple[Picture, Plane]:
    """Return the lit face and where it is."""
    take = pose.take
    face = np.empty((pose.size, pose.size, 3), np.float32)
    features.paint_skin(face, person, u, v)
    features.paint_folds(face, person, take, u, v)
    features.paint_nose(face, person, take, u, v)
    features.paint_beard(face, person, take, u, v)
    part = window(u, v, (-0.75, 0.75), (0.8, 1.7))
    features.paint_mouth(face[part], person, take, u[part], v[part], pose.pixel)
    for side in (-1, 1):
        part = window(u * side, v, (0.05, 1.05), (-0.8, 0.4))
        features.paint_eye(face[part], person, take, u[part], v[part], side, pose.pixel)
        features.paint_brow(face[part], person, take, u[part], v[part], side)
    brightness, gloss = head.light(pose, u, head.relief(person, take, u, v))
    tint = np.array([0.88, 1.0, 1.06], np.float32)
    face *= np.clip(brightness, 0.02, 1.6)[..., np.newaxis] ** tint
    face += (0.13 * take.contrast * gloss)[..., np.newaxis]
    return face, cover_field(features.face_field(person, u, v))

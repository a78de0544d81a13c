"""Film a still photograph as an attacker holds it before a camera: a print, steady, shaken, tilted or bent, or a phone.

Real optics, painted hands: a pinhole camera sees a sheet of paper in space that moves as slowly as hands do. It writes
videos for `edgeface liveness test`:

python -m tests.attacks OUT PHOTO... [--seconds 4] [--seed 1]
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

WIDTH, HEIGHT, FPS = 640, 480, 25.0
FOCAL_PX = 600.0
"""Of a webcam that sees 56 degrees across."""
DISTANCE = 2.0
"""From the camera to the sheet, in heights of the sheet."""
GRAIN = 3.0
"""Standard deviation of a sensor's noise, in grey levels."""


@dataclass(frozen=True)
class Hand:
    """How far a sheet is moved: standard deviations of each movement."""

    shift: float
    """To the sides and up and down, in heights of the sheet."""
    nearer: float
    """Towards the camera, likewise."""
    roll: float
    """Degrees, in the plane of the sheet."""
    tilt: float
    """Degrees, out of that plane, about both axes."""
    bend: float = 0.0
    """Degrees of arc into which the sheet is rolled about its upright axis."""
    screen: bool = False
    """True: a phone, with its dark rim, its lines of pixels and a glare that wanders."""


KINDS = {
    "print-still": Hand(0, 0, 0, 0),
    "print-shaken": Hand(0.05, 0.12, 4, 2),
    "print-tilted": Hand(0.03, 0.08, 3, 18),
    "print-bent": Hand(0.03, 0.08, 3, 8, bend=45),
    "phone": Hand(0.03, 0.08, 3, 8, screen=True),
}


def film(photo: Image, kind: str, *, seconds: float = 4.0, seed: int = 1, fps: float = FPS) -> Iterator[Image]:
    """Yield the (480, 640, 3) RGB frames of one attack with an RGB photograph."""
    random, hand = np.random.default_rng(seed), KINDS[kind]
    time = np.arange(round(seconds * fps)) / fps
    sheet = _phone(photo) if hand.screen else photo
    moves = _moves(random, time, 7)
    wall = np.full((HEIGHT, WIDTH, 3), random.integers(70, 170), np.float32)
    for across, down, near, roll, yaw, pitch, bend in moves.T:
        shift = np.array([across * hand.shift, down * hand.shift, near * hand.nearer])
        turn = _turn(roll * hand.roll, yaw * hand.tilt, pitch * hand.tilt)
        map_x, map_y = _sheet_of_pixels(shift, turn, math.radians(bend * hand.bend), sheet.shape[:2])
        seen = cv2.remap(
            sheet, map_x, map_y, cv2.INTER_AREA, borderMode=cv2.BORDER_TRANSPARENT, dst=wall.astype(np.uint8)
        )
        frame = seen.astype(np.float32)
        if hand.screen:
            frame += _glare(across, yaw) * _inside(map_x, map_y, sheet)
        frame = cv2.GaussianBlur(frame, (0, 0), 0.7) + random.normal(0, GRAIN, frame.shape)
        yield np.clip(frame, 0, 255).astype(np.uint8)


def _moves(random: np.random.Generator, time: npt.NDArray[np.float64], many: int) -> npt.NDArray[np.float64]:
    """Return (many, times) wanderings of a hand: sway under 1 Hz and tremor up to 8 Hz, standard deviation about 1."""
    sway = sum(
        random.normal(0, 0.65, (many, 1))
        * np.sin(2 * np.pi * (random.uniform(0.2, 0.9, (many, 1)) * time + random.random((many, 1))))
        for _ in range(3)
    )
    tremor = 0.06 * np.sin(2 * np.pi * (random.uniform(4, 8, (many, 1)) * time + random.random((many, 1))))
    return np.asarray(sway + tremor)


def _turn(roll: float, yaw: float, pitch: float) -> npt.NDArray[np.float64]:
    """Return the rotation matrix of three angles in degrees."""
    about_z, about_y, about_x = (
        cv2.Rodrigues(np.radians([x, y, z]))[0] for x, y, z in ((0, 0, roll), (0, yaw, 0), (pitch, 0, 0))
    )
    return about_z @ about_y @ about_x


def _sheet_of_pixels(
    shift: npt.NDArray[np.float64], turn: npt.NDArray[np.float64], bend: float, size: tuple[int, int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return, for each pixel of the camera, the place on the sheet that it sees; outside of the sheet where none."""
    columns, rows = np.meshgrid(np.arange(WIDTH) - WIDTH / 2, np.arange(HEIGHT) - HEIGHT / 2)
    rays = np.stack([columns / FOCAL_PX, rows / FOCAL_PX, np.ones_like(columns)], -1) @ turn
    x0, y0, z0 = -np.add(shift, (0, 0, DISTANCE)) @ turn  # the camera, as seen from the sheet
    vx, vy, vz = rays[..., 0], rays[..., 1], rays[..., 2]
    if abs(bend) < 1e-3:
        reach = -z0 / vz
        along = x0 + reach * vx
    else:
        radius = size[1] / size[0] / bend
        a, b, c = vx**2 + vz**2, x0 * vx + (z0 - radius) * vz, x0**2 + (z0 - radius) ** 2 - radius**2
        root = np.sqrt(np.maximum(b * b - a * c, 0))
        reach = (-b - root) / a if radius > 0 else (-b + root) / a
        along = radius * np.arcsin(np.clip((x0 + reach * vx) / radius, -1, 1))
    map_x = along * size[0] + size[1] / 2
    map_y = (y0 + reach * vy) * size[0] + size[0] / 2
    return map_x.astype(np.float32), map_y.astype(np.float32)


def _phone(photo: Image) -> Image:
    """Put a photograph on a screen: a dark rim, and the lines of its pixels."""
    framed = cv2.copyMakeBorder(photo, 40, 40, 20, 20, cv2.BORDER_CONSTANT, value=(12, 12, 14))
    lines = 1 - 0.08 * (np.arange(framed.shape[0]) % 3 == 0)
    return (framed * lines[:, None, None]).astype(np.uint8)


def _glare(across: float, down: float) -> npt.NDArray[np.float32]:
    """Return a lamp's reflection, (480, 640, 1), that wanders over the glass."""
    x, y = WIDTH / 2 + 90 * across, HEIGHT / 2 + 70 * down
    columns, rows = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    return 90 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 55**2))[..., None]


def _inside(map_x: npt.NDArray[np.float32], map_y: npt.NDArray[np.float32], sheet: Image) -> npt.NDArray[np.bool_]:
    """Return which pixels of the camera see the sheet, (480, 640, 1)."""
    height, width = sheet.shape[:2]
    return ((map_x > 0) & (map_x < width) & (map_y > 0) & (map_y < height))[..., None]


def write(path: Path, photo: Image, kind: str, *, seconds: float = 4.0, seed: int = 1, fps: float = FPS) -> None:
    """Write one attack as a video."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (WIDTH, HEIGHT))
    assert writer.isOpened(), path
    for frame in film(photo, kind, seconds=seconds, seed=seed, fps=fps):
        writer.write(frame[..., ::-1])
    writer.release()


def main() -> None:
    """Write an attack of each kind with each photograph: OUT/KIND/PHOTO.mp4."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for number, photo in enumerate(given.photos):
        image = np.ascontiguousarray(cv2.imread(str(photo), cv2.IMREAD_COLOR)[..., ::-1])
        for kind in KINDS:
            folder = given.out / kind
            folder.mkdir(parents=True, exist_ok=True)
            write(folder / f"{photo.stem}.mp4", image, kind, seconds=given.seconds, seed=given.seed + number)


if __name__ == "__main__":
    main()

"""Turn one photo into an aligned chip with a border, or say why not."""

import hashlib
import os
import signal
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from edgeface.core.align import CHIP_SIZE, TEMPLATE, align
from edgeface.core.types import Face, Image
from edgeface.drivers.detectors.yunet import YuNet
from edgeface.drivers.photos import read_photo
from edgeface.errors import PoorPhoto
from edgeface_train.chips import BORDER, SIZES, SUFFIXES
from edgeface_train.duplicates import perceptual_hash

DOMINANT = 3.0
"""A face this many times as large, by area, as every other one is the subject of its photo.

Of 1,000 photos of people 9 show more than one face; in 8 of them the subject's is 3.4 times as large or more.
"""
MIN_FACE_PX = 24
"""A narrower face leaves nothing to learn from in a chip of 112 pixels."""
CHIP_SUFFIX = ".png"
"""Lossless and written in half a millisecond; lossless WebP is half as large but takes 13 ms."""
_TEMPLATE_EYES_PX = float(np.linalg.norm(TEMPLATE[1] - TEMPLATE[0]))


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of one photo; a line of the cache's index."""

    photo: str
    """PERSON/FILE, relative to the folder of photos."""
    bytes: int
    modified: int
    """Of the file, in nanoseconds; with `bytes` it tells whether to look again."""
    digest: str = ""
    """SHA-256 of the file; empty when it could not be read."""
    reason: str = ""
    """Why there is no chip; empty when there is one."""
    side: int = 0
    """Of the chip, in pixels."""
    hash: int = 0
    """See `duplicates.perceptual_hash`."""
    detail: float = 0.0
    """Distance of the eyes in the photo, in pixels."""
    suffix: str = CHIP_SUFFIX
    """Of the chip's file."""

    @property
    def person(self) -> str:
        """The folder of the photo."""
        return self.photo.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Settings:
    """What every photo of a run is examined with."""

    photos: Path
    chips: Path
    """Folder of the cache: one lossless chip for each content digest."""
    already_chips: bool


def chip_path(chips: Path, photo: Examined) -> Path:
    """Return where the chip of a photo with this content is kept."""
    return chips / photo.digest[:2] / f"{photo.digest}{photo.suffix}"


def start_worker() -> None:
    """Prepare a process: one core each, and an interrupt is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def examine_all(settings: Settings, photos: list[Examined]) -> list[Examined]:
    """Examine a batch, in order."""
    return [examine(settings, photo) for photo in photos]


def examine(settings: Settings, photo: Examined) -> Examined:
    """Read a photo, find the one face, keep its chip; the result says why when there is none."""
    path = settings.photos / photo.photo
    try:
        photo = replace(photo, digest=_digest(path))
        image = read_photo(path)
        if settings.already_chips:
            chip, detail = _checked(image), _TEMPLATE_EYES_PX
        else:
            face = choose_face(_detector().detect(image))
            chip = align(image, face.landmarks, border=BORDER)
            detail = float(np.linalg.norm(face.landmarks[1] - face.landmarks[0]))
    except PoorPhoto as error:
        return replace(photo, reason=error.message.removeprefix(f"{path} ").removeprefix("is "))
    except (cv2.error, ValueError) as error:  # a detection or landmarks that are no face's
        return replace(photo, reason=f"its face cannot be aligned: {error}")
    suffix = path.suffix.lower()
    if settings.already_chips and suffix in SUFFIXES:
        photo, content = replace(photo, suffix=suffix), path.read_bytes()
    else:
        content = cv2.imencode(CHIP_SUFFIX, cv2.cvtColor(chip, cv2.COLOR_RGB2BGR))[1].tobytes()
    _write_whole(chip_path(settings.chips, photo), content)
    return replace(photo, side=len(chip), hash=perceptual_hash(chip), detail=round(detail, 1))


def choose_face(faces: list[Face]) -> Face:
    """Return the one face of a photo, or of several the one that dominates. Raise PoorPhoto otherwise."""
    if not faces:
        raise PoorPhoto("no face found")
    areas = [face.box.width * face.box.height for face in faces]
    if len(faces) > 1 and areas[0] < DOMINANT * areas[1]:
        times = f"the largest is {areas[0] / areas[1]:.1f} times the next, {DOMINANT:g} are needed"
        raise PoorPhoto(f"{len(faces)} faces found and none dominates: {times}")
    if faces[0].box.width < MIN_FACE_PX:
        raise PoorPhoto(f"face is {faces[0].box.width:.0f} px wide, at least {MIN_FACE_PX} are needed")
    return faces[0]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PoorPhoto(f"cannot be read: {error.strerror}") from error


def _checked(image: Image) -> Image:
    height, width = image.shape[:2]
    if height != width or height not in SIZES:
        raise PoorPhoto(f"chip has {width}x{height} px, not {CHIP_SIZE}x{CHIP_SIZE} or {SIZES[1]}x{SIZES[1]}")
    return image


def _write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.write_bytes(content)
    draft.replace(path)


@cache
def _detector() -> YuNet:
    """Return this process's detector; it holds a network and cannot be sent to a process."""
    return YuNet()

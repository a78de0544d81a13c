"""Say whether a face is good enough to learn or recognise, and if not, why: small, dark, blurred, turned."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeface.core.align import CHIP_SIZE
from edgeface.core.types import Box, Face, Image, Landmarks

NOSE_DEPTH = 0.5
"""How far the tip of a nose stands out before the plane of eyes and mouth, in distances between the eyes.
Three-dimensional face models say 0.4 to 0.6."""

MIDDLE = np.s_[28:100, 20:92]
"""The part of a chip that is face and not hair or background, from the brows to below the mouth."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How poor a face may be. The defaults are those for enrolment."""

    min_face_px: float = 40
    """Width of the detector's box in the picture."""
    min_brightness: float = 40
    """Mean of the grey face, 0 to 255. Low on purpose: well-lit dark skin averages 55 to 70."""
    max_brightness: float = 225
    min_sharpness: float = 0.22
    """As in `sharpness`."""
    max_yaw: float = 45
    """Degrees to either side; 90 is a profile."""
    max_roll: float = 45
    """Degrees to either side. Alignment undoes roll; beyond this the landmarks cannot be trusted."""
    min_visible: float = 0.8
    """The share of the box that lies inside of the picture."""


ENROLL_LIMITS = Limits()
"""What a photo must keep to be learned: each comparison in the future leans on it."""

LIVE_LIMITS = Limits(
    min_face_px=32,
    min_brightness=25,
    max_brightness=235,
    min_sharpness=0.13,
    max_yaw=60,
    max_roll=60,
    min_visible=0.6,
)
"""What a look must keep to have a vote: looser, as others follow."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured on one face; units as in `Limits`."""

    face_px: float
    brightness: float
    sharpness: float
    yaw: float
    """Degrees; positive when the nose points to the right of the picture."""
    roll: float
    """Degrees; positive when the head is turned clockwise in the picture."""
    visible: float
    score: float
    """All of it in one number, 0 to 1, to find the best look of a track; no limit applies to it."""


def assess(image: Image, face: Face, chip: Image) -> Quality:
    """Measure a face: its box and landmarks in the picture, light and sharpness on its (112, 112, 3) chip."""
    if chip.shape != (CHIP_SIZE, CHIP_SIZE, 3):
        raise ValueError(f"a chip must be ({CHIP_SIZE}, {CHIP_SIZE}, 3), not {chip.shape}")
    grey = luminance(chip[MIDDLE])
    brightness, sharp = float(grey.mean()), sharpness(grey)
    yaw, roll = pose(face.landmarks)
    visible = _visible_share(face.box, image.shape[1], image.shape[0])
    size = min(1.0, face.box.width / 80)
    light = min(1.0, brightness / 50, (255 - brightness) / 55)
    score = size * light * min(1.0, sharp / 0.5) * max(0.0, math.cos(math.radians(yaw))) * visible
    return Quality(face.box.width, brightness, sharp, yaw, roll, visible, max(0.0, score))


def reasons(quality: Quality, limits: Limits) -> list[str]:
    """Say in what ways a face is poorer than the limits allow; nothing when it is good enough."""
    return [reason for failed, reason in _of_place(quality, limits) + _of_light(quality, limits) if failed]


def luminance(image: Image) -> npt.NDArray[np.float32]:
    """Return the brightness of each pixel, 0 to 255 (ITU-R BT.601)."""
    return image @ np.array([0.299, 0.587, 0.114], np.float32)


def sharpness(grey: npt.NDArray) -> float:
    """Return how much of the differences between neighbours a blur over five pixels would remove, 0 to 1.

    The poorer of the two directions counts, so that motion blur shows; exposure and contrast cancel out.
    Measured on a chip, where an upscaled small face is as soft as a blurred large one. Noise looks sharp.
    Good photos give 0.3 to 0.65; a chip scaled up from a face of 20 px, or blurred with a sigma of 1.5 px,
    under 0.22.
    Source: Crete et al. 2007, "The blur effect", eq. 1-6, with a shorter filter, as 1 - blur.
    """
    return min(_removed_by_blur(grey), _removed_by_blur(grey.T))


def pose(landmarks: Landmarks) -> tuple[float, float]:
    """Return yaw and roll in degrees from five landmarks, by plane geometry: right to about ten degrees.

    The axis of the face runs from the middle of the eyes to the middle of the mouth; roll is its angle to
    the vertical. With e the distance between the eyes and d that of the nose from the axis, both across
    the axis, yaw = atan2(d / 0.5, e): a head turned by yaw shows e = E cos(yaw) and d = 0.5 E sin(yaw).
    Landmarks without an axis count as a profile.
    """
    right_eye, left_eye, nose, right_mouth, left_mouth = np.asarray(landmarks, np.float64)
    eyes = (right_eye + left_eye) / 2
    down_x, down_y = (right_mouth + left_mouth) / 2 - eyes
    if not math.hypot(down_x, down_y) > 0:
        return 90.0, 0.0
    across = np.array([down_y, -down_x]) / math.hypot(down_x, down_y)
    offset, eye_distance = float((nose - eyes) @ across), float((left_eye - right_eye) @ across)
    yaw = math.degrees(math.atan2(offset / NOSE_DEPTH, eye_distance))
    return yaw, math.degrees(math.atan2(-down_x, down_y))


def _removed_by_blur(grey: npt.NDArray) -> float:
    """Compare vertical neighbours; means of five that overlap in four differ by a fifth of the outer two."""
    sharp = np.abs(grey[3:-2] - grey[2:-3])
    blurred = np.abs(grey[5:] - grey[:-5]) / 5
    total = float(sharp.sum())
    return float(np.maximum(sharp - blurred, 0).sum()) / total if total > 0 else 0.0


def _visible_share(box: Box, width: int, height: int) -> float:
    across = min(box.left + box.width, width) - max(box.left, 0)
    down = min(box.top + box.height, height) - max(box.top, 0)
    area = box.width * box.height
    return min(1.0, max(0.0, across) * max(0.0, down) / area) if area > 0 else 0.0


def _of_place(found: Quality, limits: Limits) -> list[tuple[bool, str]]:
    visible, yaw, roll = math.floor(found.visible * 100), abs(found.yaw), abs(found.roll)
    return [
        (
            found.face_px < limits.min_face_px,
            f"face is {math.floor(found.face_px)} px wide, at least {limits.min_face_px:g} are needed",
        ),
        (
            found.visible < limits.min_visible,
            f"cut off by the edge of the picture: {visible} % of the face is visible, "
            f"at least {limits.min_visible * 100:g} % are needed",
        ),
        (
            yaw > limits.max_yaw,
            f"turned away: about {math.ceil(yaw)} degrees sideways, at most {limits.max_yaw:g} are allowed",
        ),
        (
            roll > limits.max_roll,
            f"tilted: about {math.ceil(roll)} degrees, at most {limits.max_roll:g} are allowed",
        ),
    ]


def _of_light(found: Quality, limits: Limits) -> list[tuple[bool, str]]:
    darkest, brightest = math.floor(found.brightness), math.ceil(found.brightness)
    return [
        (
            found.brightness < limits.min_brightness,
            f"too dark: brightness {darkest} of 255, at least {limits.min_brightness:g} is needed",
        ),
        (
            found.brightness > limits.max_brightness,
            f"too bright: brightness {brightest} of 255, at most {limits.max_brightness:g} is allowed",
        ),
        (
            found.sharpness < limits.min_sharpness,
            f"too blurred: sharpness {math.floor(found.sharpness * 100) / 100:.2f} of 1, "
            f"at least {limits.min_sharpness:g} is needed",
        ),
    ]

"""Turn five landmarks into an upright 112x112 chip, the same way for the trainer and the device.

Integer coordinates are pixel centres, as in OpenCV.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Image, Landmarks

CHIP_SIZE = 112

TEMPLATE: Landmarks = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    np.float32,
)
"""Where the landmarks belong in a chip of 112 px: right eye, left eye, nose, right and left mouth corner.

Source: Deng et al. 2019, "ArcFace", the published alignment.
"""

Planes = npt.NDArray[np.float32]


class _Axis(NamedTuple):
    """The stretch of a row or column of the image that a chip needs, in blocks of `factor` pixels."""

    start: int
    blocks: int
    factor: int
    length: int

    def of(self, coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Express image coordinates in blocks, kept inside the stretch: its rim is black or unused."""
        in_blocks = (coordinates - (self.start + (self.factor - 1) / 2)) / self.factor
        return np.clip(in_blocks, 0, self.blocks - 1.001).astype(np.float32)


def similarity_transform(source: Landmarks, target: npt.NDArray) -> npt.NDArray[np.float64]:
    """Return the (2, 3) rotation, scale and shift, without reflection, that best takes source to target.

    Least squares over (n, 2) points. Source: Umeyama 1991, eq. 40-42; in the plane, with points as complex
    numbers, the optimum is `a = sum(conj(s) t) / sum(|s|^2)` for centred s and t.
    Raise ValueError when the points coincide or no such transform exists.
    """
    from_points, to_points = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if from_points.shape != to_points.shape or from_points.ndim != 2 or from_points.shape[1] != 2:
        raise ValueError(f"points must be two arrays of (n, 2), not {from_points.shape} and {to_points.shape}")
    if len(from_points) < 2:
        raise ValueError(f"{len(from_points)} points do not make a transform, at least 2 are needed")
    from_centre, to_centre = from_points.mean(axis=0), to_points.mean(axis=0)
    (sx, sy), (tx, ty) = (from_points - from_centre).T, (to_points - to_centre).T
    spread = sx @ sx + sy @ sy
    if not spread > 0:
        raise ValueError("the points coincide or are not numbers: no transform takes them to the target")
    cosine, sine = (sx @ tx + sy @ ty) / spread, (sx @ ty - sy @ tx) / spread
    if not math.hypot(cosine, sine) > 0:
        raise ValueError("the points fit the target no better than a single point does")
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, to_centre - turn @ from_centre])


def align(image: Image, landmarks: Landmarks, *, size: int = CHIP_SIZE, border: int = 0) -> Image:
    """Cut an upright face out of an RGB image: size + 2 border pixels square, its landmarks on the template.

    The template is scaled to `size`; `border` adds as many pixels on every side. Outside of the image is
    black. A face larger than the chip is averaged down first, so that fine texture does not turn into noise.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"an image must be (height, width, 3) uint8, not {image.shape} {image.dtype}")
    target = TEMPLATE.astype(np.float64) * (size / CHIP_SIZE) + border
    (a, b, shift_x), (c, d, shift_y) = similarity_transform(landmarks, target)
    squared_scale = a * d - b * c
    along = np.arange(size + 2 * border, dtype=np.float64)
    x, y = along[None, :] - shift_x, along[:, None] - shift_y
    image_x, image_y = (d * x - b * y) / squared_scale, (a * y - c * x) / squared_scale
    # Flooring, not rounding: against exact area sampling it is never worse and up to 6 dB better, as bilinear
    # sampling of up to two pixels for one hardly aliases.
    factor = max(1, min(math.floor(1 / math.sqrt(squared_scale)), *image.shape[:2]))
    columns = _axis(image_x, image.shape[1], factor)
    rows = _axis(image_y, image.shape[0], factor)
    return _bilinear(_shrunk(image, rows, columns), rows.of(image_y), columns.of(image_x))


def _axis(coordinates: npt.NDArray[np.float64], length: int, factor: int) -> _Axis:
    """Return the stretch that covers the coordinates, no farther than one block of black around the image."""
    low, high = np.clip([coordinates.min(), coordinates.max()], -1, length)
    start = math.floor(low) - factor
    return _Axis(start, (math.ceil(high) - start) // factor + 3, factor, length)


def _shrunk(image: Image, rows: _Axis, columns: _Axis) -> Planes:
    """Average the image over blocks of factor x factor pixels; return (3, blocks, blocks) colour planes."""
    factor = rows.factor
    region = np.zeros((rows.blocks * factor, columns.blocks * factor, 3), np.uint8)
    top, left = max(rows.start, 0), max(columns.start, 0)
    inside = image[top : max(rows.start + region.shape[0], 0), left : max(columns.start + region.shape[1], 0)]
    region_top, region_left = top - rows.start, left - columns.start
    region[region_top : region_top + inside.shape[0], region_left : region_left + inside.shape[1]] = inside
    if factor == 1:
        return np.ascontiguousarray(region.transpose(2, 0, 1), np.float32)
    summed = region[::factor].astype(np.uint32)
    for offset in range(1, factor):
        summed += region[offset::factor]
    planes = np.ascontiguousarray(summed.transpose(2, 0, 1), np.float32)
    return sum((planes[:, :, offset::factor] for offset in range(1, factor)), planes[:, :, ::factor]) / np.float32(
        factor * factor
    )


def _bilinear(planes: Planes, y: Planes, x: Planes) -> Image:
    """Sample (3, height, width) planes at (n, n) coordinates; return (n, n, 3) uint8."""
    left, top = x.astype(np.intp), y.astype(np.intp)
    right_share, bottom_share = (x - left).ravel(), (y - top).ravel()
    flat, width = planes.reshape(3, -1), planes.shape[2]
    corner = (top * width + left).ravel()
    upper = _between(flat, corner, right_share)
    lower = _between(flat, corner + width, right_share)
    upper += (lower - upper) * bottom_share
    upper += np.float32(0.5)
    return np.ascontiguousarray(upper.astype(np.uint8).reshape(3, *x.shape).transpose(1, 2, 0))


def _between(flat: Planes, at: npt.NDArray[np.intp], right_share: Planes) -> Planes:
    left = flat.take(at, axis=1)
    right = flat.take(at + 1, axis=1)
    right -= left
    right *= right_share
    left += right
    return left

"""Turn a libcamera buffer into an RGB picture, whatever its layout, stride, matrix and range are."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from edgeface.core.types import Image
from edgeface.errors import CameraError

RED_BLUE_WEIGHTS: dict[str, tuple[float, float]] = {"Rec601": (0.299, 0.114), "Rec709": (0.2126, 0.0722)}
"""What red and blue weigh in luma, Kr and Kb of ITU-R BT.601-7 and BT.709-6."""

PACKED = {"RGB888": cv2.COLOR_BGR2RGB, "BGR888": None, "XRGB8888": cv2.COLOR_BGRA2RGB, "XBGR8888": cv2.COLOR_RGBA2RGB}
"""libcamera names a format from the last byte to the first: the bytes of "RGB888" are blue, green, red."""

PLANAR = {"YUV420": False, "YVU420": True}
INTERLEAVED = {"NV12": False, "NV21": True}
"""True: V comes before U."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the pixels of a stream lie in memory."""

    name: str
    """As libcamera calls the format, such as "YUV420"."""
    width: int
    height: int
    """Pixels; both are even where chroma is subsampled."""
    matrix: Literal["Rec601", "Rec709"] = "Rec601"
    full_range: bool = False
    """False: luma is 16 to 235, chroma 16 to 240."""

    def check(self) -> None:
        """Raise CameraError when `rgb_of` knows no such format."""
        known = [*PACKED, *PLANAR, *INTERLEAVED]
        if self.name not in known:
            raise CameraError(
                f"the Pi camera gives pictures in format {self.name}", hint=f"edgeface reads {', '.join(known)}"
            )


def rgb_of(array: npt.NDArray[np.uint8], layout: Layout) -> Image:
    """Return the RGB picture of an array as `make_array` of picamera2 gives it.

    Packed formats are (height, width, 3 or 4); others are (height * 3 / 2, stride), of which the rows may be padded.
    """
    if layout.name in PACKED:
        turn = PACKED[layout.name]
        return np.ascontiguousarray(array) if turn is None else _uint8(cv2.cvtColor(array, turn))
    luma = array[: layout.height, : layout.width]
    chroma = cv2.resize(_chroma(array, layout), (layout.width, layout.height), interpolation=cv2.INTER_LINEAR)
    return _uint8(cv2.transform(np.dstack([luma, chroma]), _to_rgb(layout.matrix, full_range=layout.full_range)))


def _chroma(array: npt.NDArray[np.uint8], layout: Layout) -> npt.NDArray[np.uint8]:
    """Return U and V as (height / 2, width / 2, 2)."""
    rows, columns = layout.height // 2, layout.width // 2
    below = np.ascontiguousarray(array[layout.height : layout.height + rows])
    if layout.name in INTERLEAVED:
        both = below[:, : 2 * columns].reshape(rows, columns, 2)
        return both[..., ::-1].copy() if INTERLEAVED[layout.name] else both
    # Each plane has half the stride, so that two of its rows lie in one row of the array.
    first, second = below.reshape(2, rows, -1)[..., :columns]
    return np.dstack([second, first] if PLANAR[layout.name] else [first, second])


def _to_rgb(matrix: str, *, full_range: bool) -> npt.NDArray[np.float32]:
    """Return the (3, 4) affine map from Y, U, V to R, G, B (ITU-R BT.601-7, 2.5, and BT.709-6, 3, inverted)."""
    red, blue = RED_BLUE_WEIGHTS[matrix]
    green = 1 - red - blue
    luma, chroma, black = (1.0, 1.0, 0) if full_range else (255 / 219, 255 / 224, 16)
    by_u, by_v = 2 * (1 - blue) * chroma, 2 * (1 - red) * chroma
    linear = np.array(
        [[luma, 0, by_v], [luma, -by_u * blue / green, -by_v * red / green], [luma, by_u, 0]],
        np.float32,
    )
    return np.column_stack([linear, -linear @ np.array([black, 128, 128], np.float32)])


def _uint8(picture: object) -> Image:
    return np.asarray(picture, np.uint8)

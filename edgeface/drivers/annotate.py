"""Draw names on frames and write them to a video."""

import os
import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edgeface.core.types import Box, Image
from edgeface.drivers.closing import Closing
from edgeface.drivers.quiet import opencv_muted
from edgeface.errors import HardwareError

Label = tuple[Box, str, bool]
"""A face's box, the text over it, and whether the person is known."""

KNOWN = (46, 125, 50)
UNKNOWN = (97, 97, 97)
TEXT = (255, 255, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX
TEXT_SHARE = 1 / 32
"""Height of a letter as a share of the frame's height: readable when a 1080p video fills a phone."""

LEAST_TEXT_PX = 9
DEFAULT_FPS = 25.0
SPARE_BYTES = 4 * 2**20
"""What must be free on the disk for another frame, those that OpenCV still holds back, and the end of the file."""


def draw(image: Image, labels: Sequence[Label]) -> Image:
    """Return a copy of an RGB image with a box and a readable name for every face: green if known, else grey.

    A name stands over its box, or inside when there is no room, and never reaches out of the image; where two meet,
    the known lie over the unknown and the larger faces over the smaller. The font of OpenCV knows ASCII only: other
    letters lose their accents or become "?".
    """
    drawn = np.ascontiguousarray(image).copy()
    letter_px = max(LEAST_TEXT_PX, round(image.shape[0] * TEXT_SHARE))
    for box, text, known in sorted(labels, key=_prominence):
        colour = KNOWN if known else UNKNOWN
        _rectangle(drawn, box, colour, max(1, letter_px // 8))
        if text:
            _name(drawn, box, _ascii(text), colour, letter_px)
    return drawn


class VideoWriter(Closing):
    """An .mp4 of annotated frames at the frame rate of their source.

    The first frame sets the size; later ones of another size are scaled to it. Without any frame no file is
    made. Raise HardwareError when the file cannot be written.
    """

    def __init__(self, path: Path, fps: float | None) -> None:
        self._path = path
        self._fps = fps if fps and fps > 0 else DEFAULT_FPS
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        if path.suffix.lower() != ".mp4":
            raise HardwareError(f"video {path} cannot be written: its name must end in .mp4")
        if not os.access(path.parent / ".", os.W_OK, effective_ids=True):
            raise HardwareError(
                f"video {path} cannot be written: {path.parent} is no folder for that",
                hint="name a file in a folder that can be written",
            )

    def __repr__(self) -> str:
        return f"VideoWriter({str(self._path)!r}, {'open' if self._writer else 'closed'})"

    def write(self, image: Image, labels: Sequence[Label] = ()) -> None:
        """Append a frame with its labels."""
        if self._writer is None:
            self._writer = self._open(image)
        blue_first = cv2.cvtColor(draw(image, labels), cv2.COLOR_RGB2BGR)
        height, width = image.shape[:2]
        if (width & ~1, height & ~1) == self._size:
            blue_first = np.ascontiguousarray(blue_first[: self._size[1], : self._size[0]])
        else:
            blue_first = cv2.resize(blue_first, self._size, interpolation=cv2.INTER_AREA)
        # OpenCV does not tell when a frame could not be written, so the disk must not become full.
        if shutil.disk_usage(self._path.parent).free < SPARE_BYTES:
            raise HardwareError(f"video {self._path} cannot grow: the disk is full", hint="free some space")
        with opencv_muted():
            self._writer.write(blue_first)

    def close(self) -> None:
        """Finish the file. A second call does nothing."""
        if self._writer is not None:
            self._writer.release()
        self._writer = None

    def _open(self, image: Image) -> cv2.VideoWriter:
        height, width = image.shape[:2]
        self._size = (width & ~1, height & ~1)  # the codec stores colour for 2x2 pixels
        with opencv_muted():
            codec = cv2.VideoWriter.fourcc(*"mp4v")
            writer = cv2.VideoWriter(str(self._path), cv2.CAP_FFMPEG, codec, self._fps, self._size)
        if not writer.isOpened():
            raise HardwareError(
                f"video {self._path} cannot be written: {width} x {height} px, {self._fps:g} frames a second",
                hint="check that its folder can be written, and that OpenCV was installed by pip",
            )
        return writer


def _prominence(label: Label) -> tuple[bool, float]:
    box, _, known = label
    return known, box.width * box.height


def _rectangle(image: Image, box: Box, colour: tuple[int, int, int], thickness: int) -> None:
    corner = (round(box.left), round(box.top))
    opposite = (round(box.left + box.width), round(box.top + box.height))
    cv2.rectangle(image, corner, opposite, colour, thickness, cv2.LINE_AA)


def _name(image: Image, box: Box, text: str, colour: tuple[int, int, int], letter_px: int) -> None:
    height, width = image.shape[:2]
    thickness = max(1, round(letter_px / 10))
    scale = cv2.getFontScaleFromHeight(FONT, letter_px, thickness)
    (text_width, text_height), below = cv2.getTextSize(text, FONT, scale, thickness)
    rim = max(2, letter_px // 3)
    plate = (text_width + 2 * rim, text_height + below + rim)
    above = round(box.top) - plate[1]
    left = min(max(round(box.left), 0), max(width - plate[0], 0))
    top = min(above if above >= 0 else max(round(box.top), 0), max(height - plate[1], 0))
    cv2.rectangle(image, (left, top), (left + plate[0], top + plate[1]), colour, cv2.FILLED)
    baseline = (left + rim, top + rim // 2 + text_height)
    cv2.putText(image, text, baseline, FONT, scale, TEXT, thickness, cv2.LINE_AA)


def _ascii(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return plain.encode("ascii", "replace").decode("ascii")

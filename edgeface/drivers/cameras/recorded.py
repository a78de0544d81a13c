"""Videos and folders of pictures, played as if they were filmed now."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2

from edgeface.core.types import Frame
from edgeface.drivers.cameras.live import declared_fps, red_first
from edgeface.drivers.cameras.source import Source
from edgeface.drivers.photos import SUFFIXES, list_photos, read_photo
from edgeface.drivers.quiet import opencv_muted
from edgeface.errors import CameraError, PoorPhoto

PICTURES_FPS = 1.0
VIDEO_HINT = "a video file such as .mp4, .avi or .mkv is needed"

TEXT_BYTES = 4096
"""Of these, at the start of a video, some are below 32."""


def open_recording(path: Path, *, clock: Callable[[], float] = time.time, realtime: bool = False) -> Source:
    """Open what is there: a folder of pictures, one picture, or else a video."""
    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        return PictureFolder(path, clock=clock, realtime=realtime)
    return VideoFile(path, clock=clock, realtime=realtime)


class VideoFile(Source):
    """Every frame of a video file; `seconds` is the opening time plus the position in the video."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time, realtime: bool = False) -> None:
        super().__init__(str(path))
        if _is_text(path):
            raise CameraError(f"{path} is text, not a video", hint=VIDEO_HINT)
        with opencv_muted():
            self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise CameraError(_why_unplayable(path), hint=VIDEO_HINT)
        self._fps = declared_fps(self._capture)
        self._start = clock()
        self._realtime = realtime

    @property
    def fps(self) -> float | None:
        """Frames per second as the file declares them."""
        return self._fps

    def frames(self) -> Iterator[Frame]:
        """Yield every frame, as fast as it is asked for, or with `realtime` as fast as it was filmed."""
        frames = self._frames()
        return _paced(frames, self._start) if self._realtime else frames

    def _frames(self) -> Iterator[Frame]:
        number, position = 0, -math.inf
        while not self.closed:
            with opencv_muted():
                found, picture = self._capture.read()
            if not found:
                if not number:
                    raise CameraError(
                        f"video {self.name} holds no frame that can be decoded", hint="convert it to .mp4"
                    )
                return
            declared = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            # Some containers know no times: then the frame rate must do.
            position = declared if declared > position else max(position, 0) + 1 / (self._fps or 25)
            number += 1
            yield Frame(red_first(picture), self._start + position)

    def _release(self) -> None:
        self._capture.release()


class PictureFolder(Source):
    """The pictures in a folder by name, or a single one, a second of stream time apart."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time, realtime: bool = False) -> None:
        super().__init__(str(path))
        try:
            self._photos = list_photos(path)
        except PoorPhoto as error:
            raise CameraError(str(error), hint=error.hint) from error
        self._start = clock()
        self._realtime = realtime

    @property
    def fps(self) -> float | None:
        """One picture a second."""
        return PICTURES_FPS

    def frames(self) -> Iterator[Frame]:
        """Yield each picture. Raise CameraError at the first that cannot be read."""
        frames = self._frames()
        return _paced(frames, self._start) if self._realtime else frames

    def _frames(self) -> Iterator[Frame]:
        for number, photo in enumerate(self._photos):
            if self.closed:
                return
            try:
                image = read_photo(photo)
            except PoorPhoto as error:
                raise CameraError(str(error), hint=error.hint) from error
            yield Frame(image, self._start + number / PICTURES_FPS)

    def _release(self) -> None:
        self._photos = []


def _paced(frames: Iterator[Frame], start: float) -> Iterator[Frame]:
    """Hold each frame back until as much time has passed as between it and the start of the recording."""
    began = time.monotonic()
    for frame in frames:
        time.sleep(max(0.0, began + frame.seconds - start - time.monotonic()))
        yield frame


def _is_text(path: Path) -> bool:
    """Tell whether a file holds text, as no video does.

    FFmpeg would draw a .txt file as a terminal does, and follow a playlist to wherever it points.
    """
    if not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            start = stream.read(TEXT_BYTES)
    except OSError:
        return False
    return bool(start) and not any(byte < 32 and chr(byte) not in "\t\n\v\f\r\x1b" for byte in start)


def _why_unplayable(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as error:
        return f"video {path} cannot be opened: {error.strerror}"
    return f"video {path} is empty: 0 bytes" if empty else f"{path} is not a video that OpenCV plays, or is damaged"

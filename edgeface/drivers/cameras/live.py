"""Webcams, and what reads network streams, through OpenCV."""

import math
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import numpy.typing as npt

from edgeface.core.types import Frame, Image
from edgeface.drivers.cameras.newest import Newest, Raw
from edgeface.drivers.cameras.source import Source
from edgeface.drivers.quiet import opencv_muted
from edgeface.errors import CameraError

PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
"""The kinds of network streams, and the port of each."""

STALL_SECONDS = 10.0
OPEN_SECONDS = 10.0
PROBE_SECONDS = 2.0
READ_TRIES = 3


class LiveSource(Source):
    """Something that films whether or not anybody looks; frames carry the time at which they arrived."""

    def __init__(
        self, capture: cv2.VideoCapture, name: str, *, clock: Callable[[], float], stall_seconds: float
    ) -> None:
        super().__init__(name)
        self._fps = declared_fps(capture)
        self._stall_seconds = stall_seconds
        self._newest = Newest(lambda: read_picture(capture), capture.release, clock, skip=lambda: skip_picture(capture))

    @property
    def fps(self) -> float | None:
        """Frames per second as the device declares them."""
        return self._fps

    def frames(self) -> Iterator[Frame]:
        """Yield the newest frame each time. Raise CameraError when the source ends or stalls."""
        while not self.closed:
            try:
                taken = self._newest.take(self._stall_seconds)
            except TimeoutError as error:
                raise CameraError(
                    f"camera {self.name} stalled: no frame for {self._stall_seconds:g} s",
                    hint="check its cable or network, or restart it",
                ) from error
            if self.closed:
                return
            if taken is None:
                raise CameraError(f"camera {self.name} ended", hint="check its cable or network")
            picture, seconds = taken
            yield Frame(red_first(picture), seconds)

    def pace(self, period_seconds: float) -> None:
        """Turn pictures into pixels when one is asked for, and no more than that."""
        self._newest.on_demand = period_seconds > 0

    def _release(self) -> None:
        self._newest.stop()


def open_webcam(
    index: int,
    *,
    width: int | None,
    height: int | None,
    clock: Callable[[], float] = time.time,
    stall_seconds: float = STALL_SECONDS,
) -> LiveSource:
    """Open a webcam by its number. A size is a wish: the camera takes the nearest that it has."""
    backend = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY
    with opencv_muted():
        capture = cv2.VideoCapture(index, backend)
        if not capture.isOpened():
            raise CameraError(f"webcam {index} cannot be opened", hint=_webcam_hint(index))
        for wish, value in ((cv2.CAP_PROP_FRAME_WIDTH, width), (cv2.CAP_PROP_FRAME_HEIGHT, height)):
            if value is not None:
                capture.set(wish, value)
    return LiveSource(capture, f"webcam {index}", clock=clock, stall_seconds=stall_seconds)


def open_capture(address: str, open_seconds: float, stall_seconds: float) -> cv2.VideoCapture:
    """Open a stream by its address, in the process that decodes it; tell whether by `isOpened`."""
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        math.ceil(open_seconds * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        math.ceil(stall_seconds * 1000),
    ]
    with opencv_muted():
        return cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)


def without_password(address: str) -> str:
    """Return a stream's address fit for a log: its user and password hidden."""
    head, _, tail = address.partition("://")
    authority, slash, path = tail.partition("/")
    return f"{head}://{'…@' if '@' in authority else ''}{authority.rpartition('@')[2]}{slash}{path}"


def red_first(picture: npt.NDArray) -> Image:
    """Return OpenCV's blue-first picture, (H, W, 3), as RGB."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def declared_fps(capture: cv2.VideoCapture) -> float | None:
    """Return the frame rate that a source declares, if it is a plausible one."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return fps if 0 < fps <= 1000 else None


def read_picture(capture: cv2.VideoCapture) -> Raw | None:
    """Return the next picture; a single one that cannot be decoded is passed over."""
    with opencv_muted():
        for _ in range(READ_TRIES):
            found, picture = capture.read()
            if found:
                return np.asarray(picture, np.uint8)
    return None


def skip_picture(capture: cv2.VideoCapture) -> bool:
    """Pass over the next picture; tell whether there was one. A webcam's JPEG is not even decoded then."""
    with opencv_muted():
        return any(capture.grab() for _ in range(READ_TRIES))


def _webcam_hint(index: int) -> str:
    wanted = Path(f"/dev/video{index}")
    if sys.platform != "linux":
        return "is it plugged in, and may this program use it?"
    if wanted.exists():
        if not os.access(wanted, os.R_OK | os.W_OK):
            return "you may not use it: sudo usermod -aG video $USER, then log in again"
        return f"another program may be using it: fuser {wanted}; a Pi's ribbon camera is called picamera2"
    present = sorted(path.name.removeprefix("video") for path in Path("/dev").glob("video*"))
    return f"these exist: {', '.join(present)}" if present else "no webcam is plugged in (there is no /dev/video*)"


def network_reason(address: str) -> str:
    """Ask the network once more, now for the reason, which FFmpeg keeps to itself."""
    try:
        parts = urlsplit(address)
        place = (parts.hostname or "", parts.port or PORTS[parts.scheme.lower()])
        with socket.create_connection(place, PROBE_SECONDS):
            return "the server answers, but not with a video"
    except TimeoutError:
        return "the server does not answer"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    except ValueError as error:
        return str(error).lower()

"""The Raspberry Pi's ribbon camera, through picamera2."""

import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgeface.core.types import Frame, Image
from edgeface.drivers.cameras.source import Source
from edgeface.errors import CameraError, MissingExtra

FORMAT = "RGB888"
"""libcamera names formats from the last byte to the first: the arrays come out blue, green, red."""

DEFAULT_SIZE = (1280, 720)
WAIT_SECONDS = 2.0


class PiCamera(Source):
    """The ribbon camera. `picamera2` is the module to use; without it the installed one.

    No thread is needed: with `queue=False` each capture waits for the next frame instead of an old one. When
    the camera stops delivering, which libcamera only logs, it is reopened until `stall_seconds` have passed.
    """

    def __init__(
        self,
        *,
        width: int | None = None,
        height: int | None = None,
        clock: Callable[[], float] = time.time,
        stall_seconds: float = 10.0,
        picamera2: Any = None,
    ) -> None:
        super().__init__("picamera2")
        self._module = picamera2 or _installed()
        self._size = (width or DEFAULT_SIZE[0], height or DEFAULT_SIZE[1])
        self._clock = clock
        self._stall_seconds = stall_seconds
        self._camera: Any = self._open()

    @property
    def fps(self) -> float | None:
        """Unknown: it depends on the exposure."""
        return None

    def frames(self) -> Iterator[Frame]:
        """Yield the next frame each time. Raise CameraError when none comes for `stall_seconds`."""
        last = time.monotonic()
        while not self.closed:
            try:
                image = self._capture()
            except TimeoutError as error:
                if time.monotonic() - last >= self._stall_seconds:
                    raise CameraError(
                        f"the Pi camera stalled: no frame for {self._stall_seconds:g} s",
                        hint="check its ribbon cable, then `rpicam-hello`",
                    ) from error
                self._reopen()
                continue
            yield Frame(image, self._clock())
            last = time.monotonic()

    def _capture(self) -> Image:
        try:
            request = self._camera.capture_request(wait=min(WAIT_SECONDS, self._stall_seconds))
        except RuntimeError as error:
            raise _refused(error) from error
        try:
            blue_first = request.make_array("main")
            return np.ascontiguousarray(blue_first[..., 2::-1], np.uint8)
        finally:
            request.release()  # a held request starves the camera

    def _open(self) -> Any:
        try:
            camera = self._module.Picamera2()
        except (RuntimeError, IndexError) as error:
            raise _refused(error) from error
        try:
            main = {"size": self._size, "format": FORMAT}
            camera.configure(camera.create_video_configuration(main=main, buffer_count=4, queue=False))
            camera.start()
        except (RuntimeError, ValueError) as error:
            camera.close()
            raise _refused(error) from error
        return camera

    def _reopen(self) -> None:
        self._camera.cancel_all_and_flush()
        self._release()
        self._camera = self._open()

    def _release(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.stop()
            camera.close()


def _installed() -> Any:
    try:
        return importlib.import_module("picamera2")
    except ImportError as error:
        raise MissingExtra(
            f"the Pi camera needs picamera2, which cannot be imported: {error}",
            hint="sudo apt install python3-picamera2, then python3 -m venv --system-site-packages",
        ) from error


def _refused(error: Exception) -> CameraError:
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    busy = "busy" in reason.lower()
    return CameraError(
        f"the Pi camera cannot be used: {reason}",
        hint="another program is using it" if busy else "`rpicam-hello --list-cameras` shows whether it is connected",
    )

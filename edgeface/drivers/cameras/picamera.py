"""The Raspberry Pi's ribbon camera, through picamera2, in two sizes at once."""

import importlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from edgeface.core.types import Frame
from edgeface.drivers.cameras.pixels import Layout, rgb_of
from edgeface.drivers.cameras.source import Source
from edgeface.errors import CameraError, MissingExtra

FORMAT, SMALL_FORMAT = "RGB888", "YUV420"
"""A Pi 4 gives its second stream in YUV only."""

DEFAULT_SIZE = (1280, 720)
WAIT_SECONDS = 2.0


class PiCamera(Source):
    """The ribbon camera of a port, from 0. `picamera2` is the module to use; without it the installed one.

    Frames have a small picture too, made by the camera's own hardware, of which the longer side is `small_px`, where
    that is less than the full one's. No thread is needed: with `queue=False` each capture waits for the next frame
    instead of an old one. When the camera stops delivering, which libcamera only logs, it is reopened until
    `stall_seconds` have passed.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        width: int | None = None,
        height: int | None = None,
        small_px: int = 0,
        clock: Callable[[], float] = time.time,
        stall_seconds: float = 10.0,
        picamera2: Any = None,
    ) -> None:
        super().__init__(f"picamera2:{port}" if port else "picamera2")
        self._port = port
        self._module = picamera2 or _installed()
        self._size = (width or DEFAULT_SIZE[0], height or DEFAULT_SIZE[1])
        self._small_size = small_size(self._size, small_px)
        self._clock = clock
        self._stall_seconds = stall_seconds
        self._layouts: dict[str, Layout] = {}
        self._camera: Any = None
        self._open()

    @property
    def fps(self) -> float | None:
        """Unknown: it depends on the exposure."""
        return None

    def frames(self) -> Iterator[Frame]:
        """Yield the next frame each time. Raise CameraError when none comes for `stall_seconds`."""
        last = time.monotonic()
        while not self.closed:
            try:
                frame = self._capture()
            except TimeoutError as error:
                self._give_up()
                if time.monotonic() - last >= self._stall_seconds:
                    raise CameraError(
                        f"the Pi camera stalled: no frame for {self._stall_seconds:g} s",
                        hint="check its ribbon cable, then `rpicam-hello`",
                    ) from error
                self._open()
                continue
            yield frame
            last = time.monotonic()

    def _capture(self) -> Frame:
        try:
            request = self._camera.capture_request(wait=min(WAIT_SECONDS, self._stall_seconds))
            try:
                arrays = {name: request.make_array(name) for name in self._layouts}
            finally:
                request.release()  # a held request starves the camera
        except RuntimeError as error:
            raise _refused(error) from error
        seconds = self._clock()
        pictures = {name: rgb_of(array, self._layouts[name]) for name, array in arrays.items()}
        return Frame(pictures["main"], seconds, pictures.get("lores"))

    def _open(self) -> None:
        try:
            camera = _make(self._module.Picamera2, self._port)
        except (RuntimeError, IndexError) as error:
            raise _refused(error) from error
        try:
            camera.configure(camera.create_video_configuration(**self._wishes()))
            self._layouts = _layouts(camera.camera_configuration())
            camera.start()
        except (RuntimeError, ValueError) as error:
            camera.close()
            raise _refused(error) from error
        except CameraError:
            camera.close()
            raise
        self._camera = camera

    def _wishes(self) -> dict[str, Any]:
        wishes: dict[str, Any] = {"main": {"size": self._size, "format": FORMAT}, "buffer_count": 4, "queue": False}
        if self._small_size:
            wishes["lores"] = {"size": self._small_size, "format": SMALL_FORMAT}
        return wishes

    def _give_up(self) -> None:
        """Let go of a camera that is silent, and of the capture that still waits."""
        if self._camera is not None:
            self._camera.cancel_all_and_flush()
        self._release()

    def _release(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            try:
                camera.close()  # its `stop` would wait for ever where its thread has died
            except RuntimeError as error:
                raise _refused(error) from error


def small_size(size: tuple[int, int], small_px: int) -> tuple[int, int] | None:
    """Return width and height, both even, of a picture of the same shape whose longer side is `small_px`.

    None: it would not be smaller; 0 pixels ask for none.
    """
    factor = small_px / max(size)
    if not 0 < factor < 1:
        return None
    width, height = (max(2, 2 * round(side * factor / 2)) for side in size)
    return width, height


def _make(kind: Any, port: int) -> Any:
    """Open a camera as `kind(port)` does, but close the pipe that picamera2 0.3 leaves open when that fails.

    A camera that is in use for long would cost a file descriptor each time it is tried.
    """
    if not isinstance(kind, type):
        return kind(port)
    camera: Any = object.__new__(kind)
    try:
        camera.__init__(port)
    except (RuntimeError, IndexError):
        with suppress(AttributeError, OSError):
            os.close(camera.notifyme_w)
            camera.notifymeread.close()  # now, not when the garbage is collected
        raise
    return camera


def _layouts(configuration: Mapping[str, Any]) -> dict[str, Layout]:
    """Return how the streams came out, as a camera may adjust what it was asked for. Raise CameraError if unknown."""
    space = configuration.get("colour_space")
    matrix = "Rec709" if _enum(space, "ycbcrEncoding") == "Rec709" else "Rec601"
    found = {}
    for name in ("main", "lores"):
        stream = configuration.get(name)
        if stream:
            width, height = stream["size"]
            full = _enum(space, "range") == "Full"
            found[name] = Layout(str(stream["format"]), width, height, matrix, full_range=full)
            found[name].check()
    return found


def _enum(space: Any, attribute: str) -> str:
    return str(getattr(space, attribute, "")).rpartition(".")[2]


def _installed() -> Any:
    try:
        return importlib.import_module("picamera2")
    except ImportError as error:
        raise MissingExtra(
            f"the Pi camera needs picamera2, which cannot be imported: {error}",
            hint="sudo apt install python3-picamera2, then python3 -m venv --system-site-packages",
        ) from error


def _refused(error: Exception) -> CameraError:
    cause: BaseException = error
    while cause.__cause__ is not None:  # picamera2 says at first only that something did not complete
        cause = cause.__cause__
    reason = (str(cause).splitlines() or [type(cause).__name__])[0].rstrip(".")
    busy = "busy" in reason.lower()
    return CameraError(
        f"the Pi camera cannot be used: {reason}",
        hint="another program is using it" if busy else "`rpicam-hello --list-cameras` shows whether it is connected",
    )

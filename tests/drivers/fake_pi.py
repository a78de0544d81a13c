"""The part of picamera2 that edgeface uses, which films a painted scene in the formats of the real one."""

import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

SYCC = SimpleNamespace(ycbcrEncoding="YcbcrEncoding.Rec601", range="Range.Full")
SMPTE170M = SimpleNamespace(ycbcrEncoding="YcbcrEncoding.Rec601", range="Range.Limited")
REC709 = SimpleNamespace(ycbcrEncoding="YcbcrEncoding.Rec709", range="Range.Limited")


class FakePi:
    """Stands for the module and for its camera.

    `failures` are raised instead of a capture, None for none; `forced` are formats that the camera insists on, by
    stream; its rows are padded to a multiple of `align` bytes.
    """

    def __init__(
        self,
        scene: np.ndarray | None = None,
        *,
        failures: Iterator[BaseException | None] | None = None,
        space: Any = SMPTE170M,
        forced: dict[str, str] | None = None,
        align: int = 64,
    ) -> None:
        self.scene = np.full((48, 64, 3), (255, 0, 0), np.uint8) if scene is None else scene
        self.failures = failures or itertools.repeat(None)
        self.space, self.forced, self.align = space, forced or {}, align
        self.opened = self.closed = self.held = self.flushed = 0
        self.waiting, self.port = False, -1
        self.wished: dict = {}
        self.configuration: dict = {}
        self.opening_error: Exception | None = None

    def Picamera2(self, port: int) -> "FakePi":  # noqa: N802 (the name of the real class)
        self.port = port
        if self.opening_error:
            raise self.opening_error
        self.opened += 1
        return self

    def create_video_configuration(self, **wished: Any) -> dict:
        self.wished = wished
        return wished

    def configure(self, wished: dict) -> None:
        self.configuration = {"colour_space": self.space, "main": None, "lores": None}
        for name in ("main", "lores"):
            if name in wished:
                stream = wished[name]
                self.configuration[name] = {**stream, "format": self.forced.get(name, stream["format"])}

    def camera_configuration(self) -> dict:
        return self.configuration

    def start(self) -> None:
        assert self.configuration

    def stop(self) -> None:
        raise AssertionError("the real one waits for ever when its thread has died")

    def close(self) -> None:
        if self.waiting:  # as it must be cancelled first
            raise RuntimeError("Unable to stop preview.")
        self.closed += 1

    def cancel_all_and_flush(self) -> None:
        self.flushed += 1
        self.waiting = False

    def capture_request(self, *, wait: float) -> SimpleNamespace:
        if failure := next(self.failures):
            self.waiting = isinstance(failure, TimeoutError)
            raise failure
        self.held += 1
        return SimpleNamespace(make_array=self._make_array, release=self._release)

    def _release(self) -> None:
        self.held -= 1

    def _make_array(self, name: str) -> np.ndarray:
        assert self.held, "a request must not be read after its release"
        stream = self.configuration[name]
        picture = cv2.resize(self.scene, stream["size"], interpolation=cv2.INTER_AREA)
        return encode(picture, stream["format"], self.space, self.align)


def encode(picture: np.ndarray, name: str, space: Any, align: int) -> np.ndarray:
    """Return an RGB picture as `make_array` gives a stream of this format: pixel by pixel, as the standards say."""
    opaque = np.full((*picture.shape[:2], 1), 255, np.uint8)
    if name in ("RGB888", "BGR888", "XRGB8888", "XBGR8888"):
        colours = picture if "BGR" in name else picture[..., ::-1]
        return np.concatenate([colours, opaque], 2) if name.startswith("X") else colours.copy()
    luma, chroma = _yuv(picture.astype(float), space)
    height, width = luma.shape
    stride = -(-width // align) * align
    array = np.full((height * 3 // 2, stride), 77, np.uint8)
    array[:height, :width] = luma
    planes = [chroma[..., place] for place in ((1, 0) if name in ("YVU420", "NV21") else (0, 1))]
    if name.startswith("NV"):
        array[height:, :width] = np.dstack(planes).reshape(height // 2, width)
    else:
        halves = np.full((2, height // 2, stride // 2), 77, np.uint8)
        halves[:, :, : width // 2] = planes
        array[height:] = halves.reshape(height // 2, stride)
    return array


def _yuv(picture: np.ndarray, space: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return luma, and chroma of which each 2x2 pixels share one (ITU-R BT.601-7 and BT.709-6)."""
    red, blue = (0.2126, 0.0722) if "709" in space.ycbcrEncoding else (0.299, 0.114)
    luma = picture @ (red, 1 - red - blue, blue)
    u, v = (picture[..., 2] - luma) / (2 * (1 - blue)), (picture[..., 0] - luma) / (2 * (1 - red))
    if "Limited" in space.range:
        luma, u, v = 16 + luma * 219 / 255, u * 224 / 255, v * 224 / 255
    chroma = np.dstack([u, v]) + 128
    height, width = luma.shape
    shared = chroma.reshape(height // 2, 2, width // 2, 2, 2).mean(axis=(1, 3))
    return np.clip(luma.round(), 0, 255).astype(np.uint8), np.clip(shared.round(), 0, 255).astype(np.uint8)

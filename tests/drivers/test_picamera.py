"""The Pi camera: red is red in every format and on both streams, no request is kept, and a fault is one clear error."""

import itertools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgeface.app.clock import SteadyClock
from edgeface.app.supervise import SupervisedCamera
from edgeface.core.types import Frame
from edgeface.drivers.cameras.choose import is_live, open_camera
from edgeface.drivers.cameras.picamera import PiCamera, small_size
from edgeface.drivers.cameras.reader import one_at_a_time
from edgeface.errors import CameraError, MissingExtra
from tests.drivers.fake_pi import REC709, SMPTE170M, SYCC, FakePi

RED, BLUE, GREEN, GREY = (255, 0, 0), (0, 0, 255), (0, 255, 0), (90, 90, 90)


def quarters(height: int = 96, width: int = 128) -> np.ndarray:
    """A scene of four colours: red beside blue, over green beside grey."""
    scene = np.empty((height, width, 3), np.uint8)
    scene[: height // 2, : width // 2], scene[: height // 2, width // 2 :] = RED, BLUE
    scene[height // 2 :, : width // 2], scene[height // 2 :, width // 2 :] = GREEN, GREY
    return scene


def shows_the_quarters(picture: np.ndarray) -> bool:
    height, width = picture.shape[:2]
    places = [(height // 4, width // 4), (height // 4, 3 * width // 4)]
    places += [(row + height // 2, column) for row, column in places]
    found = np.array([picture[place] for place in places], int)
    return bool(np.abs(found - [RED, BLUE, GREEN, GREY]).max() <= 3)


def test_red_is_red_and_blue_is_blue_on_both_streams() -> None:
    pi = FakePi(quarters())
    with PiCamera(width=128, height=96, small_px=64, clock=lambda: 7.0, picamera2=pi) as camera:
        frame = next(camera.frames())
        assert shows_the_quarters(frame.image)
        assert frame.small is not None and shows_the_quarters(frame.small)
        assert (frame.image.shape, frame.small.shape) == ((96, 128, 3), (48, 64, 3))
        assert frame.image.flags.c_contiguous and frame.small.flags.c_contiguous
        assert (frame.image.dtype, frame.small.dtype) == (np.uint8, np.uint8)
        assert frame.seconds == 7.0
        assert repr(camera) == "PiCamera('picamera2', open)"
    assert pi.wished == {
        "main": {"size": (128, 96), "format": "RGB888"},
        "lores": {"size": (64, 48), "format": "YUV420"},
        "buffer_count": 4,
        "queue": False,
    }
    assert (pi.held, pi.opened, pi.closed) == (0, 1, 1)
    camera.close()
    assert pi.closed == 1
    assert list(camera.frames()) == []


@pytest.mark.parametrize("space", [SYCC, SMPTE170M, REC709, None])
@pytest.mark.parametrize("name", ["RGB888", "BGR888", "XRGB8888", "XBGR8888", "YUV420", "YVU420", "NV12", "NV21"])
@pytest.mark.parametrize("align", [2, 64, 96])
def test_whatever_format_the_camera_insists_on_the_colours_are_right(name: str, space: object, align: int) -> None:
    filmed = SMPTE170M if space is None else space
    pi = FakePi(quarters(60, 100), space=filmed, forced={"main": name, "lores": name}, align=align)
    if space is None:  # as of a USB camera
        pi.camera_configuration = lambda: {**pi.configuration, "colour_space": None}
    with PiCamera(width=100, height=60, small_px=50, picamera2=pi) as camera:
        frame = next(camera.frames())
    assert frame.small is not None
    assert shows_the_quarters(frame.image) and shows_the_quarters(frame.small)


def test_any_colour_comes_back_to_within_rounding() -> None:
    random = np.random.default_rng(3)
    for space, colour in itertools.product((SYCC, SMPTE170M, REC709), random.integers(0, 256, (20, 3), np.uint8)):
        pi = FakePi(np.full((8, 16, 3), colour, np.uint8), space=space)
        with PiCamera(width=16, height=8, small_px=8, picamera2=pi) as camera:
            small = next(camera.frames()).small
        assert small is not None
        assert np.abs(small.astype(int) - colour).max() <= 3


def test_an_unknown_format_is_refused_and_the_camera_closed() -> None:
    pi = FakePi(forced={"main": "SRGGB10"})
    with pytest.raises(CameraError, match="SRGGB10") as caught:
        PiCamera(picamera2=pi)
    assert "RGB888" in caught.value.hint
    assert pi.closed == 1


@pytest.mark.parametrize(
    ("size", "px", "small"),
    [
        ((1280, 720), 640, (640, 360)),
        ((1640, 1232), 640, (640, 480)),
        ((720, 1280), 640, (360, 640)),
        ((640, 480), 640, None),
        ((1280, 720), 0, None),
        ((1280, 2), 640, (640, 2)),
    ],
)
def test_the_small_picture_has_the_shape_of_the_full_one_and_is_smaller(size, px, small) -> None:
    assert small_size(size, px) == small


def test_without_a_smaller_picture_one_stream_serves() -> None:
    pi = FakePi()
    with PiCamera(width=64, height=48, small_px=64, picamera2=pi) as camera:
        frame = next(camera.frames())
    assert "lores" not in pi.wished
    assert frame.small is None and frame.sought is frame.image


def test_a_request_is_given_back_even_when_it_cannot_be_read() -> None:
    pi = FakePi()
    with PiCamera(picamera2=pi) as camera:
        pi._make_array = lambda name: (_ for _ in ()).throw(RuntimeError("Stream 'main' is not defined"))
        with pytest.raises(CameraError, match="Stream 'main' is not defined"):
            next(camera.frames())
    assert pi.held == 0


def test_a_pi_camera_that_hangs_once_is_reopened() -> None:
    pi = FakePi(failures=iter([None, TimeoutError(), None]))
    with PiCamera(width=8, height=8, picamera2=pi) as camera:
        frames = camera.frames()
        next(frames)
        assert next(frames).image[4, 4, 0] == 255
        assert (pi.opened, pi.flushed, pi.held) == (2, 1, 0)


def test_a_pi_camera_that_keeps_hanging_is_given_up_and_let_go() -> None:
    pi = FakePi(failures=itertools.repeat(TimeoutError()))
    with (
        PiCamera(picamera2=pi, stall_seconds=0.0) as camera,
        pytest.raises(CameraError, match="the Pi camera stalled") as caught,
    ):
        next(camera.frames())
    assert "ribbon" in caught.value.hint
    assert (pi.flushed, pi.closed) == (1, 1)


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("No camera number 0 found", "rpicam-hello --list-cameras"),
        ("Failed to acquire camera: Device or resource busy", "another program is using it"),
    ],
)
def test_a_pi_camera_that_does_not_open_says_why(reason: str, hint: str) -> None:
    pi = FakePi()
    pi.opening_error = RuntimeError("Camera __init__ sequence did not complete.")
    pi.opening_error.__cause__ = RuntimeError(reason)
    with pytest.raises(CameraError, match=reason) as caught:
        PiCamera(picamera2=pi)
    assert hint in caught.value.hint


def test_a_pi_camera_that_is_busy_for_long_costs_no_file_descriptors() -> None:
    class Busy:
        def __init__(self, port: int) -> None:
            self.notifyme_r, self.notifyme_w = os.pipe()
            self.notifymeread = os.fdopen(self.notifyme_r, "rb")
            self.itself = self  # so that it is let go of with the garbage alone
            raise RuntimeError("Failed to acquire camera: Device or resource busy")

    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(CameraError, match="busy"):
            PiCamera(picamera2=SimpleNamespace(Picamera2=Busy))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_pi_camera_lost_while_reopening_closes_without_complaint() -> None:
    pi = FakePi(failures=itertools.repeat(TimeoutError()))
    with PiCamera(picamera2=pi) as camera:
        pi.opening_error = RuntimeError("No camera number 0 found")
        with pytest.raises(CameraError, match="No camera"):
            next(camera.frames())
    assert pi.closed == 1


def test_a_camera_that_cannot_be_closed_is_a_camera_error() -> None:
    pi = FakePi()
    camera = PiCamera(picamera2=pi)
    pi.waiting = True
    with pytest.raises(CameraError, match="Unable to stop preview"):
        camera.close()
    camera.close()


def test_under_supervision_a_busy_and_then_silent_camera_is_told_of_and_comes_back() -> None:
    """Each fault is one event, and the camera is opened again after its back-off."""
    pi = FakePi(np.random.default_rng(1).integers(40, 200, (48, 64, 3), np.uint8))
    opened, told, now, silences = itertools.count(), [], 0.0, []

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds

    def failures() -> Iterator[BaseException | None]:
        while True:
            pi.scene = np.roll(pi.scene, 1, 1)
            yield silences.pop() if silences else None

    def open_source() -> PiCamera:
        busy = RuntimeError("Failed to acquire camera: Device or resource busy")
        pi.opening_error = None if next(opened) else busy
        return PiCamera(width=64, height=48, stall_seconds=0.0, picamera2=pi)

    pi.failures = failures()
    clock = SteadyClock(lambda: now, lambda: now)
    camera = SupervisedCamera("pi", one_at_a_time(open_source, "pi"), clock=clock, wait=wait, tell=told.append)
    deadline, went_well = time.monotonic() + 20, 0
    with camera:
        for seen in camera.frames():
            now += 0.1
            went_well += isinstance(seen, Frame)
            if went_well == 3 and isinstance(seen, Frame):
                silences.append(TimeoutError())
            if len(told) >= 4 or time.monotonic() > deadline:
                break
    assert [(event.state, event.reason) for event in told] == [
        ("faulty", "unavailable"),
        ("ok", None),
        ("faulty", "lost"),
        ("ok", None),
    ]
    assert "busy" in told[0].detail and "stalled" in told[2].detail
    assert pi.held == 0


def test_a_second_ribbon_camera_is_the_second_port(monkeypatch: pytest.MonkeyPatch) -> None:
    pi = FakePi()
    monkeypatch.setitem(sys.modules, "picamera2", pi)
    for source, port in (("picamera2", 0), ("picamera2:1", 1)):
        with open_camera(source) as camera:
            assert (pi.port, camera.name) == (port, source)
        assert is_live(source)
    for wrong in ("picamera2:", "picamera2:x", "picamera2:-1"):
        assert not is_live(wrong)
        with pytest.raises(CameraError):
            open_camera(wrong)


def test_without_picamera2_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(MissingExtra, match="picamera2") as caught:
        open_camera("picamera2")
    assert "apt install python3-picamera2" in caught.value.hint
    assert "--system-site-packages" in caught.value.hint

"""A live source delivers its newest frame, and a dead one is noticed in bounded time."""

import http.server
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from edgeface.drivers.cameras import open_camera
from edgeface.drivers.cameras.live import without_password
from edgeface.drivers.cameras.newest import Newest
from edgeface.errors import CameraError

RED = (255, 0, 0)
BOUNDARY = "frameboundary"


def _jpeg() -> bytes:
    found, encoded = cv2.imencode(".jpg", np.full((48, 64, 3), RED[::-1], np.uint8))
    assert found
    return encoded.tobytes()


@contextmanager
def _serving(pictures: int, then: Callable[[], object]) -> Iterator[str]:
    """Serve a stream of red JPEGs over HTTP: so many, and then whatever `then` does."""
    jpeg = _jpeg()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            self.end_headers()
            try:
                for _ in range(pictures):
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                    time.sleep(0.01)
                then()
            except OSError:
                return  # the client went away

        def log_message(self, format: str, *args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/video.mjpg"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _hanging() -> Iterator[Callable[[], object]]:
    done = threading.Event()
    try:
        yield lambda: done.wait(30)
    finally:
        done.set()


def test_an_http_stream_s_red_is_red(capfd: pytest.CaptureFixture[str]) -> None:
    with _serving(400, lambda: None) as address, open_camera(address, clock=lambda: 5.0) as camera:
        frame = next(camera.frames())
        assert frame.image.shape == (48, 64, 3)
        assert np.abs(frame.image[24, 32].astype(int) - RED).max() <= 12
        assert frame.image.flags.c_contiguous
        assert -1 < frame.seconds <= 5.0, "the time of its arrival"
        assert repr(camera) == f"StreamSource({address!r}, open)"
        camera.close()
        camera.close()
        assert list(camera.frames()) == []
    assert capfd.readouterr().err == ""


def test_a_stream_that_ends_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with (
        _serving(100, lambda: None) as address,
        open_camera(address) as camera,
        pytest.raises(CameraError, match="ended"),
    ):
        list(camera.frames())
    assert capfd.readouterr().err == ""


def test_a_stream_that_stalls_is_given_up_in_bounded_time(capfd: pytest.CaptureFixture[str]) -> None:
    with _hanging() as hang, _serving(100, hang) as address:
        with open_camera(address, stall_seconds=1.0) as camera:
            began = time.monotonic()
            with pytest.raises(CameraError, match=r"stalled: no frame for 1 s|ended") as caught:
                list(camera.frames())
            assert caught.value.hint
        assert time.monotonic() - began < 25
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("pictures", [100, 1000])
def test_a_program_that_leaves_a_stream_open_still_ends_well(pictures: int) -> None:
    script = (
        "import sys; from edgeface.drivers.cameras import open_camera\n"
        "camera = open_camera(sys.argv[1], stall_seconds=20)\n"
        "next(camera.frames())\n"
        "print('seen')\n"
        "import time; time.sleep(1.5)\n"
    )
    with _hanging() as hang, _serving(pictures, hang) as address:
        child = subprocess.run(
            [sys.executable, "-c", script, address], capture_output=True, text=True, timeout=60, check=False
        )
    assert (child.returncode, child.stdout, child.stderr) == (0, "seen\n", "")


def test_a_server_that_never_answers_is_given_up(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/video"
        began = time.monotonic()
        with pytest.raises(CameraError, match="cannot be opened: the server answers, but not with a video"):
            open_camera(address, stall_seconds=0.5)
        assert time.monotonic() - began < 20
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["http", "rtsp"])
def test_a_refused_connection_says_so(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(CameraError, match="cannot be opened: connection refused"):
        open_camera(f"{kind}://127.0.0.1:{port}/video")
    assert capfd.readouterr().err == ""


def test_a_password_is_never_shown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(CameraError) as caught:
        open_camera(f"rtsp://ada:se@cret@127.0.0.1:{port}/a@b")
    assert f"rtsp://…@127.0.0.1:{port}/a@b" in str(caught.value)
    assert "cret" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://cam/stream", "rtsp://cam/stream"),
        ("rtsp://ada:pw@cam:8554", "rtsp://…@cam:8554"),
        ("http://cam/?user=a@b", "http://cam/?user=a@b"),
    ],
)
def test_an_address_is_shown_without_its_user(address: str, shown: str) -> None:
    assert without_password(address) == shown


# The newest frame.


def _picture(number: int) -> np.ndarray:
    return np.full((1, 1, 3), number, np.uint8)


def test_a_slow_consumer_gets_the_newest_picture() -> None:
    asked, seventh = threading.Event(), threading.Event()
    numbers = iter(range(10))

    def read() -> np.ndarray | None:
        number = next(numbers)
        if number == 7:
            seventh.set()
            asked.wait(5)
        return _picture(number) if number < 9 else None

    newest = Newest(read, lambda: None, lambda: 3.0)
    assert seventh.wait(5)
    taken = newest.take(1)
    assert taken is not None
    assert (int(taken[0][0, 0, 0]), taken[1]) == (6, 3.0)
    asked.set()
    newest.stop()


def test_a_picture_is_given_once_and_the_end_is_told() -> None:
    pictures = iter([_picture(1)])
    released = threading.Event()
    newest = Newest(lambda: next(pictures, None), released.set, time.time)
    assert newest.take(5) is not None
    assert newest.take(5) is None
    assert newest.take(5) is None
    assert released.is_set()
    newest.stop()


def test_on_demand_pictures_are_passed_over_until_one_is_waited_for_and_that_is_a_new_one() -> None:
    shown, skipped, enough = [0], [0], threading.Event()

    def read() -> np.ndarray:
        shown[0] += 1
        return _picture(shown[0] % 256)

    def skip() -> bool:
        skipped[0] += 1
        if skipped[0] >= 20:
            enough.set()
        time.sleep(0.001)
        return True

    newest = Newest(read, lambda: None, lambda: float(skipped[0]), skip=skip)
    assert newest.take(5) is not None
    newest.on_demand = True
    assert enough.wait(5)
    read_before, seen_before = shown[0], skipped[0]
    taken = newest.take(5)
    assert taken is not None
    assert taken[1] >= seen_before, "the picture was read after it was asked for"
    newest.stop()
    assert shown[0] - read_before <= 2


def test_on_demand_a_source_that_ends_while_nobody_waits_has_ended() -> None:
    on_demand = threading.Event()
    newest = Newest(lambda: _picture(on_demand.wait(5)), lambda: None, time.time, skip=lambda: False)
    newest.on_demand = True
    on_demand.set()
    newest._thread.join(5)
    assert newest.take(5) is None
    newest.stop()


def test_a_paced_stream_goes_on_and_wakes_up() -> None:
    with _serving(2000, lambda: None) as address, open_camera(address) as camera:
        frames = camera.frames()
        next(frames)
        camera.pace(0.2)
        times = [next(frames).seconds for _ in range(3)]
        camera.pace(0)
        times += [next(frames).seconds for _ in range(3)]
        assert times == sorted(times) and len(set(times)) == 6
        assert np.abs(next(frames).image[24, 32].astype(int) - RED).max() <= 12


def test_waiting_for_a_picture_has_a_limit_and_stopping_does_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgeface.drivers.cameras.newest.JOIN_SECONDS", 0.05)
    hang, released = threading.Event(), threading.Event()

    def read() -> None:
        hang.wait(10)

    newest = Newest(read, released.set, time.time)
    with pytest.raises(TimeoutError):
        newest.take(0.05)
    newest.stop()
    assert not released.is_set()
    assert newest.take(5) is None
    hang.set()
    assert released.wait(5)

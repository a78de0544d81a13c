"""A source is opened, read and closed by a thread that nobody waits for long."""

import threading
import time

import numpy as np
import pytest

from edgeface.core.types import Frame
from edgeface.drivers.cameras import reader as reader_module
from edgeface.drivers.cameras.choose import is_live
from edgeface.drivers.cameras.reader import SourceReader, one_at_a_time
from edgeface.drivers.cameras.source import Source
from edgeface.errors import CameraError

IMAGE = np.zeros((2, 2, 3), np.uint8)


class Scripted(Source):
    """Gives a few frames, then does as it is told."""

    def __init__(self, frames=2, then=lambda: None):
        super().__init__("scripted")
        self.count, self.then, self.released = frames, then, threading.Event()

    @property
    def fps(self):
        return None

    def frames(self):
        for number in range(self.count):
            yield Frame(IMAGE, float(number))
        self.then()

    def _release(self):
        self.released.set()


def test_the_last_frame_comes_before_the_end():
    source = Scripted()
    reader = SourceReader(lambda: source)
    assert source.released.wait(5)
    reader._thread.join(5)
    frame = reader.poll(5)
    assert frame is not None and frame.seconds == 1.0
    with pytest.raises(CameraError, match="ended"):
        reader.poll(5)
    reader.close()
    reader.close()


def test_a_source_that_does_not_open_says_so_at_the_next_poll():
    def refuse():
        raise CameraError("webcam 9 cannot be opened")

    reader = SourceReader(refuse)
    with pytest.raises(CameraError, match="webcam 9"):
        reader.poll(5)
    reader.close()


def test_a_driver_that_hangs_is_left_behind_and_not_opened_twice(monkeypatch):
    monkeypatch.setattr(reader_module, "JOIN_SECONDS", 0.05)
    hang = threading.Event()
    source = Scripted(0, lambda: hang.wait(10))
    open_reader = one_at_a_time(lambda: source, "0")
    reader = open_reader()
    assert reader.poll(0.05) is None
    reader.close()
    with pytest.raises(CameraError, match="camera 0 hangs in its driver"):
        open_reader()
    hang.set()
    assert source.released.wait(5)
    deadline = time.monotonic() + 5
    while reader.hangs and time.monotonic() < deadline:
        time.sleep(0.01)
    open_reader().close()


class Endless(Scripted):
    """Gives frames as fast as they are taken, and remembers the pace that it is told."""

    paces: tuple[float, ...] = ()
    given = 0

    def frames(self):
        while not self.closed:
            self.given += 1
            yield Frame(IMAGE, float(self.given))

    def pace(self, period_seconds):
        self.paces += (period_seconds,)


def test_a_paced_reader_takes_a_frame_and_rests_and_wakes_when_the_pace_changes():
    source, opened = Endless(), threading.Event()

    def open_late():
        opened.wait(5)
        return source

    reader = SourceReader(open_late)
    reader.pace(3600)
    opened.set()
    first = reader.poll(5)
    assert first is not None and first.seconds == 1.0
    assert reader.poll(0.05) is None and source.given == 1
    reader.pace(3000)
    second = reader.poll(5)
    assert second is not None and second.seconds == 2.0
    reader.close()
    assert source.released.wait(5)
    assert source.paces == (3600, 3000)


@pytest.mark.parametrize("source", ["0", "/dev/video2", "picamera2", "rtsp://a/b", "HTTP://a", " 1 "])
def test_cameras_and_streams_are_live(source):
    assert is_live(source)


@pytest.mark.parametrize("source", ["clip.mp4", "faces", "", "12345", "file://a", "0.mp4"])
def test_films_and_folders_are_not(source):
    assert not is_live(source)

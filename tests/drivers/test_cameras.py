"""Every camera delivers red as red, stamps its frames, and fails with one clear error."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from edgeface.core.types import Frame
from edgeface.drivers.cameras import open_camera
from edgeface.errors import CameraError

RED, BLUE = (255, 0, 0), (0, 0, 255)


def _is(frame: Frame, colour: tuple[int, int, int]) -> bool:
    """Tell whether the middle of a frame has a colour, but for what a codec changes."""
    height, width = frame.image.shape[:2]
    middle = frame.image[height // 2, width // 2].astype(int)
    return frame.image.dtype == np.uint8 and int(np.abs(middle - colour).max()) <= 12


def _patch(colour: tuple[int, int, int], width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Five frames at 10 per second, red and blue by turns."""
    path = tmp_path / "video.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for number in range(5):
        writer.write(_patch(BLUE if number % 2 else RED)[..., ::-1].copy())
    writer.release()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    PIL.Image.fromarray(_patch(BLUE)).save(folder / "b.png")
    PIL.Image.fromarray(_patch(RED, 30, 20)).save(folder / "a.png")
    (folder / "notes.txt").write_text("not a picture")
    return folder


def _refusal(source: str) -> CameraError:
    with pytest.raises(CameraError) as caught:
        open_camera(source)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    return caught.value


# Recordings.


def test_a_video_gives_every_frame_with_its_time_and_colour(video: Path) -> None:
    with open_camera(str(video), clock=lambda: 1000.0) as camera:
        frames = list(camera.frames())
        assert camera.fps == 10
    assert [_is(frame, BLUE if number % 2 else RED) for number, frame in enumerate(frames)] == [True] * 5
    assert [frame.seconds for frame in frames] == pytest.approx([1000, 1000.1, 1000.2, 1000.3, 1000.4])


def test_a_video_can_be_played_at_its_own_pace(video: Path) -> None:
    began = time.monotonic()
    with open_camera(str(video), realtime=True) as camera:
        assert len(list(camera.frames())) == 5
    assert 0.4 <= time.monotonic() - began < 2


def test_a_folder_is_a_picture_a_second_by_name(folder: Path) -> None:
    with open_camera(str(folder), clock=lambda: 50.0) as camera:
        first, second = camera.frames()
        assert camera.fps == 1
    assert first.image.shape == (20, 30, 3)
    assert _is(first, RED)
    assert _is(second, BLUE)
    assert (first.seconds, second.seconds) == (50.0, 51.0)


def test_a_single_picture_is_a_camera_of_one_frame(folder: Path) -> None:
    with open_camera(str(folder / "a.png")) as camera:
        (frame,) = camera.frames()
    assert _is(frame, RED)


def test_the_repr_says_open_or_closed_and_closing_twice_is_fine(video: Path, folder: Path) -> None:
    for path, kind in ((video, "VideoFile"), (folder, "PictureFolder")):
        camera = open_camera(str(path))
        assert repr(camera) == f"{kind}({str(path)!r}, open)"
        camera.close()
        camera.close()
        assert repr(camera).endswith("closed)")
        assert list(camera.frames()) == []


def test_closing_while_playing_ends_the_frames(video: Path) -> None:
    camera = open_camera(str(video))
    frames = camera.frames()
    next(frames)
    camera.close()
    assert list(frames) == []


def test_a_tilde_is_the_home_folder(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(video.parent))
    open_camera("~/video.mp4").close()


def test_a_broken_picture_in_a_folder_is_named(folder: Path) -> None:
    (folder / "c.jpg").write_bytes(b"")
    with open_camera(str(folder)) as camera, pytest.raises(CameraError, match=r"c\.jpg is empty"):
        list(camera.frames())


@pytest.mark.parametrize(("content", "reason"), [(b"", "is empty: 0 bytes"), (b"no video\0" * 999, "is not a video")])
def test_an_unplayable_video_is_one_silent_error(
    tmp_path: Path, content: bytes, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    assert reason in str(_refusal(str(path)))
    assert capfd.readouterr().err == ""


def test_half_a_video_is_one_silent_error(video: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content = video.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    assert "damaged" in str(_refusal(str(video)))
    assert capfd.readouterr().err == ""


def test_a_missing_file_says_what_a_source_can_be(tmp_path: Path) -> None:
    error = _refusal(str(tmp_path / "cam.mp4"))
    assert "cam.mp4" in str(error)
    assert "rtsp://" in error.hint
    assert "picamera2" in _refusal("").hint


@pytest.mark.parametrize("name", ["notes.txt", "playlist.mp4", "stream.m3u8"])
def test_a_text_is_no_video_and_no_list_of_addresses_to_follow(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/secret.ts\n" * 200)
    assert "is text, not a video" in str(_refusal(str(path)))


@pytest.mark.parametrize("source", ["9" * 20, "x" * 300, "a\nb", "a\0b", " "])
def test_what_can_be_no_source_is_named(source: str) -> None:
    assert repr(source) in str(_refusal(source))


def test_a_video_that_may_not_be_read_is_named(
    open_folder: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    hidden = open_folder / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "video.mp4").touch()
    with as_nobody():
        assert "Permission denied" in str(_refusal(str(hidden / "video.mp4")))


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    assert "holds no photo" in str(_refusal(str(tmp_path)))


def test_an_unknown_kind_of_stream_names_the_known_ones() -> None:
    error = _refusal("ftp://example.org/video")
    assert "ftp://" in str(error)
    assert "rtsp" in error.hint


# Webcams.


@pytest.mark.parametrize("source", ["99", "/dev/video99"])
def test_a_missing_webcam_is_one_silent_error_with_a_hint(source: str, capfd: pytest.CaptureFixture[str]) -> None:
    error = _refusal(source)
    assert str(error) == "webcam 99 cannot be opened"
    assert capfd.readouterr().err == ""

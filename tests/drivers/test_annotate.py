"""An annotated video shows readable names, green for the known and grey for the unknown."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from edgeface.core.types import Box, Image
from edgeface.drivers.annotate import KNOWN, UNKNOWN, VideoWriter, draw
from edgeface.drivers.cameras import open_camera
from edgeface.errors import HardwareError


def _black(height: int = 240, width: int = 320) -> Image:
    return np.zeros((height, width, 3), np.uint8)


def _share(image: Image, colour: tuple[int, int, int]) -> float:
    return float((image == colour).all(axis=2).mean())


def _rows(image: Image, colour: tuple[int, int, int]) -> int:
    """Return how many rows hold at least ten pixels of a colour: the plate's height."""
    return int(((image == colour).all(axis=2).sum(axis=1) >= 10).sum())


def test_the_frame_itself_is_left_alone() -> None:
    image = _black()
    drawn = draw(image, [(Box(100, 100, 60, 80), "Ada", True)])
    assert not image.any()
    assert drawn.shape == image.shape


def test_the_known_are_green_and_the_unknown_grey() -> None:
    box = Box(100, 100, 60, 80)
    known, unknown = draw(_black(), [(box, "Ada", True)]), draw(_black(), [(box, "unknown", False)])
    assert _share(known, KNOWN) > 0.003
    assert _share(known, UNKNOWN) == 0
    assert _share(unknown, UNKNOWN) > 0.003
    assert _share(unknown, KNOWN) == 0


def test_a_name_stands_over_its_box_on_a_filled_plate_in_white() -> None:
    drawn = draw(_black(), [(Box(100, 100, 60, 80), "Ada", True)])
    above = drawn[84:99, 101:120]
    assert _share(above, KNOWN) > 0.2
    assert (above > 200).all(axis=2).any()
    assert not drawn[:78].any()


@pytest.mark.parametrize("backwards", [False, True])
def test_where_names_meet_a_known_one_covers_an_unknown_and_a_near_face_a_far_one(backwards: bool) -> None:
    near, far, order = Box(100, 100, 90, 90), Box(100, 100, 30, 30), -1 if backwards else 1
    plate = np.s_[86:98, 100:112]

    def over(box: Box, known: bool) -> Image:
        return draw(_black(), [(box, "xxxx", known)])[plate]

    both = draw(_black(), [(near, "xxxx", False), (far, "unknown", False)][::order])
    assert np.array_equal(both[plate], over(near, known=False))
    named = draw(_black(), [(near, "unknown", False), (far, "xxxx", True)][::order])
    assert np.array_equal(named[plate], over(far, known=True))


@pytest.mark.parametrize(("height", "width"), [(240, 320), (720, 1280), (1080, 1920), (2160, 3840)])
def test_letters_grow_with_the_frame(height: int, width: int) -> None:
    image = draw(_black(height, width), [(Box(width / 2, height / 2, 1, 1), "Ada", True)])
    assert 0.03 < _rows(image, KNOWN) / height < 0.09


@pytest.mark.parametrize(
    "box", [Box(-40, -40, 80, 80), Box(300, 220, 80, 80), Box(-500, 100, 10, 10), Box(100, 500, 9, 9)]
)
def test_a_name_never_leaves_the_frame(box: Box) -> None:
    drawn = draw(_black(), [(box, "Ada", True)])
    assert _rows(drawn, KNOWN) >= 10


def test_a_frame_too_small_for_the_name_is_drawn_all_the_same() -> None:
    assert draw(_black(8, 8), [(Box(1, 1, 4, 4), "Ada Lovelace", True)]).shape == (8, 8, 3)


def test_accents_are_dropped_rather_than_garbled() -> None:
    box = Box(100, 100, 60, 80)
    assert (draw(_black(), [(box, "José", True)]) == draw(_black(), [(box, "Jose", True)])).all()


def test_a_video_has_its_source_s_rate_and_colours(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    red = np.full((48, 64, 3), (255, 0, 0), np.uint8)
    with VideoWriter(path, 12.5) as writer:
        for _ in range(4):
            writer.write(red, [])
        assert repr(writer).endswith("open)")
    writer.close()
    assert repr(writer).endswith("closed)")
    with open_camera(str(path)) as camera:
        frames = list(camera.frames())
        assert camera.fps == 12.5
    assert len(frames) == 4
    assert np.abs(frames[0].image[24, 32].astype(int) - (255, 0, 0)).max() <= 12


def test_odd_and_changing_sizes_are_fitted_to_the_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoWriter(path, None) as writer:
        writer.write(_black(49, 65))
        writer.write(_black(100, 200))
        writer.write(_black(48, 64))
    with open_camera(str(path)) as camera:
        assert [frame.image.shape for frame in camera.frames()] == [(48, 64, 3)] * 3


def test_without_frames_no_file_is_made(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.mp4", 25):
        pass
    assert not (tmp_path / "out.mp4").exists()


def test_an_impossible_path_is_refused_before_the_first_frame(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=r"must end in \.mp4"):
        VideoWriter(tmp_path / "out.gif", 25)
    for folder in ("none", "x" * 300):
        with pytest.raises(HardwareError, match=f"{folder} is no folder for that"):
            VideoWriter(tmp_path / folder / "out.mp4", 25)


def test_a_folder_that_cannot_be_written_is_refused_before_the_first_frame(
    open_folder: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    with as_nobody(), pytest.raises(HardwareError, match="is no folder for that"):
        VideoWriter(open_folder / "out.mp4", 25)


def test_a_video_that_cannot_be_opened_is_one_silent_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out.mp4").mkdir()
    with (
        VideoWriter(tmp_path / "out.mp4", 25) as writer,
        pytest.raises(HardwareError, match="cannot be written: 64 x 48 px") as caught,
    ):
        writer.write(_black(48, 64))
    assert caught.value.hint
    assert capfd.readouterr().err == ""


def test_a_disk_that_fills_ends_the_video_with_what_is_there(
    small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, noise = small_disk / "out.mp4", np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    with VideoWriter(path, 25) as writer, pytest.raises(HardwareError, match="cannot grow: the disk is full"):
        for _ in range(1000):
            writer.write(noise)
    assert capfd.readouterr().err == ""
    with open_camera(str(path)) as camera:
        assert len(list(camera.frames())) > 3

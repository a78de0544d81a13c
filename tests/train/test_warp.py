"""Faces that are bent into those of other people: smooth, aligned as before, and no more than asked."""

import cv2
import numpy as np
import pytest
from edgeface_train.warp import NODES, draw_warps, unbent, warp

from edgeface.core.align import TEMPLATE, similarity_transform


@pytest.fixture
def dots():
    """Return a black chip of 128 px with a white dot on each landmark, each in a picture of its own."""
    pictures = np.zeros((5, 128, 128, 3), np.uint8)
    for picture, (x, y) in zip(pictures, TEMPLATE + 8, strict=True):
        cv2.circle(picture, (round(float(x)), round(float(y))), 3, (255, 255, 255), -1)
    return pictures


def middles(pictures):
    grey = pictures[..., 0].astype(float)
    y, x = np.mgrid[:128, :128]
    return np.stack([(grey * axis).sum((1, 2)) / grey.sum((1, 2)) for axis in (x, y)], axis=1)


def test_deviations_are_anything_up_to_what_is_asked():
    warps = draw_warps(4000, 4.0, np.random.default_rng(0))
    assert warps.shape == (4000, 2, NODES, NODES) and warps.dtype == np.float32
    deviations = np.sqrt(np.mean(warps**2, axis=(1, 2, 3)))
    assert deviations.min() < 0.1 and 3.5 < deviations.max() < 6
    assert np.mean(deviations) == pytest.approx(2, abs=0.1)
    assert not draw_warps(3, 0.0, np.random.default_rng(0)).any()


def test_no_displacement_and_one_alignment_undoes_leave_a_chip_alone(dots):
    assert np.array_equal(warp(dots, unbent(5)), dots)
    shifted = unbent(5)
    shifted[:, 0], shifted[:, 1] = 6.0, -3.0
    assert np.allclose(warp(dots, shifted), dots, atol=2)


def test_a_bent_face_is_another_and_still_aligned(dots):
    warps = np.repeat(draw_warps(20, 3.0, np.random.default_rng(1)), 5, axis=0)
    before = middles(dots)
    moved = middles(warp(np.tile(dots, (20, 1, 1, 1)), warps)).reshape(20, 5, 2)
    deviations = np.sqrt(np.mean(warps.reshape(20, 5, -1)[:, 0] ** 2, axis=1))
    lengths = np.linalg.norm(moved - before, axis=2).mean(axis=1)
    assert np.corrcoef(deviations, lengths)[0, 1] > 0.6 and lengths.max() > 1
    for landmarks in moved:
        left = similarity_transform(landmarks, before) - np.eye(2, 3)
        assert np.abs(left[:, :2]).max() < 0.05 and np.abs(left @ [64, 64, 1]).max() < 0.7


def test_a_chip_without_a_border_is_bent_as_well():
    rng = np.random.default_rng(2)
    chip = cv2.resize(rng.integers(0, 256, (1, 9, 9, 3), np.uint8)[0], (112, 112), interpolation=cv2.INTER_CUBIC)
    bent = warp(chip[np.newaxis], draw_warps(1, 3.0, rng))
    assert bent.shape == (1, 112, 112, 3)
    assert 5 < np.abs(bent[0].astype(int) - chip).mean() < 80


def test_every_place_looks_where_its_own_displacement_and_the_similarity_say():
    warps = draw_warps(1, 4.0, np.random.default_rng(5))
    ramp = np.tile(np.arange(112, dtype=np.uint8)[np.newaxis, :, np.newaxis] * 2, (112, 1, 3))
    bent = warp(ramp[np.newaxis], warps)[0]
    field = cv2.resize(warps[0].transpose(1, 2, 0), (112, 112), interpolation=cv2.INTER_CUBIC)
    equations, wanted = [], []
    for x, y in TEMPLATE:
        near = field[round(float(y)), round(float(x))]
        equations += [[1, 0, x, -y], [0, 1, y, x]]
        wanted += list(near)
    similar = np.linalg.lstsq(np.array(equations), np.array(wanted), rcond=None)[0]
    for x, y in ((56, 56), (40, 60), (70, 50), (50, 75)):
        source = x + field[y, x, 0] - np.array([1, 0, x, -y]) @ similar
        assert abs(float(bent[y, x, 0]) - 2 * source) < 1.5

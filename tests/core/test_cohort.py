"""Blended strangers are corrected to score as real ones do."""

import numpy as np
import pytest

from edgeface.core.cohort import Cohort, corrected, least_promised, quantised, restored


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_a_stranger_s_score_with_a_person_is_that_of_the_nearest_template_corrected():
    random = np.random.default_rng(1)
    strangers, templates = unit(random.normal(size=(5, 8))), unit(random.normal(size=(4, 8)))
    people = np.array([7, 3, 7, 9])
    scores = Cohort(strangers, offset=0.1, scale=2.0).scores(templates, people)
    for row, stranger in enumerate(strangers):
        for column, person in enumerate([3, 7, 9]):
            best = max(float(t @ stranger) for t, p in zip(templates, people, strict=True) if p == person)
            assert scores[row, column] == pytest.approx(0.1 + 2 * best, abs=1e-6)


def test_a_vector_survives_eight_bits():
    vectors = unit(np.random.default_rng(2).normal(size=(50, 128)))
    assert np.sum(vectors * restored(quantised(vectors)), axis=1).min() > 0.9998
    with pytest.raises(ValueError, match="zeros"):
        restored(np.zeros((1, 8), np.int8))


def test_the_correction_undoes_a_known_stretch():
    random = np.random.default_rng(3)
    held_out, people = unit(random.normal(size=(300, 16))), np.arange(300)
    real = unit(random.normal(size=(1000, 16)))
    found = corrected(real, held_out, people)
    assert (found.offset, found.scale) == (pytest.approx(0, abs=0.05), pytest.approx(1, abs=0.1))
    # strangers nearer the middle by half, as blends are: an added coordinate takes three quarters of their square
    wide = np.concatenate([held_out, np.zeros((300, 1), np.float32)], axis=1)
    blends = np.concatenate([real / 2, np.full((1000, 1), np.sqrt(0.75), np.float32)], axis=1)
    shrunk = corrected(blends, wide, people)
    assert shrunk.scale == pytest.approx(2 * found.scale, rel=1e-3)
    assert shrunk.shape == pytest.approx(found.shape, abs=2e-3)


def test_who_is_enrolled_and_which_strangers_there_are_bound_what_can_be_promised():
    assert least_promised(3, blended=True, real=0) == pytest.approx(3e-4)
    assert least_promised(50, blended=True, real=0) == pytest.approx(5e-3)
    assert least_promised(50, blended=True, real=10_000) == pytest.approx(1e-3)
    assert least_promised(50, blended=False, real=1000) == pytest.approx(0.01)
    assert least_promised(20_000, blended=True, real=5) == 1


def test_too_few_held_out_people_say_nothing():
    with pytest.raises(ValueError, match="say too little"):
        corrected(np.eye(8, dtype=np.float32), np.eye(8, dtype=np.float32), np.arange(8))

"""Strangers are blended from people, none of whom can be told from the blend."""

import numpy as np
import pytest
from edgeface_train.cohort import NEIGHBOURS, blend, draw_faces

from edgeface.errors import ConfigError


@pytest.fixture(scope="module")
def people():
    """1,200 people of three kinds, 32 numbers each."""
    random = np.random.default_rng(1)
    kinds = 0.7 * random.normal(size=(3, 32))
    vectors = kinds[np.arange(1200) % 3] + random.normal(size=(1200, 32))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_a_blend_is_of_unit_length_and_the_same_again(people):
    made = blend(people, 200, np.random.default_rng(2))
    assert np.linalg.norm(made, axis=1) == pytest.approx(np.ones(200), abs=1e-5)
    assert np.array_equal(made, blend(people, 200, np.random.default_rng(2)))


def test_blends_score_with_people_about_as_people_do(people):
    made = blend(people, 300, np.random.default_rng(3))
    upper = np.triu_indices(len(people), 1)
    real, blended = (people @ people.T)[upper], (made @ people.T).ravel()
    assert blended.mean() == pytest.approx(real.mean(), abs=0.02)
    assert blended.std() == pytest.approx(real.std(), rel=0.15)


def test_no_person_is_nearly_a_blend(people):
    nearest = (blend(people, 300, np.random.default_rng(4)) @ people.T).max(axis=1)
    assert nearest.max() < 0.95
    # as near as this, people are to each other
    between = people @ people.T - 2 * np.eye(len(people))
    assert np.median(nearest) < np.median(between.max(axis=1)) + 0.1


def test_too_few_people_are_named(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "1.png").write_bytes(b"")
    with pytest.raises(ConfigError, match="has 1 people, 200 strangers need as many"):
        draw_faces(tmp_path, tmp_path, None, 200, 1)
    assert NEIGHBOURS < 200

"""A bundle's strangers are verified like its models, and a bundle without any is whole."""

import shutil

import numpy as np
import pytest

from edgeface.card import read_bundle
from edgeface.cohort_file import read_cohort, write_cohort
from edgeface.core.cohort import Cohort
from edgeface.errors import CardMismatch, ModelError
from tests.fixtures import TINY_BUNDLE


@pytest.fixture
def bundle(tmp_path):
    shutil.copytree(TINY_BUNDLE, tmp_path / "bundle")
    return read_bundle(tmp_path / "bundle")


@pytest.fixture
def cohort(bundle):
    vectors = np.random.default_rng(1).normal(size=(200, bundle.card.embedding_size))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Cohort(vectors.astype(np.float32), 0.01, 1.2, -0.1)


def test_a_bundle_needs_no_strangers(bundle):
    assert read_cohort(bundle) is None


def test_strangers_written_are_those_read(bundle, cohort):
    write_cohort(bundle, "int8", cohort, people=400)
    again = read_bundle(bundle.folder)
    assert again.card.cohorts["int8"].people == 400
    found = read_cohort(again)
    assert found is not None
    assert (found.offset, found.scale, found.shape) == (0.01, 1.2, -0.1)
    assert np.sum(found.vectors * cohort.vectors, axis=1).min() > 0.999
    assert read_cohort(again, "float16") is None
    assert again.read_model("int8")


def test_other_strangers_than_the_card_describes_are_refused(bundle, cohort):
    bundle = write_cohort(bundle, "int8", cohort, people=400)
    path = bundle.folder / "cohort-int8.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CardMismatch, match="is not the one its card describes"):
        read_cohort(bundle)
    path.unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        read_cohort(bundle)


def test_strangers_of_another_size_are_refused(bundle):
    small = Cohort(np.eye(3, dtype=np.float32)[np.zeros(200, int)])
    with pytest.raises(ModelError, match="does not hold at least 100 strangers of 16"):
        read_cohort(write_cohort(bundle, "int8", small, people=1))


def test_impossible_figures_make_the_card_unusable(bundle, cohort):
    wrong = Cohort(cohort.vectors, 0.0, -1.0, 0.0)
    write_cohort(bundle, "int8", wrong, people=400)
    with pytest.raises(CardMismatch, match="a cohort's path or figures"):
        read_bundle(bundle.folder)

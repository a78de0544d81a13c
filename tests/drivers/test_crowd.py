"""Galleries of people who do not exist."""

import numpy as np
import pytest

from edgeface.core.types import Embedding
from edgeface.drivers.crowd import enrol_crowd
from edgeface.drivers.store import Gallery

MODEL = "a" * 64


def test_a_crowd_is_a_gallery_that_the_real_one_reads(tmp_path):
    path = tmp_path / "gallery.db"
    enrol_crowd(path, MODEL, people=50, size=8)
    with Gallery(path, MODEL, read_only=True) as gallery:
        people, templates = gallery.people(), gallery.templates()
        assert (len(people), len(templates)) == (50, 50)
        vectors = np.stack([template.embedding.vector for template in templates])
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
        [(nearest, cosine)] = gallery.nearest(Embedding(vectors[30], MODEL), 1)
        assert (nearest, cosine) == (templates[30].identity, pytest.approx(1, abs=1e-5))


def test_nobody_in_a_crowd_resembles_anybody():
    vectors = np.random.default_rng(11).normal(size=(1000, 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors.T - 2 * np.eye(1000)
    assert cosines.max() < 0.5


def test_an_empty_crowd_is_an_empty_gallery(tmp_path):
    enrol_crowd(tmp_path / "gallery.db", MODEL, people=0, size=8)
    with Gallery(tmp_path / "gallery.db", MODEL) as gallery:
        assert gallery.people() == []
        assert gallery.add("ada", [Embedding(np.eye(8, dtype=np.float32)[0], MODEL)]).id == 1

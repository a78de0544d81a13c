"""Mining is checked against the slow way: three photos at a time, the definitions of the FaceNet paper."""

import numpy as np
import pytest
from edgeface_train.mining import Photos, kinds_of, mine, non_easy_fraction, random_triplets
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.core.metrics import EASY, HARD, SEMI_HARD

MARGIN = 0.2


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def people_and_vectors(people_count=12, photos_each=5, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    people = rng.permutation(np.repeat(np.arange(people_count, dtype=np.int32), photos_each))
    centres = rng.normal(size=(people_count, 16))
    return people, unit(centres[people] + rng.normal(0, noise, (len(people), 16)))


def slow_kind(triplet, vectors):
    anchor, positive, negative = (vectors[photo].astype(np.float64) for photo in triplet)
    near, far = ((anchor - positive) ** 2).sum(), ((anchor - negative) ** 2).sum()
    return HARD if far <= near else SEMI_HARD if far < near + MARGIN else EASY


def test_every_mined_triplet_is_what_the_slow_definition_says():
    people, vectors = people_and_vectors(noise=1.0)
    mined = mine(Photos(people), vectors, MARGIN, count=300, hard_share=0.5, rng=np.random.default_rng(1))
    assert len(mined.triplets) == 300
    for triplet, kind in zip(mined.triplets, mined.kinds, strict=True):
        anchor, positive, negative = triplet
        assert anchor != positive
        assert people[anchor] == people[positive] != people[negative]
        assert slow_kind(triplet, vectors) == kind != EASY


def test_mining_finds_every_non_easy_triplet_there_is():
    people, vectors = people_and_vectors(people_count=4, photos_each=3, noise=0.8)
    everything = {
        (a, p, n)
        for a in range(len(people))
        for p in range(len(people))
        for n in range(len(people))
        if a != p and people[a] == people[p] != people[n] and slow_kind((a, p, n), vectors) != EASY
    }
    mined = mine(
        Photos(people),
        vectors,
        MARGIN,
        count=10_000,
        hard_share=0.5,
        rng=np.random.default_rng(1),
        attempts=3,
    )
    assert {tuple(map(int, triplet)) for triplet in mined.triplets} == everything


def test_no_triplet_is_mined_twice():
    people, vectors = people_and_vectors(noise=1.0)
    triplets = mine(Photos(people), vectors, MARGIN, count=2000, hard_share=0.5, rng=np.random.default_rng(2)).triplets
    assert len(np.unique(triplets, axis=0)) == len(triplets)


@pytest.mark.parametrize(("share", "kind"), [(0.0, SEMI_HARD), (1.0, HARD)])
def test_the_hard_share_chooses_the_kind(share, kind):
    people, vectors = people_and_vectors(noise=1.0)
    kinds = mine(Photos(people), vectors, MARGIN, count=200, hard_share=share, rng=np.random.default_rng(3)).kinds
    assert len(kinds)
    assert set(kinds.tolist()) == {kind}


def test_a_network_that_separates_everybody_leaves_nothing_to_mine():
    people = np.repeat(np.arange(4, dtype=np.int32), 3)
    vectors = np.eye(4, dtype=np.float32)[people]
    mined = mine(Photos(people), vectors, MARGIN, count=50, hard_share=0.5, rng=np.random.default_rng(4))
    assert mined.triplets.shape == (0, 3)
    assert non_easy_fraction(Photos(people), vectors, MARGIN, draws=100, rng=np.random.default_rng(5)) == 0


@pytest.mark.parametrize("people", [[], [0], [0, 0, 0], [0, 1, 2]])
def test_too_few_people_or_photos_give_no_triplet(people):
    photos = Photos(np.array(people, np.int32))
    assert random_triplets(photos, 10, np.random.default_rng(0)).shape == (0, 3)
    vectors = np.ones((len(people), 4), np.float32) / 2
    assert np.isnan(non_easy_fraction(photos, vectors, MARGIN, draws=10, rng=np.random.default_rng(0)))


def test_random_triplets_are_uniform_over_partners_and_strangers():
    people = np.array([0, 1, 0, 1, 0, 2], np.int32)
    triplets = random_triplets(Photos(people), 60_000, np.random.default_rng(0))
    of_first = triplets[triplets[:, 0] == 0]
    _, partners = np.unique(of_first[:, 1], return_counts=True)
    _, strangers = np.unique(of_first[:, 2], return_counts=True)
    assert np.allclose(partners / partners.sum(), [1 / 2] * 2, atol=0.02)
    assert np.allclose(strangers / strangers.sum(), [1 / 3] * 3, atol=0.02)
    assert 5 not in triplets[:, 0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=20), st.integers(0, 1000))
def test_every_random_triplet_is_valid(people, seed):
    labels = np.array(people, np.int32)
    for anchor, positive, negative in random_triplets(Photos(labels), 30, np.random.default_rng(seed)):
        assert anchor != positive
        assert labels[anchor] == labels[positive] != labels[negative]


def test_the_non_easy_fraction_is_the_share_of_slow_kinds():
    people, vectors = people_and_vectors()
    photos = Photos(people)
    fraction = non_easy_fraction(photos, vectors, MARGIN, draws=500, rng=np.random.default_rng(7))
    triplets = random_triplets(photos, 500, np.random.default_rng(7))
    slow = [slow_kind(triplet, vectors) for triplet in triplets]
    assert fraction == np.mean(np.array(slow) != EASY)
    assert kinds_of(triplets, vectors, MARGIN).tolist() == slow

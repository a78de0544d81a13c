"""Kinds of triplets, their distances and the bounds of a rate are those of the formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeface.core.metrics import (
    EASY,
    HARD,
    SEMI_HARD,
    squared_distance,
    triplet_kinds,
    wilson,
)
from tests.core.test_metrics import fine, people_on_a_sphere


@given(st.lists(st.tuples(fine, fine) | st.sampled_from([(0.5, 0.5)]), max_size=20), st.floats(0, 1, width=32))
def test_the_kind_of_a_triplet_is_that_of_the_paper(pairs, margin):
    positive = np.array([p + 1 for p, _ in pairs], np.float64)
    negative = np.array([n + 1 for _, n in pairs], np.float64)
    expected = []
    for p, n in zip(positive, negative, strict=True):
        expected.append(HARD if n <= p else SEMI_HARD if n < p + margin else EASY)
    found = triplet_kinds(positive, negative, margin)
    assert found.dtype == np.int8
    assert found.tolist() == expected


def test_the_borders_between_kinds():
    assert triplet_kinds(np.float32([1, 1, 1]), np.float32([1, 1.25, 1.125]), 0.25).tolist() == [
        HARD,
        EASY,
        SEMI_HARD,
    ]
    assert triplet_kinds(np.float32([1]), np.float32([1]), 0).tolist() == [HARD]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_the_squared_distance_is_the_sum_over_coordinates(count):
    a, _ = people_on_a_sphere(count, 1, seed=1)
    b, _ = people_on_a_sphere(count, 1, seed=2)
    expected = [sum((x - y) ** 2 for x, y in zip(p, q, strict=True)) for p, q in zip(a, b, strict=True)]
    np.testing.assert_allclose(squared_distance(a, b), expected, atol=1e-5)
    assert (squared_distance(a, a) >= 0).all()


@given(st.integers(1, 400).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_bounds_of_a_rate_are_the_rates_whose_score_test_just_rejects_what_was_seen(seen):
    count, of = seen
    low, high = wilson(count, of)
    assert 0 <= low <= count / of <= high <= 1
    for bound in {low, high} - {0.0, 1.0}:
        assert abs(count / of - bound) == pytest.approx(1.959964 * math.sqrt(bound * (1 - bound) / of), rel=1e-6)


@pytest.mark.parametrize(("count", "of"), [(0, 0), (3, 2), (-1, 5)])
def test_what_is_no_rate_has_no_interval(count, of):
    with pytest.raises(ValueError, match="is no rate"):
        wilson(count, of)

"""Looks of a household are searched for among the others, and nothing is loosened while somebody is mistaken."""

import numpy as np
import pytest

from edgeface.core.calibration import Tails
from edgeface.core.household import advise, closest_pairs, leave_one_out, outliers

TAILS = Tails(np.array([0.2, 0.2]), np.array([0.05, 0.05]), np.full((2, 5), -1.0), 0.0, 0.1)


def circle(*degrees: float) -> np.ndarray:
    """Unit vectors at angles: a cosine is that of the difference."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def cosine(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))


def test_each_look_is_searched_for_without_itself():
    found = leave_one_out(circle(0, 20, 60, 90), [1, 1, 2, 3])
    assert found.own == pytest.approx([cosine(20), cosine(20), -1, -1], abs=1e-6)
    assert found.other == pytest.approx([cosine(60), cosine(40), cosine(30), cosine(30)], abs=1e-6)
    assert found.other_person.tolist() == [2, 2, 3, 2]
    assert found.judged.tolist() == [True, True, False, False]


def test_leave_one_out_agrees_with_the_slow_loop():
    random = np.random.default_rng(1)
    vectors, people = random.normal(size=(30, 5)), random.integers(0, 8, 30)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = leave_one_out(vectors, people)
    for i in range(30):
        own = [vectors[i] @ vectors[j] for j in range(30) if j != i and people[j] == people[i]]
        other = [vectors[i] @ vectors[j] for j in range(30) if people[j] != people[i]]
        assert found.own[i] == pytest.approx(max(own, default=-1))
        assert found.other[i] == pytest.approx(max(other, default=-1))
    pairs = closest_pairs(vectors, people)
    assert [score for *_, score in pairs] == sorted((score for *_, score in pairs), reverse=True)
    for a, b, score in pairs:
        scores = [vectors[i] @ vectors[j] for i in range(30) for j in range(30) if (people[i], people[j]) == (a, b)]
        assert a < b
        assert score == pytest.approx(max(scores))


def test_one_person_alone_has_no_rival():
    found = leave_one_out(circle(0, 10), [5, 5])
    assert found.other.tolist() == [-1, -1]
    assert found.other_person.tolist() == [5, 5]
    assert found.found(0.9, 0.05).all()
    assert closest_pairs(circle(0, 10), [5, 5]) == []


def test_a_look_nearer_to_somebody_else_is_mistaken():
    found = leave_one_out(circle(0, 50, 60), [1, 1, 2])
    assert found.mistaken(0.5).tolist() == [False, True, False]
    assert not found.mistaken(0.5, margin=0.4).any()
    assert not found.mistaken(0.99).any()
    assert found.found(0.5, 0.05).tolist() == [True, False, False]


def test_an_outlier_resembles_none_of_three_looks_or_more():
    vectors, people = circle(0, 5, 100, 200, 290), [1, 1, 1, 2, 2]
    assert outliers(leave_one_out(vectors, people), people, 0.3).tolist() == [False, False, True, False, False]


def test_where_nobody_is_mistaken_the_threshold_is_the_least_that_keeps_the_rate():
    advice = advise(TAILS, leave_one_out(circle(0, 10, 90, 100), [1, 1, 2, 2]), rate=0.01, threshold=0.6, margin=0.05)
    # 2 people * 0.1 * exp(-(t - 0.2) / 0.05) = 0.01
    assert advice.threshold == pytest.approx(0.2 + 0.05 * np.log(20), abs=1e-4)
    assert (advice.margin, advice.held) == (0.05, False)
    assert advice.rate == pytest.approx(0.01, rel=1e-3)
    assert advice.rate_now == pytest.approx(0.2 * np.exp(-8), rel=1e-3)


def test_nothing_is_loosened_while_somebody_is_mistaken():
    mistaken = leave_one_out(circle(0, 50, 60), [1, 1, 2])
    lead = cosine(10) - cosine(50)
    advice = advise(TAILS, mistaken, rate=0.01, threshold=0.6, margin=0.05)
    assert (advice.threshold, advice.held) == (0.6, True)
    assert advice.margin == pytest.approx(min(lead + 0.01, 0.3))
    stricter = advise(TAILS, mistaken, rate=0.01, threshold=0.3, margin=0.05)
    assert stricter.threshold > 0.3
    assert not stricter.held


def test_the_margin_is_never_lowered():
    advice = advise(TAILS, leave_one_out(circle(0, 50, 60), [1, 1, 2]), rate=0.01, threshold=0.3, margin=0.5)
    assert advice.margin == 0.5

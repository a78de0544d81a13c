"""The promised false-accept rate is the one that strangers realise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.core.calibration import Tails, false_accept_rate, fit_shape, fit_tails, threshold_for


def scores_of(seed: int, strangers: int, people: int, together: float = 0.0) -> np.ndarray:
    """Normal scores; `together` is the correlation of a stranger's scores with two people."""
    random = np.random.default_rng(seed)
    own, shared = random.normal(size=(strangers, people)), random.normal(size=(strangers, 1))
    return 0.1 + 0.1 * (np.sqrt(1 - together) * own + np.sqrt(together) * shared)


def accepted(scores: np.ndarray, threshold: float, margin: float) -> float:
    """The rate by its definition."""
    ranked = np.sort(np.concatenate([np.full((len(scores), 1), -1.0), scores], axis=1), axis=1)
    return float(np.mean((ranked[:, -1] >= threshold) & (ranked[:, -1] - ranked[:, -2] >= margin)))


def test_the_rate_of_a_known_tail_is_that_of_its_formula():
    tails = Tails(np.array([0.2]), np.array([0.05]), np.full((1, 4), -1.0), 0.0, 0.1)
    assert false_accept_rate(tails, 0.2, 0.0) == pytest.approx(0.1)
    assert false_accept_rate(tails, 0.3, 0.0) == pytest.approx(0.1 * np.exp(-2))
    bounded = Tails(np.array([0.2]), np.array([0.05]), np.full((1, 4), -1.0), -0.25, 0.1)
    # scale = mean * (1 - shape) = 0.0625; the tail ends scale / 0.25 above its start
    assert false_accept_rate(bounded, 0.45, 0.0) == 0
    assert false_accept_rate(bounded, 0.3, 0.0) == pytest.approx(0.1 * (1 - 0.25 * 0.1 / 0.0625) ** 4)


@pytest.mark.parametrize("together", [0.0, 0.5])
@pytest.mark.parametrize("margin", [0.0, 0.05])
@pytest.mark.parametrize("people", [3, 20])
def test_unseen_strangers_realise_the_promised_rate(people, margin, together):
    # a normal distribution's tail beyond its upper tenth is about of this shape
    tails = fit_tails(scores_of(1, 4000, people, together), shape=-0.12)
    unseen = scores_of(2, 40_000, people, together)
    for rate in (0.01, 0.001):
        realised = accepted(unseen, threshold_for(tails, rate, margin), margin)
        assert rate / 2 < realised < 2 * rate


@given(
    seed=st.integers(0, 2**16),
    people=st.integers(1, 6),
    margin=st.floats(0, 0.2),
    rate=st.sampled_from([0.02, 1e-3, 1e-5]),
    shape=st.floats(-0.3, 0.3),
)
@settings(max_examples=40, deadline=None)
def test_the_threshold_is_the_least_that_keeps_the_rate(seed, people, margin, rate, shape):
    tails = fit_tails(scores_of(seed, 120, people), shape)
    threshold = threshold_for(tails, rate, margin)
    least = float(tails.starts.min())
    assert threshold == 1 or false_accept_rate(tails, threshold, margin) <= rate
    assert threshold == least or false_accept_rate(tails, threshold - 2e-5, margin) > rate


@given(seed=st.integers(0, 2**16), people=st.integers(2, 6))
@settings(max_examples=30, deadline=None)
def test_a_stricter_threshold_or_margin_never_accepts_more(seed, people):
    tails = fit_tails(scores_of(seed, 150, people), -0.1)
    for margin in (0.0, 0.05, 0.1):
        rates = [false_accept_rate(tails, threshold, margin) for threshold in (0.2, 0.3, 0.4)]
        assert rates == sorted(rates, reverse=True)
        assert false_accept_rate(tails, 0.3, margin + 0.05) <= false_accept_rate(tails, 0.3, margin)


def test_more_people_need_a_higher_threshold():
    scores = scores_of(3, 1000, 50)
    thresholds = [threshold_for(fit_tails(scores[:, :n], -0.1), 1e-3, 0.0) for n in (1, 5, 50)]
    assert thresholds == sorted(thresholds)
    assert thresholds[2] > thresholds[0] + 0.05


def test_a_person_apart_keeps_a_tail_of_their_own():
    scores = scores_of(4, 1000, 4)
    scores[:, 0] += 0.3
    tails = fit_tails(scores, -0.1)
    assert tails.starts[0] == pytest.approx(tails.starts[1:].mean() + 0.3, abs=0.03)
    equal = fit_tails(scores_of(4, 1000, 4), -0.1).excess
    assert np.ptp(equal) < 0.01


def test_the_fitted_shape_gives_the_known_rate():
    random = np.random.default_rng(5)
    exponential = random.exponential(0.05, (1000, 30))
    at = -0.05 * np.log(1e-4)  # P(score >= at) is 1e-4
    assert fit_shape(exponential, at, 1e-4) == pytest.approx(0, abs=0.05)
    assert fit_shape(exponential, at - 0.1, 1e-4) < -0.1
    assert fit_shape(exponential, at + 0.3, 1e-4) > 0.1


def test_equal_scores_have_a_tail_of_no_length():
    tails = fit_tails(np.full((100, 2), 0.3), -0.1)
    assert threshold_for(tails, 0.001, 0.0) == pytest.approx(0.3, abs=1e-4)


@pytest.mark.parametrize("shape", [(99, 3), (200, 0), (200,)])
def test_too_little_is_refused(shape):
    with pytest.raises(ValueError, match="scores of shape"):
        fit_tails(np.zeros(shape), 0.0)


@pytest.mark.parametrize("rate", [0.0, 1e-7, 0.06])
def test_a_rate_beyond_the_tail_is_refused(rate):
    with pytest.raises(ValueError, match="rate is"):
        threshold_for(fit_tails(scores_of(6, 200, 2), 0.0), rate, 0.0)

"""Accuracy, rates and identification are those of the slow loops."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeface.core.metrics import (
    best_threshold,
    equal_error_rate,
    open_set_identification,
    rates_at,
    roc,
    similarity_pairs,
    tar_at_far,
    tenfold_accuracy,
    threshold_at_far,
)

coarse = st.integers(-8, 8).map(lambda eighths: eighths / 8)  # few values, so that ties are common
fine = st.floats(-1, 1, width=32)
row = st.lists(coarse | fine, min_size=1, max_size=30).map(lambda values: np.array(values, np.float32))
labelled = st.lists(st.tuples(coarse | fine, st.booleans()), min_size=1, max_size=30).map(
    lambda pairs: (np.array([s for s, _ in pairs], np.float32), np.array([same for _, same in pairs]))
)
rates = st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.29, 0.3, 0.5, 1.0])
empty = np.empty(0, np.float32)


def people_on_a_sphere(count, looks, seed=0, noise=0.6):
    random = np.random.default_rng(seed)
    centres = np.repeat(random.normal(size=(count, 16)), looks, axis=0)
    vectors = centres + noise * random.normal(size=centres.shape)
    people = np.repeat(np.arange(count), looks)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), people


def accepted_share(values, threshold):
    accepted = 0
    for value in values.tolist():
        accepted += value >= threshold
    return accepted / len(values)


def right_answers(similarities, same, threshold):
    right = 0
    for similarity, truth in zip(similarities.tolist(), same.tolist(), strict=True):
        right += (similarity >= threshold) == truth
    return right


@given(row, row, fine)
def test_a_threshold_accepts_the_shares_of_a_slow_count(genuine, impostor, threshold):
    found = rates_at(genuine, impostor, threshold)
    assert found == (accepted_share(genuine, threshold), accepted_share(impostor, threshold))


def test_without_pairs_a_threshold_has_no_rates():
    with pytest.raises(ValueError, match="impostor must be"):
        rates_at(np.ones(1), empty, 0.5)


@given(labelled)
def test_no_threshold_gives_more_right_answers_than_the_best(pairs):
    similarities, same = pairs
    threshold = best_threshold(similarities, same)
    best = right_answers(similarities, same, threshold)
    for other in [*similarities.tolist(), 1.5]:
        assert right_answers(similarities, same, other) <= best
        if any(threshold <= similarity < other for similarity in similarities.tolist()):
            assert right_answers(similarities, same, other) < best  # of equally good ones, the highest


def test_the_best_threshold_lies_half_way_between_its_neighbours():
    assert best_threshold(np.array([0.1, 0.3, 0.7, 0.9]), np.array([0, 0, 1, 1])) == 0.5


def test_neighbours_without_a_number_between_them_are_still_told_apart():
    lower = np.float32(0.5)
    similarities = np.array([lower, np.nextafter(lower, np.float32(1))])
    threshold = best_threshold(similarities, np.array([False, True]))
    assert (similarities >= threshold).tolist() == [False, True]


def test_of_equal_similarities_all_or_none_are_accepted():
    same = np.full(4, 0.5, np.float32)
    assert best_threshold(same, np.array([1, 1, 1, 0])) == 0.5
    assert best_threshold(same, np.array([0, 0, 0, 1])) > 0.5


@given(st.lists(st.tuples(fine, st.booleans(), st.integers(0, 4)), min_size=5, max_size=40))
def test_the_accuracy_over_folds_is_that_of_the_loop(pairs):
    similarities = np.array([s for s, _, _ in pairs], np.float32)
    same, folds = np.array([truth for _, truth, _ in pairs]), np.array([fold for _, _, fold in pairs])
    names = sorted(set(folds.tolist()))
    if len(names) < 2:
        with pytest.raises(ValueError, match="at least two"):
            tenfold_accuracy(similarities, same, folds)
        return
    accuracies = []
    for name in names:
        threshold = best_threshold(similarities[folds != name], same[folds != name])
        accuracies.append(right_answers(similarities[folds == name], same[folds == name], threshold))
        accuracies[-1] /= (folds == name).sum()
    mean = sum(accuracies) / len(names)
    variance = sum((accuracy - mean) ** 2 for accuracy in accuracies) / (len(names) - 1)
    found = tenfold_accuracy(similarities, same, folds)
    assert found.mean == pytest.approx(mean)
    assert found.standard_error == pytest.approx(math.sqrt(variance / len(names)))
    assert len(found.thresholds) == len(names)


def test_the_threshold_of_a_fold_does_not_depend_on_its_own_pairs():
    similarities, folds = np.array([0.2, 0.8, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1, 1])
    one = tenfold_accuracy(similarities, np.array([0, 1, 0, 1, 1]), folds)
    other = tenfold_accuracy(similarities, np.array([1, 0, 0, 1, 1]), folds)
    assert one.thresholds[0] == other.thresholds[0]
    assert one.thresholds[1] != other.thresholds[1]


@pytest.mark.parametrize("block", [1, 3, 7, 1000])
def test_every_pair_is_compared_once(block):
    vectors, people = people_on_a_sphere(4, 3)
    genuine, impostor = [], []
    for first in range(len(people)):
        for second in range(first + 1, len(people)):
            same = people[first] == people[second]
            (genuine if same else impostor).append(float(vectors[first] @ vectors[second]))
    found_genuine, found_impostor = similarity_pairs(vectors, people, block=block)
    np.testing.assert_allclose(np.sort(found_genuine), np.sort(genuine), atol=1e-6)
    np.testing.assert_allclose(np.sort(found_impostor), np.sort(impostor), atol=1e-6)
    assert found_genuine.dtype == found_impostor.dtype == np.float32


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_and_one_vector_make_no_pairs(count):
    genuine, impostor = similarity_pairs(np.ones((count, 4), np.float32), np.zeros(count))
    assert len(genuine) == len(impostor) == 0


def test_people_may_be_names():
    vectors, people = people_on_a_sphere(3, 2)
    genuine, impostor = similarity_pairs(vectors, np.array(["ada", "bob", "cyd"])[people])
    assert (len(genuine), len(impostor)) == (3, 12)


def test_vectors_without_their_people_are_refused():
    with pytest.raises(ValueError, match="3 vectors"):
        similarity_pairs(np.ones((3, 4)), np.zeros(2))


@given(row, rates)
def test_the_threshold_keeps_the_rate_and_the_number_just_below_does_not(impostor, far):
    threshold = threshold_at_far(impostor, far)
    assert accepted_share(impostor, threshold) <= far
    if threshold != -1:
        assert accepted_share(impostor, float(np.nextafter(np.float32(threshold), np.float32(-2)))) > far


@given(row, row, rates)
def test_the_true_accept_rate_is_that_of_the_loop(genuine, impostor, far):
    tar, threshold = tar_at_far(genuine, impostor, far)
    candidates = [-1.0, *(float(np.nextafter(value, np.float32(2))) for value in impostor)]
    assert threshold == min(value for value in candidates if accepted_share(impostor, value) <= far)
    assert tar == pytest.approx(accepted_share(genuine, threshold))


def test_a_rate_of_29_in_100_accepts_29():
    impostor = np.arange(100, dtype=np.float32) / 100
    assert (impostor >= threshold_at_far(impostor, 0.29)).sum() == 29


def test_equal_impostors_are_all_refused_unless_all_may_pass():
    equal = np.full(10, 0.25, np.float32)
    assert threshold_at_far(equal, 0.9) > 0.25
    assert threshold_at_far(equal, 1.0) == -1


@pytest.mark.parametrize("far", [-0.1, 1.1, math.nan])
def test_a_rate_outside_of_0_to_1_is_refused(far):
    with pytest.raises(ValueError, match="far is"):
        threshold_at_far(np.zeros(3, np.float32), far)


@given(row, row)
def test_the_equal_error_rate_is_that_of_the_loop(genuine, impostor):
    least, rate = math.inf, math.nan
    for threshold in sorted({*genuine.tolist(), *impostor.tolist()}):
        accepted = Fraction(sum(value >= threshold for value in impostor.tolist()), len(impostor))
        rejected = Fraction(sum(value < threshold for value in genuine.tolist()), len(genuine))
        if abs(accepted - rejected) < least:
            least, rate = abs(accepted - rejected), (accepted + rejected) / 2
    assert equal_error_rate(genuine, impostor) == pytest.approx(float(rate))


def test_pairs_that_never_overlap_have_no_error():
    assert equal_error_rate(np.array([0.8, 0.9]), np.array([0.1, 0.2])) == 0
    assert equal_error_rate(np.array([0.1, 0.2]), np.array([0.8, 0.9])) >= 0.5


@given(row, row, st.integers(2, 9))
def test_every_point_of_the_curve_is_what_its_threshold_gives(genuine, impostor, points):
    curve = roc(genuine, impostor, points)
    assert len(curve.far) == len(curve.tar) == len(curve.thresholds) == points
    for far, tar, threshold in zip(*curve, strict=True):
        assert far == pytest.approx(accepted_share(impostor, threshold), abs=1e-12)
        assert tar == pytest.approx(accepted_share(genuine, threshold), abs=1e-12)
    assert (np.diff(curve.thresholds) <= 0).all()
    assert curve.far[0] <= 1 / len(impostor) + 1e-12
    assert curve.far[-1] == 1


def slow_identification(gallery, gallery_people, mated, mated_people, nonmated, fpir):
    """NIST's two rates by their definitions, one search at a time."""
    best_of_strangers = [max(float(probe @ vector) for vector in gallery) for probe in nonmated]
    candidates = [-1.0, *(float(np.nextafter(np.float32(s), np.float32(2))) for s in best_of_strangers)]
    kept = [t for t in candidates if sum(s >= t for s in best_of_strangers) / len(nonmated) <= fpir]
    threshold, missed = min(kept), 0
    for probe, person in zip(mated, mated_people, strict=True):
        own, others = -math.inf, -math.inf
        for vector, owner in zip(gallery, gallery_people, strict=True):
            similarity = float(probe @ vector)
            own, others = (max(own, similarity), others) if owner == person else (own, max(others, similarity))
        missed += not (own >= threshold and own > others)
    return missed / len(mated), threshold


@pytest.mark.parametrize("enrolled", [1, 3])
@pytest.mark.parametrize("fpir", [0.0, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_open_set_identification_is_that_of_the_loop(enrolled, fpir, seed):
    vectors, people = people_on_a_sphere(12, 5, seed, noise=1.0)
    shuffled = np.random.default_rng(seed).permutation(len(people))
    vectors, people, look = vectors[shuffled], people[shuffled], np.tile(np.arange(5), 12)[shuffled]
    gallery, mated, nonmated = (
        (people < 7) & (look < enrolled),
        (people < 7) & (look >= enrolled),
        people >= 7,
    )
    parts = (vectors[gallery], people[gallery], vectors[mated], people[mated], vectors[nonmated])
    expected = slow_identification(*parts, fpir)
    assert open_set_identification(*parts, fpir) == pytest.approx(expected, abs=1e-6)


def test_a_gallery_of_one_person_has_nobody_to_confuse_them_with():
    one, other = np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32)
    fnir, threshold = open_set_identification(one, np.array([7]), one, np.array([7]), other, 0.0)
    assert fnir == 0
    assert 0 < threshold < 1e-6


def test_a_network_that_gives_all_faces_one_vector_finds_nobody():
    same = np.tile(np.array([[1.0, 0.0]], np.float32), (3, 1))
    people = np.arange(3)
    assert open_set_identification(same, people, same, people, same, 0.01).fnir == 1
    assert open_set_identification(same, people, same, people, same, 1.0).fnir == 1


@pytest.mark.parametrize(
    ("gallery", "mated", "nonmated", "problem"),
    [(0, 2, 2, "person of the gallery"), (2, 0, 2, "mated"), (2, 2, 0, "impostor"), (2, 3, 2, "person of")],
)
def test_searches_that_cannot_be_made_are_refused(gallery, mated, nonmated, problem):
    vectors, people = np.eye(4, dtype=np.float32), np.arange(4)
    with pytest.raises(ValueError, match=problem):
        open_set_identification(
            vectors[:gallery], people[:gallery], vectors[:mated], people[:mated], vectors[:nonmated], 0.1
        )


@pytest.mark.parametrize(
    "figure",
    [
        lambda none, some: threshold_at_far(none, 0.1),
        lambda none, some: tar_at_far(none, some, 0.1),
        lambda none, some: tar_at_far(some, none, 0.1),
        lambda none, some: equal_error_rate(none, some),
        lambda none, some: equal_error_rate(some, none),
        lambda none, some: roc(some, none),
        lambda none, some: best_threshold(none, none),
        lambda none, some: tenfold_accuracy(none, none, none),
    ],
)
@pytest.mark.parametrize("none", [empty, np.array([np.nan], np.float32), np.zeros((2, 2))])
def test_no_figure_is_made_from_nothing(figure, none):
    with pytest.raises(ValueError, match=r"must be a row|not numbers"):
        figure(none, np.array([0.5], np.float32))


def test_labels_and_points_must_fit():
    with pytest.raises(ValueError, match="2 similarities do not go with 3 labels"):
        best_threshold(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="do not match"):
        tenfold_accuracy(np.zeros(2), np.zeros(2), np.arange(3))
    with pytest.raises(ValueError, match="points is 1"):
        roc(np.zeros(2), np.zeros(2), 1)

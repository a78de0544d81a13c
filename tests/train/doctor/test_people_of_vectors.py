"""Levels, modes, suspects and twins find what was planted, and accuse nobody else."""

import numpy as np
import pytest
from edgeface_train.doctor.labels import find_suspects
from edgeface_train.doctor.levels import leave_one_out, measure_levels, robust_bound
from edgeface_train.doctor.modes import find_modes, mean_shift
from edgeface_train.doctor.neighbours import near_centres, nearest_other
from edgeface_train.doctor.twins import find_twins, merge_groups

from edgeface.core.prepare import normalise
from tests.train.doctor.world import crowd, photos_of, unit


def judge(vectors, people, *, merged=None):
    levels = measure_levels(vectors, people, rng=np.random.default_rng(0))
    modes = find_modes(vectors, people, levels.outside)
    labels = find_suspects(
        vectors,
        people,
        modes,
        levels,
        merged=np.arange(people.max() + 1) if merged is None else merged,
        sharpness=np.arange(len(people), dtype=float),
    )
    return levels, modes, labels.suspects


def test_the_levels_stand_in_their_order():
    vectors, people = crowd([10] * 40)
    levels = measure_levels(vectors, people, rng=np.random.default_rng(0))
    assert levels.far < levels.stranger < levels.pair < levels.member


def test_two_people_with_three_photos_are_too_few_to_know_strangers_by():
    vectors, people = crowd([3, 3, 2, 1])
    assert measure_levels(vectors, people, rng=np.random.default_rng(0)) is None


def test_leaving_a_photo_out_is_what_a_loop_over_the_others_gives():
    vectors, _ = crowd([5])
    slow = [vectors[i] @ normalise(np.delete(vectors, i, axis=0).sum(axis=0)) for i in range(5)]
    assert np.allclose(leave_one_out(vectors, vectors.sum(axis=0)), slow, atol=1e-6)


def test_a_robust_bound_is_that_of_a_normal_distribution_and_ignores_a_few_outliers():
    values = np.random.default_rng(0).normal(5, 2, 100_000)
    assert robust_bound(values, 3) == pytest.approx(11, abs=0.1)
    values[:1000] = 1e6
    assert robust_bound(values, 3) == pytest.approx(11, abs=0.2)


def test_mean_shift_parts_two_people_and_sets_a_stranger_apart():
    vectors, people = crowd([20, 12, 1])
    groups = mean_shift(vectors, 0.45)
    assert [set(people[group]) for group in groups] == [{0}, {1}, {2}]


def test_every_photo_is_in_one_group_whatever_the_radius():
    vectors, _ = crowd([6, 1])
    for radius in (-1.0, 0.5, 0.99, 1.5):
        assert sorted(np.concatenate(mean_shift(vectors, radius))) == list(range(7))
    assert mean_shift(vectors[:0], 0.5) == []


def test_a_second_look_belongs_to_its_person_and_a_second_person_does_not():
    # Every photo has a direction of its own beside that of the look: cosine 0.89 to its look, 0.75 to the other.
    axes = np.eye(42, dtype=np.float32)
    young, old, other = axes[0], unit(0.85 * axes[0] + np.sqrt(1 - 0.85**2) * axes[1]), axes[2]
    look = np.stack([young] * 14 + [old] * 12 + [other] * 10)
    modes = find_modes(unit(look + 0.5 * axes[5:41]), np.zeros(36, int), 0.78)
    assert len(set(modes.of[:26])) == 2
    assert modes.body[modes.of[:26]].all()
    assert not modes.body[modes.of[26:]].any()


def test_the_own_similarity_leaves_the_photo_out_and_is_unknown_for_a_single_one():
    vectors, people = crowd([4, 1])
    modes = find_modes(vectors, people, 0.3)
    slow = [vectors[i] @ normalise(np.delete(vectors[:4], i, axis=0).sum(axis=0)) for i in range(4)]
    assert np.allclose(modes.own[:4], slow, atol=1e-6)
    assert np.isnan(modes.own[4])


def test_the_nearest_other_is_that_of_a_slow_loop():
    vectors, people = crowd([3] * 20)
    centres = unit(np.stack([vectors[people == person].sum(axis=0) for person in range(20)]))
    which, best = nearest_other(vectors, people, centres, np.arange(20))
    for photo, vector in enumerate(vectors):
        slow = centres @ vector
        slow[people[photo]] = -2
        assert (which[photo], best[photo]) == (slow.argmax(), pytest.approx(slow.max()))


def test_the_nearest_other_is_right_where_owners_have_several_centres_in_any_order():
    vectors, people = crowd([3] * 20)
    centres, owners = vectors[::-1][:50], people[::-1][:50]
    which, best = nearest_other(vectors, people, centres, owners)
    slow = np.where(people[:, None] == owners, -2, vectors @ centres.T)
    assert which.tolist() == slow.argmax(axis=1).tolist()
    assert np.allclose(best, slow.max(axis=1))


def test_without_anybody_else_there_is_no_nearest_other():
    vectors, people = crowd([3])
    which, best = nearest_other(vectors, people, vectors[:1], people[:1])
    assert which.tolist() == [-1] * 3
    assert best.tolist() == [-1] * 3


def test_near_centres_are_those_of_the_whole_matrix():
    vectors, _ = crowd([40] * 30)  # more than one tile of rows
    found = {(i, j) for left, right, _ in near_centres(vectors, vectors, 0.6) for i, j in zip(left, right, strict=True)}
    assert found == set(map(tuple, np.argwhere(vectors @ vectors.T >= 0.6)))


def test_in_a_clean_world_nobody_is_accused():
    vectors, people = crowd([10] * 60)
    levels, modes, suspects = judge(vectors, people)
    assert suspects == []
    assert find_twins(vectors, people, modes, levels) == []


def test_planted_photos_of_others_are_found_with_their_names_and_nothing_else():
    vectors, people = crowd([10] * 60)
    planted = {3: 7, 14: 30, 255: 9}
    for photo, shown in planted.items():
        vectors[photo] = vectors[photos_of(people, shown)[:4]].sum(axis=0)
    vectors = unit(vectors)
    _, _, suspects = judge(vectors, people)
    assert {suspect.photo: suspect.like for suspect in suspects} == planted
    assert {(suspect.kind, suspect.certain) for suspect in suspects} == {("another", True)}


def test_a_photo_of_nobody_known_is_a_stray():
    vectors, people = crowd([10] * 60)
    own = normalise(vectors[photos_of(people, 2)].sum(axis=0))
    vectors[20] = unit(vectors[20] - (vectors[20] @ own) * own)  # what remains has nothing of its person
    _, _, [suspect] = judge(vectors, people)
    assert (suspect.photo, suspect.kind, suspect.certain) == (20, "stray", True)


def test_of_a_person_whose_photos_have_nothing_in_common_the_sharpest_stays():
    vectors, people = crowd([10] * 60)
    three = photos_of(people, 5)[:3]
    strangers, _ = crowd([1] * 3, seed=9)
    keep = np.ones(len(people), bool)
    keep[photos_of(people, 5)[3:]] = False
    vectors[three] = unit(np.linalg.qr(strangers.T)[0].T)
    _, _, suspects = judge(vectors[keep], people[keep])
    assert {suspect.kind for suspect in suspects} == {"scattered"}
    assert [suspect.photo for suspect in suspects if not suspect.certain] == [three[2]]
    assert {suspect.photo for suspect in suspects if suspect.certain} == set(three[:2].tolist())


def test_one_person_under_two_names_is_a_twin_and_no_mislabelled_photo():
    vectors, people = crowd([12] * 40)
    people = people.copy()
    people[photos_of(people, 3)[:5]] = 40
    levels, modes, _ = judge(vectors, people)
    [twin] = find_twins(vectors, people, modes, levels)
    assert (twin.left, twin.right) == (3, 40)  # the one with more photos first
    assert merge_groups([twin], np.bincount(people)) == [[3, 40]]
    merged = np.arange(41)
    merged[40] = 3
    assert judge(vectors, people, merged=merged)[2] == []


def test_a_single_photo_finds_the_person_it_shows():
    vectors, people = crowd([12] * 40)
    people = people.copy()
    people[0] = 40
    vectors[0] = unit(vectors[1:6].sum(axis=0))
    levels, modes, _ = judge(vectors, people)
    assert [(twin.left, twin.right) for twin in find_twins(vectors, people, modes, levels)] == [(0, 40)]


def test_people_of_one_side_are_not_compared():
    vectors, people = crowd([12] * 40)
    people = people.copy()
    people[photos_of(people, 3)[:6]] = 40
    levels, modes, _ = judge(vectors, people)
    same_side = np.zeros(41, int)
    assert find_twins(vectors, people, modes, levels, between=same_side) == []
    same_side[40] = 1
    assert len(find_twins(vectors, people, modes, levels, between=same_side)) == 1


def test_a_chain_of_lookalikes_is_no_group():
    from edgeface_train.doctor.twins import Twin

    size = np.array([5, 9, 3, 4])
    chain = [Twin(1, 0, 0.9, 0.7), Twin(1, 2, 0.8, 0.7)]
    assert merge_groups(chain, size) == [[1, 0]]
    assert merge_groups([*chain, Twin(0, 2, 0.7, 0.6)], size) == [[1, 0, 2]]
    assert merge_groups([], size) == []

"""The bench's figures are those of the slow loop: intervals over people, open-set search, slices."""

import numpy as np
import pytest
from edgeface_train.evaluation.bootstrap import (
    draw_people,
    estimate,
    resample_pairs,
    share_of_people_pairs,
    weighted_share,
)
from edgeface_train.evaluation.conditions import (
    UNKNOWN,
    Condition,
    conditions,
    detail_px,
    false_accepts,
    grade,
    measure_slices,
)
from edgeface_train.evaluation.identification import (
    Gallery,
    draw_galleries,
    measure_searches,
    missed,
    search_gallery,
)
from edgeface_train.evaluation.pairs import AllPairs, compare, histogram, similarity_matrix
from edgeface_train.evaluation.plots import probit

from edgeface.core.metrics import equal_error_rate, open_set_identification, tar_at_far
from edgeface.core.types import Box, Face

FARS = (0.3, 0.29, 0.1, 0.01, 0.0)


def people_on_a_sphere(count=7, looks=4, noise=0.9, steps=None, seed=0):
    """Return unit vectors and whose they are; with `steps`, similarities with many ties."""
    rng = np.random.default_rng(seed)
    vectors = np.repeat(rng.normal(size=(count, 8)), looks, axis=0) + noise * rng.normal(size=(count * looks, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    similarity = similarity_matrix(vectors, "cosine")
    if steps:
        similarity = np.round(similarity * steps) / np.float32(steps)
    return vectors, np.repeat(np.arange(count, dtype=np.int32), looks), similarity


def pairs_of_copies(similarity, people, weight):
    """Draw everybody `weight` times and compare all chips of all of them, by the slow loop."""
    drawn = [person for person, times in enumerate(weight) for _ in range(times)]
    genuine, impostor = [], []
    for place, one in enumerate(drawn):
        mine = np.flatnonzero(people == one)
        genuine += [similarity[a, b] for at, a in enumerate(mine) for b in mine[at + 1 :]]
        for other in drawn[place + 1 :]:
            if other != one:
                impostor += [similarity[a, b] for a in mine for b in np.flatnonzero(people == other)]
    return np.array(genuine, np.float32), np.array(impostor, np.float32)


@pytest.mark.parametrize("steps", [None, 5], ids=["all scores differ", "many scores tie"])
def test_weighting_people_gives_the_figures_of_copying_their_chips(steps):
    _, people, similarity = people_on_a_sphere(steps=steps)
    drawn = draw_people(7, 12, np.random.default_rng(1))
    weights = np.vstack([np.ones(7, int), [0, 3, 0, 0, 4, 0, 0], drawn])
    found = resample_pairs(compare(similarity, people), weights, FARS)
    for row, weight in enumerate(weights):
        genuine, impostor = pairs_of_copies(similarity, people, weight)
        for column, far in enumerate(FARS):
            assert found.tar[row, column] == pytest.approx(tar_at_far(genuine, impostor, far).tar), (row, far)
        assert found.equal_error[row] == pytest.approx(equal_error_rate(genuine, impostor)), row


def test_a_rate_whose_product_falls_short_of_its_whole_number_accepts_all_it_may():
    impostor = np.arange(100, dtype=np.float32) / 100
    genuine = np.array([0.705], np.float32)  # accepted when 29 of the impostors are, and 0.29 * 100 < 29
    couples = np.zeros(100, np.int32), np.ones(100, np.int32)
    pairs = AllPairs(genuine, np.zeros(1, np.int32), impostor, couples)
    assert tar_at_far(genuine, impostor, 0.29).tar == 1
    assert resample_pairs(pairs, np.ones((1, 2), int), [0.29]).tar[0, 0] == 1


def test_a_draw_without_impostor_pairs_has_no_equal_error_rate_and_leaves_the_interval():
    _, people, similarity = people_on_a_sphere()
    only_one = np.array([[7, 0, 0, 0, 0, 0, 0]])
    found = resample_pairs(compare(similarity, people), only_one, [0.1])
    assert np.isnan(found.equal_error[0])
    assert estimate(0.25, found.equal_error) == estimate(0.25, np.array([0.25]))


def test_people_are_drawn_with_replacement():
    weights = draw_people(50, 200, np.random.default_rng(0))
    assert (weights.sum(axis=1) == 50).all()
    assert np.mean(weights == 0) == pytest.approx(1 / np.e, abs=0.02)


def test_an_interval_over_people_is_wider_than_one_over_pairs_would_be():
    _, people, similarity = people_on_a_sphere(count=30, looks=6)
    pairs = compare(similarity, people)
    weights = draw_people(30, 300, np.random.default_rng(0))
    tar = tar_at_far(pairs.genuine, pairs.impostor, 0.01).tar
    over_people = estimate(tar, resample_pairs(pairs, weights, [0.01]).tar[:, 0])
    rng = np.random.default_rng(0)
    naive = [
        tar_at_far(rng.choice(pairs.genuine, len(pairs.genuine)), rng.choice(pairs.impostor, len(pairs.impostor)), 0.01)
        for _ in range(300)
    ]
    over_pairs = estimate(tar, np.array([at.tar for at in naive]))
    assert over_people.low < tar < over_people.high
    assert over_people.high - over_people.low > 1.5 * (over_pairs.high - over_pairs.low)


def test_a_share_of_pairs_of_people_weighs_them_as_copies_would():
    _, people, similarity = people_on_a_sphere()
    pairs = compare(similarity, people)
    weights = draw_people(7, 6, np.random.default_rng(2))
    hit, of = np.zeros((7, 7)), np.zeros((7, 7))
    for score, one, other in zip(pairs.impostor, *pairs.impostor_people, strict=True):
        of[one, other] += 1
        hit[one, other] += score >= 0.2
    shares = share_of_people_pairs(hit, of, weights)
    for row, weight in enumerate(weights):
        _, impostor = pairs_of_copies(similarity, people, weight)
        assert shares[row] == pytest.approx(np.mean(impostor >= np.float32(0.2)))
    together = false_accepts(pairs.impostor >= 0.2, pairs.impostor_people, weights)
    assert together == estimate(float(np.mean(pairs.impostor >= 0.2)), shares)


def test_a_weighted_share_of_nobody_is_no_number():
    assert np.isnan(weighted_share(np.array([True]), np.zeros((1, 1)))[0])


def test_distances_of_unit_vectors_are_their_cosines():
    vectors, _, _ = people_on_a_sphere()
    np.testing.assert_allclose(similarity_matrix(vectors, "euclidean"), similarity_matrix(vectors, "cosine"), atol=1e-6)


def test_euclidean_similarity_falls_with_the_distance_of_vectors_of_any_length():
    vectors = np.array([[0, 0], [1, 0], [0, 3]], np.float32)
    similarity = similarity_matrix(vectors, "euclidean")
    np.testing.assert_allclose(similarity, [[1, 0.5, -1], [0.5, 1, -1], [-1, -1, 1]])


@pytest.mark.parametrize("looks", [1, 3])
@pytest.mark.parametrize("fpir", [0.0, 0.1, 0.35, 1.0])
def test_searching_by_similarities_is_searching_by_vectors(looks, fpir):
    vectors, people, similarity = people_on_a_sphere(count=9, looks=5)
    enrolled = np.flatnonzero((people < 5) & (np.arange(len(people)) % 5 < looks))
    found = search_gallery(similarity, people, Gallery(enrolled, 5, looks))
    mated = np.setdiff1d(np.flatnonzero(people < 5), enrolled)
    expected = open_set_identification(
        vectors[enrolled], people[enrolled], vectors[mated], people[mated], vectors[people >= 5], fpir
    )
    assert missed(found, fpir, np.ones((1, 9), int))[0] == pytest.approx(expected.fnir)


@pytest.mark.parametrize("steps", [None, 4])
def test_weighting_people_in_a_search_gives_the_figure_of_copying_their_probes(steps):
    _, people, similarity = people_on_a_sphere(count=9, looks=5, steps=steps)
    enrolled = np.arange(0, 25, 5)
    found = search_gallery(similarity, people, Gallery(enrolled, 5, 1))
    weights = draw_people(9, 20, np.random.default_rng(3))
    for weight, fnir in zip(weights, missed(found, 0.2, weights), strict=True):
        strangers = [similarity[c, enrolled].max() for c in range(25, 45) for _ in range(weight[people[c]])]
        probes = [c for c in range(25) if c not in enrolled for _ in range(weight[people[c]])]
        if not strangers or not probes:
            assert np.isnan(fnir)
            continue
        thresholds = [-2.0, *np.nextafter(np.unique(strangers), np.float32(2))]
        threshold = min(t for t in thresholds if np.mean(np.array(strangers) >= t) <= 0.2)
        misses = 0
        for probe in probes:
            own = similarity[probe, people[probe] * 5]
            others = max(similarity[probe, e] for e in enrolled if people[e] != people[probe])
            misses += not (own >= threshold and own > others)
        assert fnir == pytest.approx(misses / len(probes))


def test_galleries_enrol_people_with_a_chip_to_spare_and_leave_strangers():
    people = np.repeat(np.arange(60, dtype=np.int32), np.arange(60) % 5 + 1)  # one to five chips
    galleries, omitted = draw_galleries(people, (1, 3, 5), np.random.default_rng(0))
    assert {(gallery.size, gallery.looks) for gallery in galleries} == {(10, 1), (10, 3)}
    assert len(galleries) == 20
    for gallery in galleries:
        enrolled, counts = np.unique(people[gallery.enrolled], return_counts=True)
        assert len(enrolled) == gallery.size
        assert (counts == gallery.looks).all()
        assert (np.bincount(people)[enrolled] > gallery.looks).all()
    assert any("galleries of 10 people from 5 chips each: 0 of 60 people" in line for line in omitted)


def test_a_larger_gallery_holds_the_smaller_one_and_more_looks_the_fewer():
    people = np.repeat(np.arange(80, dtype=np.int32), 6)
    galleries, _ = draw_galleries(people, (1, 3), np.random.default_rng(0))
    of = {(gallery.size, gallery.looks): set(gallery.enrolled.tolist()) for gallery in galleries[::10]}
    assert of[10, 1] < of[50, 1] < of[50, 3]
    assert of[10, 1] < of[10, 3]


def test_a_rate_that_no_stranger_may_pass_is_not_reported():
    _, people, similarity = people_on_a_sphere(count=12, looks=12)
    gallery = Gallery(np.arange(0, 24, 12), 2, 1)
    [search] = measure_searches(similarity, people, [gallery], np.ones((1, 12), int))
    assert (search.fpir, search.mated, search.nonmated, search.spread) == (0.01, 22, 120, 0)  # 0.3 % of 120 is nobody


def test_a_pair_is_in_the_slice_of_its_poorer_chip():
    _, people, similarity = people_on_a_sphere(count=6, looks=3)
    thirds = np.array([0, 1, 2, 2, 2, 2, 1, 1, UNKNOWN, 0, 0, 0, 2, 1, 2, 2, 2, 0], np.int8)
    condition = Condition("light", thirds, ["dark", "middling", "bright"])
    slices = measure_slices(similarity, people, [condition], 0.4, np.ones((1, 6), int))
    for third, piece in enumerate(slices):
        refused, accepted = [], []
        for one in range(18):
            for other in range(one + 1, 18):
                if min(thirds[one], thirds[other]) == third:
                    hit = similarity[one, other] >= 0.4
                    (refused if people[one] == people[other] else accepted).append(hit)
        assert (piece.genuine, piece.impostor) == (len(refused), len(accepted))
        assert piece.fnmr and piece.fnmr.value == pytest.approx(1 - np.mean(refused))
        assert piece.fmr and piece.fmr.value == pytest.approx(np.mean(accepted))


def test_a_slice_without_a_pair_has_no_rate():
    _, people, similarity = people_on_a_sphere(count=2, looks=2)
    condition = Condition("light", np.full(4, 2, np.int8), ["dark", "middling", "bright"])
    dark, _, bright = measure_slices(similarity, people, [condition], 0.4, np.ones((1, 2), int))
    assert (dark.genuine, dark.fnmr, dark.fmr) == (0, None, None)
    assert (bright.genuine, bright.impostor) == (2, 4)


def test_thirds_are_of_equal_number_and_begin_with_the_poorest():
    low = grade("light", np.array([5.0, 1, 3, 2, 6, 4]), poor_is="low", words="dark, middling, bright")
    assert low.thirds.tolist() == [2, 0, 1, 0, 2, 1]
    assert low.labels == ["dark: under 2.67", "middling: 2.67 to 4.33", "bright: over 4.33"]
    high = grade("yaw", np.array([5.0, 1, np.nan, 2, 6, 4, 3]), poor_is="high", words="turned, middling, frontal")
    assert high.thirds.tolist() == [0, 2, UNKNOWN, 2, 0, 1, 1]
    assert high.labels == ["turned: over 4.33", "middling: 2.67 to 4.33", "frontal: under 2.67"]


def test_an_enlarged_chip_has_the_detail_of_the_small_one():
    import cv2

    rng = np.random.default_rng(0)
    found = [
        detail_px(cv2.resize(rng.random((side, side)).astype(np.float32), (112, 112), interpolation=cv2.INTER_CUBIC))
        for side in (14, 28, 56, 112)
    ]
    assert found == sorted(found)
    assert found[0] < 30
    assert found[-1] > 100
    assert detail_px(np.full((112, 112), 7, np.float32)) == 0


class NoseDetector:
    """Sees a turned head in a chip whose corner is bright, a frontal one in a dark chip, nobody in a black one."""

    def detect(self, image):
        if not image.max():
            return []
        points = np.array([[38, 52], [74, 52], [56, 72], [42, 92], [71, 92]], np.float32)
        points[2, 0] += 10 * (image[0, 0, 0] > 128)
        return [Face(Box(0, 0, 112, 112), points, 0.9)]


def test_chips_are_graded_by_four_conditions():
    chips = np.zeros((6, 112, 112, 3), np.uint8)
    chips[1:3] = np.random.default_rng(0).integers(0, 100, chips[1:3].shape)
    chips[3:] = 200
    counted = []
    graded = {condition.name: condition for condition in conditions(chips, NoseDetector(), lambda: counted.append(1))}
    assert len(counted) == 6
    light = graded["brightness, 0 to 255"].thirds
    assert light[0] == 0
    assert light[5] == 2
    yaw = graded["yaw, degrees"].thirds
    assert yaw[0] == UNKNOWN
    assert yaw[1] > yaw[5]
    assert graded["sharpness, 0 to 1"].thirds[1] == graded["detail, px"].thirds[1] == 2


def test_histograms_add_up_and_lose_nobody():
    _, people, similarity = people_on_a_sphere()
    counted = histogram(compare(similarity, people))
    assert sum(counted.genuine) == pytest.approx(1)
    assert sum(counted.impostor) == pytest.approx(1)
    assert len(counted.edges) == len(counted.genuine) + 1


def test_one_similarity_alone_has_a_histogram():
    pairs = compare(np.ones((4, 4), np.float32), np.array([0, 0, 1, 1], np.int32))
    assert sum(histogram(pairs).genuine) == pytest.approx(1)


def test_the_probit_of_a_half_is_zero_and_of_nothing_finite():
    low, middle, high = probit([0, 0.5, 1])
    assert middle == 0
    assert low == pytest.approx(-high)
    assert np.isfinite(low)

"""The losses, recomputed by a loop."""

import numpy as np
import pytest
from edgeface_train.losses import CosineHead, margin_softmax, stage_loss


def unit(rng, rows, size=8):
    vectors = rng.normal(size=(rows, size)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def slow_triplet_loss(embeddings, margin):
    count = len(embeddings) // 3
    terms = []
    for row in range(count):
        anchor, positive, negative = embeddings[row], embeddings[count + row], embeddings[2 * count + row]
        terms.append(max(0.0, ((anchor - positive) ** 2).sum() - ((anchor - negative) ** 2).sum() + margin))
    active = [term for term in terms if term > 0]
    return sum(active) / len(active) if active else 0.0


@pytest.mark.parametrize("margin", [0.05, 0.2, 1.0])
def test_triplet_loss_is_the_mean_of_the_active_terms(margin):
    embeddings = unit(np.random.default_rng(0), 30)
    loss = stage_loss(margin=margin, triplet_weight=1.0, distil_weight=0.0)
    assert float(loss(np.zeros((30, 1), np.float32), embeddings)) == pytest.approx(
        slow_triplet_loss(embeddings, margin), rel=1e-5
    )


def test_a_batch_without_a_valid_triplet_costs_zero_not_nan():
    anchor = np.eye(4, dtype=np.float32)
    embeddings = np.concatenate([anchor, anchor, -anchor])
    loss = stage_loss(margin=0.2, triplet_weight=1.0, distil_weight=0.0)
    assert float(loss(np.zeros((12, 1), np.float32), embeddings)) == 0.0


def test_one_point_for_everybody_costs_exactly_the_margin():
    embeddings = np.repeat(unit(np.random.default_rng(1), 1), 9, axis=0)
    loss = stage_loss(margin=0.2, triplet_weight=1.0, distil_weight=0.0)
    assert float(loss(np.zeros((9, 1), np.float32), embeddings)) == pytest.approx(0.2)


def test_a_stage_adds_its_losses_by_weight():
    rng = np.random.default_rng(2)
    embeddings, teacher = unit(rng, 12), unit(rng, 12)
    distil = np.mean([1 - a @ b for a, b in zip(teacher, embeddings, strict=True)])
    loss = stage_loss(margin=0.2, triplet_weight=0.5, distil_weight=2.0)
    expected = 0.5 * slow_triplet_loss(embeddings, 0.2) + 2.0 * distil
    targets = np.hstack([np.ones((12, 1), np.float32), teacher])
    assert float(loss(targets, embeddings)) == pytest.approx(expected, rel=1e-5)


def test_a_perfect_pupil_costs_nothing():
    teacher = unit(np.random.default_rng(3), 6)
    loss = stage_loss(margin=0.2, triplet_weight=0.0, distil_weight=1.0)
    targets = np.hstack([np.ones((6, 1), np.float32), teacher])
    assert float(loss(targets, teacher)) == pytest.approx(0.0, abs=1e-6)


def slow_batch_loss(embeddings, people, margin):
    count = len(embeddings) // 3
    terms = []
    for row in range(count):
        near = ((embeddings[row] - embeddings[count + row]) ** 2).sum()
        for other, person in zip(embeddings, people, strict=True):
            if person != people[row]:
                terms.append(max(0.0, near - ((embeddings[row] - other) ** 2).sum() + margin))
    active = [term for term in terms if term > 0]
    return sum(active) / len(active) if active else 0.0


@pytest.mark.parametrize("margin", [0.05, 0.2, 1.0])
def test_negatives_of_the_batch_are_all_chips_of_other_people(margin):
    embeddings = unit(np.random.default_rng(6), 12)
    people = np.array([0, 0, 1, 2, 0, 0, 1, 2, 3, 1, 2, 0], np.float32)
    loss = stage_loss(margin=margin, triplet_weight=1.0, distil_weight=0.0, batch_negatives=True)
    assert float(loss(people[:, np.newaxis], embeddings)) == pytest.approx(
        slow_batch_loss(embeddings, people, margin), rel=1e-5
    )


def test_a_batch_of_one_person_costs_zero():
    embeddings = unit(np.random.default_rng(7), 6)
    loss = stage_loss(margin=0.2, triplet_weight=1.0, distil_weight=0.0, batch_negatives=True)
    assert float(loss(np.zeros((6, 1), np.float32), embeddings)) == 0.0


def slow_margin_softmax(people, cosines, scale, margin):
    losses = []
    for person, row in zip(people, cosines, strict=True):
        logits = [scale * (value - margin) if place == person else scale * value for place, value in enumerate(row)]
        losses.append(np.log(sum(np.exp(np.array(logits) - logits[person]))))
    return np.mean(losses)


@pytest.mark.parametrize("margin", [0.0, 0.35])
def test_the_margin_softmax_asks_the_own_centre_for_a_lead(margin):
    cosines = np.random.default_rng(4).uniform(-1, 1, (6, 9)).astype(np.float32)
    people = np.array([0, 8, 3, 3, 1, 5], np.int32)
    loss = margin_softmax(scale=8.0, margin=margin)
    expected = slow_margin_softmax(people, cosines.astype(float), 8.0, margin)
    assert float(loss(people, cosines)) == pytest.approx(expected, rel=1e-5)


def test_the_head_gives_the_cosine_with_each_centre_whatever_its_length():
    rng = np.random.default_rng(5)
    embeddings, centres = unit(rng, 4), unit(rng, 3)
    head = CosineHead(3)
    head.build(embeddings.shape)
    head.centres.assign((centres * [[2.0], [0.5], [7.0]]).T)
    assert np.allclose(np.asarray(head(embeddings)), embeddings @ centres.T, atol=1e-6)


def slow_excess(embeddings, teacher, people, slack):
    totals = []
    for row, whose in enumerate(people):
        others = [place for place in range(len(people)) if place != row and (people[place] != whose or whose < 0)]
        more = [embeddings[row] @ embeddings[place] - teacher[row] @ teacher[place] - slack for place in others]
        totals.append(sum(max(0.0, value) ** 2 for value in more))
    return np.mean(totals)


def test_being_nearer_to_others_than_the_teacher_has_them_costs_and_a_persons_own_chips_do_not():
    rng = np.random.default_rng(5)
    embeddings, teacher = unit(rng, 10), unit(rng, 10)
    people = np.array([0, 0, 1, 1, 2, -1, -1, 2, 3, 0], np.float32)
    loss = stage_loss(margin=0.2, triplet_weight=0.0, distil_weight=0.0, excess_weight=3.0)
    targets = np.hstack([people[:, np.newaxis], teacher])
    assert float(loss(targets, embeddings)) == pytest.approx(
        3 * slow_excess(embeddings, teacher, people, 0.1), rel=1e-4
    )
    assert float(loss(targets, teacher)) == 0.0
    everybody_alike = np.hstack([np.zeros((10, 1), np.float32), teacher])
    assert float(loss(everybody_alike, embeddings)) == 0.0

"""Mining within a batch, recomputed by the papers' loops; the draw of negatives, by the distribution they give."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from edgeface_train import commands
from edgeface_train.inbatch import (
    _count_up_to,
    _sampling_weights,
    batch_hard,
    distance_weighted,
    in_batch_loss,
    mining_of,
    semi_hard,
)
from edgeface_train.memory import CrossBatchMemory
from edgeface_train.recipe import read_recipe
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.errors import ConfigError
from tests.train.conftest import figures
from tests.train.slow_mining import (
    slow_batch_hard,
    slow_chances,
    slow_distance_weighted,
    slow_semi_hard,
    some_batch,
)

KINDS = ("semi-hard", "batch-hard", "batch-hard-soft", "distance-weighted")


@pytest.mark.parametrize("remembered", [0, 7])
@pytest.mark.parametrize("margin", [0.05, 0.2, 1.0])
@given(seed=st.integers(0, 50), spread=st.sampled_from([0.1, 0.5, 2.0]))
@settings(max_examples=12, deadline=None)
def test_semi_hard_pairs_meet_the_nearest_negative_beyond_their_positive(remembered, margin, seed, spread):
    given_batch = some_batch(seed, spread, remembered)
    assert float(semi_hard(*given_batch, margin=margin)) == pytest.approx(
        slow_semi_hard(*given_batch, margin), rel=1e-4, abs=1e-6
    )


@pytest.mark.parametrize("remembered", [0, 7])
@pytest.mark.parametrize("soft", [False, True])
@given(seed=st.integers(0, 50), spread=st.sampled_from([0.1, 0.5, 2.0]))
@settings(max_examples=12, deadline=None)
def test_the_farthest_positive_meets_the_nearest_negative(remembered, soft, seed, spread):
    given_batch = some_batch(seed, spread, remembered)
    assert float(batch_hard(*given_batch, margin=0.2, soft=soft)) == pytest.approx(
        slow_batch_hard(*given_batch, 0.2, soft), rel=1e-4, abs=1e-6
    )


@pytest.mark.parametrize("remembered", [0, 7])
@given(seed=st.integers(0, 50))
@settings(max_examples=12, deadline=None)
def test_negatives_are_drawn_by_their_distance(remembered, seed):
    given_batch = some_batch(seed, 0.5, remembered)
    chances = np.random.default_rng(seed).random(len(given_batch[0])).astype(np.float32)
    assert float(distance_weighted(*given_batch, margin=0.5, chances=chances)) == pytest.approx(
        slow_distance_weighted(*given_batch, 0.5, chances), rel=1e-3, abs=1e-5
    )


def test_the_chance_of_a_negative_is_the_inverse_of_how_common_its_distance_is():
    squared, draws = np.array([[0.09, 0.3, 0.8, 1.4, 2.0, 3.0]], np.float32), 4000
    weights = np.asarray(_sampling_weights(squared, np.ones((1, 6), bool), 6))
    rising = np.cumsum(weights, axis=1)
    limits = ((np.arange(draws) + 0.5) / draws * rising[0, -1]).astype(np.float32)[np.newaxis]
    drawn = np.asarray(_count_up_to(rising, limits))[0]
    shares = np.bincount(drawn, minlength=6) / draws
    assert np.allclose(shares, slow_chances(squared[0].astype(float), size=6), atol=2 / draws)
    assert shares.argmax() == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "people", [[0, 0, 0, 0], [0, 1, 2, 3], [0]], ids=["nobody else", "nobody twice", "one chip alone"]
)
def test_a_batch_without_a_valid_triplet_costs_zero_not_nan(kind, people):
    people = np.array(people, np.float32)
    vectors = np.eye(4, dtype=np.float32)[: len(people)]
    loss = mining_of(kind, 0.2)(vectors, people, vectors, people, np.full(len(people), 0.5, np.float32))
    assert float(loss) == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_one_point_for_everybody_has_a_finite_loss_and_gradient(kind):
    import tensorflow as tf

    people = np.array([0, 0, 1, 1], np.float32)
    vectors = tf.Variable(np.eye(8, dtype=np.float32)[[0, 0, 0, 0]])
    with tf.GradientTape() as tape:
        loss = mining_of(kind, 0.2)(vectors, people, vectors, people, np.full(4, 0.5, np.float32))
    assert np.isfinite(float(loss))
    assert np.isfinite(tape.gradient(loss, vectors).numpy()).all()
    expected = {"semi-hard": 0.0, "batch-hard": 0.2, "batch-hard-soft": np.log(2), "distance-weighted": 0.2}
    assert float(loss) == pytest.approx(expected[kind], abs=1e-6)


def test_easy_people_cost_nothing_by_a_margin_and_little_by_a_soft_one():
    people = np.array([0, 0, 1, 1], np.float32)
    vectors = np.array([[1, 0], [1, 0], [-1, 0], [-1, 0]], np.float32)
    assert float(batch_hard(vectors, people, vectors, people, margin=0.2)) == 0.0
    soft = batch_hard(vectors, people, vectors, people, margin=0.2, soft=True)
    assert float(soft) == pytest.approx(np.log1p(np.exp(-2)), abs=1e-5)


def test_a_stage_adds_the_distance_to_the_teacher():
    embeddings, people, *_ = some_batch(3, 0.5, 0)
    teacher = some_batch(4, 0.5, 0)[0]
    targets = np.hstack([people[:, None], np.zeros((len(people), 1), np.float32), teacher])
    loss = in_batch_loss("batch-hard", margin=0.2, triplet_weight=0.5, distil_weight=2.0, memory=False)
    expected = 0.5 * slow_batch_hard(embeddings, people, embeddings, people, 0.2, False)
    expected += 2.0 * np.mean([1 - a @ b for a, b in zip(teacher, embeddings, strict=True)])
    assert float(loss(targets, embeddings)) == pytest.approx(expected, rel=1e-4)


def test_the_memory_holds_the_last_embeddings_newest_first_and_not_those_it_is_asked_with():
    memory, kept = CrossBatchMemory(5), np.zeros((0, 4), np.float32)
    for step in range(4):
        embeddings = np.repeat(np.array([[step], [step + 0.5]], np.float32), 3, axis=1)
        people = np.array([[10 * step], [10 * step + 1]], np.float32)
        now = np.hstack([embeddings, people]).astype(np.float32)
        out = np.asarray(memory([embeddings, people], training=True))
        assert np.array_equal(out[:2], now)
        assert np.array_equal(out[2 : 2 + len(kept)], kept)
        assert (out[2 + len(kept) :, -1] < 0).all()
        kept = np.concatenate([now, kept])[:5]
    before = np.asarray(memory([embeddings, people], training=False))[2:]
    assert np.array_equal(before, np.asarray(memory([embeddings, people], training=False))[2:])


IN_BATCH = [
    "stage.0.kind='in-batch'",
    "stage.0.people_per_batch=5",
    "stage.0.chips_per_person=3",
    "stage.0.memory=20",
    "stage.1.kind='in-batch'",
    "stage.1.people_per_batch=4",
    "stage.1.mining='distance-weighted'",
    "stage.1.margin_weight=0.1",
    "stage.1.memory=10",
]


def test_in_batch_stages_with_a_memory_resume_with_the_very_same_curves(
    chips_folder, tiny_recipe, tmp_path, train_in_parts
):
    commands.train(str(tiny_recipe), chips_folder, tmp_path / "whole", False, IN_BATCH)
    train_in_parts(tiny_recipe, chips_folder, tmp_path / "parts", IN_BATCH, stops=(2, 5))
    assert figures(tmp_path / "parts") == figures(tmp_path / "whole")
    losses = [entry["loss"] for entry in figures(tmp_path / "whole") if entry["event"] == "epoch"]
    assert all(0 < loss < np.inf for loss in losses)


@pytest.mark.parametrize("mining", KINDS)
def test_every_mining_lowers_its_loss(chips_folder, tiny_recipe, tmp_path, mining):
    plan = read_recipe(tiny_recipe, [*IN_BATCH, f"stage.0.mining='{mining}'", "stage.0.learning_rate=0.005"])
    run = commands.open_run(plan, chips_folder, tmp_path / "run", resume=False)
    stage = run.recipe.stage[0]
    run.fitter.start(stage)
    before = float(run._measure(run._embed()).non_easy_train)
    for epoch in range(4):
        run.fitter.epoch(stage, run._rows(), epoch, (1, epoch), print)
    assert run._measure(run._embed()).non_easy_train < before


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["stage.0.kind='in-batch'"], "needs people_per_batch"),
        ([*IN_BATCH, "stage.0.chips_per_person=1"], "two chips of a person"),
        ([*IN_BATCH, "stage.0.per_person=1"], "two chips of a person"),
        (["stage.0.memory=5"], "memory is for in-batch"),
        ([*IN_BATCH, "stage.0.mining='luck'"], "luck"),
    ],
)
def test_mining_that_cannot_be_is_refused(tiny_recipe, overrides, message):
    with pytest.raises(ConfigError, match=message):
        read_recipe(tiny_recipe, overrides)


def test_the_loops_agree_with_jax_as_well():
    pytest.importorskip("jax", reason="JAX is the second backend")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.slow_mining"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["jax", "alike"]

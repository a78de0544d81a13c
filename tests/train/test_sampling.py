"""Batches of people: everybody comes in turn, whoever has many photographs, and hard ones hold people who are alike."""

from collections import Counter

import numpy as np
import pytest
from edgeface_train import commands
from edgeface_train.blend import Blends
from edgeface_train.recipe import read_recipe
from edgeface_train.sampling import centres, people_batches, people_to_draw, rare_people, rows_of_epoch
from edgeface_train.stage import Stage
from edgeface_train.teacher import Teacher
from edgeface_train.warp import unbent
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.errors import ConfigError

PHOTOS = [40, 1, 2, 5, 9, 3, 1, 12]


def crowd(photos=PHOTOS):
    people = np.repeat(np.arange(len(photos), dtype=np.int32), photos)
    return np.random.default_rng(0).permutation(people)


def batches_of(people, count=3, each=4, seed=0, **options):
    chips = np.arange(len(people), dtype=np.int64)
    return people_batches(
        chips,
        people,
        people_per_batch=count,
        chips_per_person=each,
        rng=np.random.default_rng(seed),
        **options,
    )


@given(
    photos=st.lists(st.integers(1, 9), min_size=4, max_size=12),
    count=st.integers(2, 4),
    each=st.integers(1, 5),
    seed=st.integers(0, 9),
)
@settings(max_examples=40, deadline=None)
def test_each_batch_holds_so_many_people_with_so_many_chips(photos, count, each, seed):
    people = crowd(photos)
    batches = batches_of(people, count, each, seed)
    assert sum(map(len, batches)) >= len(people) > sum(map(len, batches)) - count * each
    for batch in batches:
        assert set(Counter(people[batch].tolist()).values()) == {each}
        assert len(set(people[batch].tolist())) == count
        for block in batch.reshape(count, each):
            assert len(set(people[block].tolist())) == 1
            own = photos[people[block[0]]]
            assert len(set(block.tolist())) == min(each, own)


def test_somebody_with_many_photographs_is_drawn_no_more_often_than_the_others():
    people = crowd()
    shown = Counter(people[np.concatenate(batches_of(people, each=2))].tolist())
    assert max(shown.values()) - min(shown.values()) <= 2
    assert len(shown) == len(PHOTOS)


def test_a_persons_chips_come_in_turn():
    people = crowd([6, 6, 6, 6])
    chips = Counter(np.concatenate(batches_of(people, count=2, each=4)).tolist())
    assert max(chips.values()) - min(chips.values()) <= 1


def test_who_has_one_photograph_takes_part_where_no_pair_is_needed_and_only_there():
    people = crowd()
    alone = {person for person, photos in enumerate(PHOTOS) if photos == 1}
    assert alone <= set(people[np.concatenate(batches_of(people))].tolist())
    assert not alone & set(people[np.concatenate(batches_of(people, pairs=True))].tolist())
    assert people_to_draw(people, pairs=False) == 8
    assert people_to_draw(people, pairs=True) == 6


def test_batches_depend_on_the_draw_alone():
    people = crowd()
    first, again, other = (np.concatenate(batches_of(people, seed=seed)) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def test_a_hard_batch_holds_a_person_and_people_like_it():
    people = crowd([6] * 12)
    angle = np.arange(12) * 2 * np.pi / 12
    centres = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    batches = batches_of(people, count=3, each=2, centres=centres)
    for batch in batches:
        seed, *others = people[batch.reshape(3, 2)[:, 0]].tolist()
        assert all(min((other - seed) % 12, (seed - other) % 12) <= 2 for other in others)
    assert set(people[np.concatenate(batches)].tolist()) == set(range(12))


def test_a_hard_batch_may_hold_everybody():
    batches = batches_of(crowd([3, 3, 3]), count=3, each=1, centres=np.eye(3, dtype=np.float32))
    assert all(len(batch) == 3 for batch in batches)


BALANCED = ["stage.0.kind='margin'", "stage.0.people_per_batch=5", "stage.0.chips_per_person=3", "stage.0.epochs=1"]


@pytest.mark.parametrize("neighbours", ["none", "network"])
def test_a_stage_of_balanced_batches_trains(chips_folder, tiny_recipe, tmp_path, neighbours):
    plan = read_recipe(tiny_recipe, [*BALANCED, f"stage.0.neighbours='{neighbours}'", "stage.1.kind='margin'"])
    run = commands.open_run(plan, chips_folder, tmp_path / "run", resume=False)
    rows = run._rows()
    assert [len(batch) for batch in rows] == [15] * 4
    run.run()
    entry = next(entry for entry in run.journal.entries() if entry["event"] == "epoch")
    assert np.isfinite(entry["loss"])


def test_more_people_a_batch_than_there_are_is_refused(chips_folder, tiny_recipe, tmp_path):
    plan = read_recipe(tiny_recipe, ["stage.0.kind='margin'", "stage.0.people_per_batch=9"])
    with pytest.raises(ConfigError, match="there are 8 people"):
        commands.open_run(plan, chips_folder, tmp_path / "run", resume=False)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["stage.1.people_per_batch=4"], "for stages on chips"),
        (["stage.0.kind='margin'", "stage.0.people_per_batch=1"], "two people"),
        (["stage.0.kind='margin'", "stage.0.people_per_batch=4", "stage.0.chips_per_person=0"], "cannot be made"),
        (["stage.0.kind='margin'", "stage.0.neighbours='network'"], "need people_per_batch"),
        ([*BALANCED, "stage.0.neighbours='teacher'"], "data.teacher is empty"),
        ([*BALANCED, "stage.0.neighbours='cousins'"], "cousins"),
    ],
)
def test_a_sampler_that_cannot_be_is_refused(tiny_recipe, overrides, message):
    with pytest.raises(ConfigError, match=message):
        read_recipe(tiny_recipe, overrides)


def test_whoever_has_fewest_like_them_is_rare():
    rng = np.random.default_rng(2)
    alike = np.array([1, 0, 0]) + rng.normal(0, 0.05, (30, 3))
    apart = np.array([[-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    middles = np.concatenate([alike, apart]).astype(np.float32)
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    rare = rare_people(middles)
    assert rare[30:].all()
    assert 8 <= rare.sum() <= 9


def test_an_epoch_repeats_the_chips_of_rare_people_and_has_its_share_of_blends():
    people = np.repeat(np.arange(8, dtype=np.int32), 3)
    vectors = np.tile(np.array([1, 0], np.float32), (24, 1))
    vectors[people == 5] = [-1, 0]
    vectors[people == 6] = [0, -1]
    blends = Blends(np.zeros((20, 2), np.int32), np.zeros((20, 3), np.float32), unbent(20))
    teacher = Teacher(vectors, blends, np.ones((20, 2), np.float32))
    stage = Stage("distil", rare_repeats=3, blend_share=0.25, per_person=2)
    rows = rows_of_epoch(stage, people, teacher, lambda _: np.random.default_rng(1))
    chips = rows[rows < 24]
    shown = np.bincount(people[chips], minlength=8)
    assert rare_people(centres(vectors, people, 8)).tolist() == [person in (5, 6) for person in range(8)]
    assert shown.tolist() == [6 if person in (5, 6) else 2 for person in range(8)]
    assert len(rows) - len(chips) == 8


def test_centres_are_the_unit_means_of_each_persons_vectors():
    vectors = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    assert np.allclose(centres(vectors, np.array([0, 0, 2]), 3), [[0.70710678, 0.70710678], [0, 0], [0, 1]])

"""The curriculum runs, learns, stops by its rule, raises the alarm, and goes on exactly after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
import typer
from edgeface_train import commands
from edgeface_train.alarm import collapsed, spread
from edgeface_train.batches import embed_chips
from edgeface_train.fit import learning_rate
from edgeface_train.journal import read_log
from edgeface_train.mining import Photos, non_easy_fraction
from edgeface_train.recipe import PLAIN, Stage, read_recipe
from edgeface_train.report import rows, table
from edgeface_train.sampling import centres

from edgeface.errors import Collapse, ConfigError, TrainingError

TIMES = ("at", "seconds", "images_per_s")


def figures(run):
    return [{k: v for k, v in entry.items() if k not in TIMES} for entry in read_log(run / "log.jsonl")]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, chips_folder):
    """One whole run, never interrupted."""
    from tests.train.conftest import RECIPE

    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.toml").write_text(RECIPE)
    commands.train(str(folder / "tiny.toml"), chips_folder, folder / "run", False, [])
    return folder / "run"


def test_a_run_leaves_its_recipe_log_pictures_and_scalars(finished):
    names = {path.name for path in finished.iterdir()}
    assert {"recipe.json", "log.jsonl", "checkpoint.npz", "curves.png", "triplets-2-01.png"} <= names
    assert list((finished / "tensorboard").glob("events.*"))
    assert json.loads((finished / "recipe.json").read_text())["network"]["stem"] == 8


def test_every_round_is_measured_on_training_and_held_out_people(finished):
    measures = [entry for entry in figures(finished) if entry["event"] == "measure"]
    assert len(measures) == 4
    for measure in measures:
        assert 0 <= measure["non_easy_train"] <= 1
        assert 0 <= measure["non_easy_held_out"] <= 1
        assert 0 <= measure["tar_held_out"] <= 1
    assert any(measure["non_easy_train"] != measure["non_easy_held_out"] for measure in measures)


def test_the_trained_network_finds_fewer_triplets_that_are_not_easy(finished, chips_folder, tiny_recipe, tmp_path):
    fresh = commands.open_run(read_recipe(tiny_recipe), chips_folder, tmp_path / "fresh", resume=False)
    vectors = embed_chips(fresh.fitter.model, fresh.train.images, fresh.fitter.spec)
    rng = np.random.default_rng(0)
    untrained = non_easy_fraction(Photos(fresh.train.people), vectors, 0.2, draws=500, rng=rng)
    trained = [entry["non_easy_train"] for entry in figures(finished) if entry["event"] == "measure"]
    assert trained[-1] < untrained


def test_the_second_epoch_of_every_round_has_a_lower_loss_than_the_first(chips_folder, tiny_recipe, tmp_path):
    overrides = [f"augment.{name}={str(value).lower()}" for name, value in asdict(PLAIN).items() if name != "where"]
    commands.train(str(tiny_recipe), chips_folder, tmp_path / "run", False, overrides)
    entries = figures(tmp_path / "run")
    losses = [entry["loss"] for entry in entries if entry["event"] == "epoch" and entry["kind"] == "rounds"]
    assert len(losses) == 4
    assert losses[1] < losses[0]
    assert losses[3] < losses[2]


def test_a_round_trains_on_mined_triplets_only(finished):
    mined = [entry for entry in figures(finished) if entry["event"] == "mine"]
    assert [entry["round"] for entry in mined] == [0, 1]
    assert all(0 < entry["triplets"] <= 40 for entry in mined)


def test_the_table_has_a_row_for_the_warm_up_and_for_each_round(finished):
    names = [row[0] for row in rows(read_log(finished / "log.jsonl"))]
    assert names == ["1 warmup", "2 rounds, round 1", "2 rounds, round 2"]
    assert "max_rounds 2 reached" in table(read_log(finished / "log.jsonl"))


def test_a_killed_run_resumes_with_the_very_same_curves(finished, chips_folder, tiny_recipe, tmp_path):
    run = tmp_path / "run"
    arguments = ["train", str(tiny_recipe), "--data", str(chips_folder), "--out", str(run)]
    command = [sys.executable, "-m", "edgeface", *arguments]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list(read_whole_lines(run))) < 5 and time.monotonic() < deadline and first.poll() is None:
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert len(list(read_whole_lines(run))) < len(figures(finished))
    commands.train(str(tiny_recipe), chips_folder, run, True, [])
    assert figures(run) == figures(finished)


def test_a_finished_run_resumed_has_nothing_left_to_do(finished, chips_folder, tiny_recipe):
    before = figures(finished)
    commands.train(str(tiny_recipe), chips_folder, finished, True, [])
    assert figures(finished) == before


def read_whole_lines(run):
    path = run / "log.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def test_a_second_run_in_the_same_folder_is_refused(finished, chips_folder, tiny_recipe):
    with pytest.raises(ConfigError, match="exists already"):
        commands.train(str(tiny_recipe), chips_folder, finished, False, [])


def test_resuming_with_other_settings_is_refused(finished, chips_folder, tiny_recipe):
    with pytest.raises(ConfigError, match="other settings"):
        commands.train(str(tiny_recipe), chips_folder, finished, True, ["seed=5"])


def test_an_exploding_rate_raises_the_collapse_alarm_or_a_rule(chips_folder, tiny_recipe, tmp_path, monkeypatch):
    from edgeface_train import curriculum

    monkeypatch.setattr(curriculum, "spread", lambda vectors: 0.0)
    monkeypatch.setattr(curriculum.Fitter, "epoch", lambda *arguments: (0.2, 1))
    with pytest.raises(Collapse, match="collapsed") as error:
        commands.train(str(tiny_recipe), chips_folder, tmp_path / "run", False, ["stage.0.epochs=5"])
    assert "learning_rate" in error.value.hint
    assert error.value.exit_code == TrainingError.exit_code == 8


@pytest.mark.parametrize(
    ("history", "margin", "expected"),
    [
        ([(0.2, 0.001)] * 3, 0.2, True),
        ([(0.2, 0.001)] * 2, 0.2, False),
        ([(0.2, 0.5)] * 3, 0.2, False),
        ([(0.05, 0.001)] * 3, 0.2, False),
        ([(0.9, 0.001)] * 3, None, True),
        ([], 0.2, False),
    ],
)
def test_a_collapse_is_one_point_with_the_loss_stuck_at_the_margin(history, margin, expected):
    assert collapsed(history, margin) is expected


def test_spread_is_the_mean_squared_distance_over_all_pairs():
    vectors = np.random.default_rng(0).normal(size=(9, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    slow = np.mean([((a - b) ** 2).sum() for a in vectors for b in vectors])
    assert spread(vectors.astype(np.float32)) == pytest.approx(slow, rel=1e-5)
    assert spread(np.ones((4, 1), np.float32)) == 0


def test_the_rate_warms_up_then_falls_along_a_cosine():
    stage = Stage("distil", learning_rate=1.0, final_learning_rate=0.1, warmup_steps=10)
    rates = [learning_rate(stage, step, 110) for step in range(110)]
    assert rates[0] == 0.1
    assert rates[10] == 1.0
    assert rates[60] == pytest.approx(0.55)
    assert rates[-1] == pytest.approx(0.1, abs=1e-3)
    assert learning_rate(Stage("warmup", learning_rate=0.5), 7, 10) == 0.5


CHIP_STAGES = """
[[stage]]
kind = "distil"
epochs = 2
batch = 16
margin_weight = 0.1
per_person = 4
[[stage]]
kind = "margin"
epochs = 2
batch = 16
"""


@pytest.fixture
def taught(chips_folder, tmp_path):
    """A recipe of stages on chips with a teacher, and its data: the teacher knows everybody's axis."""
    from edgeface_train.chips import load_chips

    from tests.train.conftest import RECIPE

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "chips").symlink_to(chips_folder)
    chips = load_chips(chips_folder)
    np.savez(tmp_path / "data" / "teacher.npz", vectors=np.eye(16, dtype=np.float16)[chips.people])
    (tmp_path / "data" / "order.csv").write_text("file\n" + "\n".join(chips.paths))
    head, _, tail = RECIPE.partition("[[stage]]")
    data = '[data]\ntrain = "chips"\nteacher = "teacher.npz"\nteacher_order = "order.csv"'
    export = tail[tail.index("[export]") :]
    recipe = tmp_path / "taught.toml"
    recipe.write_text(head.replace("[data]", data) + CHIP_STAGES + export)
    return recipe, tmp_path / "data"


def test_stages_on_chips_learn_from_the_teacher_and_from_the_people(taught, tmp_path):
    recipe, data = taught
    commands.train(str(recipe), data, tmp_path / "run", False, [])
    losses = [entry["loss"] for entry in figures(tmp_path / "run") if entry["event"] == "epoch"]
    assert losses[1] < losses[0]
    assert losses[3] < losses[2]


def test_a_share_of_what_is_distilled_is_the_mean_of_the_person(chips_folder, tiny_recipe):
    from edgeface_train.blend import Blends
    from edgeface_train.chips import load_chips
    from edgeface_train.fit import Fitter
    from edgeface_train.recipe import read_recipe
    from edgeface_train.stage import Stage
    from edgeface_train.teacher import Teacher

    chips = load_chips(chips_folder)
    rng = np.random.default_rng(0)
    teacher = rng.normal(size=(len(chips), 16)).astype(np.float32)
    teacher /= np.linalg.norm(teacher, axis=1, keepdims=True)
    nothing = Teacher(teacher, Blends(np.empty((0, 2), np.int32), np.empty((0, 3), np.float32)), teacher[:0])
    fitter = Fitter(read_recipe(tiny_recipe), chips, nothing)

    def shown(share):
        stage = Stage("distil", batch=16, person_share=share)
        fitter.start(stage)
        _, (targets, people) = fitter.batch(np.arange(16), stage, np.random.default_rng(1))
        return targets[:, 1:], people

    assert np.array_equal(shown(0.0)[0], teacher[:16])
    means, people = shown(1.0)
    for vector, person in zip(means, people, strict=True):
        mean = teacher[chips.people == person].mean(axis=0)
        assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)
    between = np.sum(shown(0.5)[0] * teacher[:16], axis=1)
    assert np.all(between > np.sum(means * teacher[:16], axis=1))
    assert np.all(between < 1)


def test_a_stage_on_chips_resumes_with_the_same_curves(taught, tmp_path, interrupt_epochs):
    recipe, data = taught
    commands.train(str(recipe), data, tmp_path / "whole", False, [])
    interrupt_epochs(2)
    with pytest.raises(typer.Exit):
        commands.train(str(recipe), data, tmp_path / "parts", False, [])
    commands.train(str(recipe), data, tmp_path / "parts", True, [])
    assert figures(tmp_path / "parts") == figures(tmp_path / "whole")


def test_a_run_stopped_between_two_stages_that_train_different_variables_resumes(taught, tmp_path, monkeypatch):
    from edgeface_train import curriculum

    recipe, data = taught
    overrides = ["stage.0.margin_weight=0.0", "stage.0.epochs=1", "stage.1.epochs=1"]
    commands.train(str(recipe), data, tmp_path / "whole", False, overrides)
    epoch = curriculum.Fitter.epoch

    def interrupted(fitter, stage, *others):
        if stage.kind == "margin":
            raise KeyboardInterrupt
        return epoch(fitter, stage, *others)

    monkeypatch.setattr(curriculum.Fitter, "epoch", interrupted)
    with pytest.raises(typer.Exit):
        commands.train(str(recipe), data, tmp_path / "parts", False, overrides)
    monkeypatch.undo()
    commands.train(str(recipe), data, tmp_path / "parts", True, overrides)
    assert figures(tmp_path / "parts") == figures(tmp_path / "whole")


def test_an_epoch_shows_at_most_so_many_chips_of_a_person_and_others_the_next_time(taught, tmp_path):
    recipe, data = taught
    run = commands.open_run(read_recipe(recipe), data, tmp_path / "run", resume=False)
    first = run._rows()
    assert np.bincount(run.train.people[first]).tolist() == [4] * 8
    assert len(set(first.tolist())) == 32
    run._at = replace(run._at, epoch=1)
    assert run._rows().tolist() != first.tolist()


@pytest.mark.parametrize(
    "kind",
    [
        ["stage.0.kind='warmup'"],
        ["stage.0.kind='margin'"],
        ["stage.0.kind='in-batch'", "stage.0.people_per_batch=5", "stage.0.chips_per_person=6"],
    ],
    ids=["warmup", "margin", "in-batch"],
)
def test_a_budget_ends_a_stage_after_exactly_so_many_chips(chips_folder, tiny_recipe, tmp_path, kind):
    plan = read_recipe(tiny_recipe, [*kind, "stage.0.chips=150", "stage.1.chips=330", "stage.1.stop.at_most=1.0"])
    run = commands.open_run(plan, chips_folder, tmp_path / "run", resume=False)
    run.run()
    entries = run.journal.entries()
    shown = [sum(e["chips"] for e in entries if e["event"] == "epoch" and e["stage"] == stage) for stage in (0, 1)]
    assert shown == [150, 330]
    assert [e["reason"] for e in entries if e["event"] == "end"] == ["330 chips shown"]


def test_a_budget_is_spent_even_when_nothing_is_left_to_mine(chips_folder, tiny_recipe, tmp_path, monkeypatch):
    from edgeface_train import curriculum
    from edgeface_train.mining import Mined

    nothing = Mined(np.empty((0, 3), np.int32), np.empty(0, np.int8), 0)
    monkeypatch.setattr(curriculum, "mine", lambda *arguments, **options: nothing)
    plan = read_recipe(tiny_recipe, ["stage.0.chips=30", "stage.1.chips=60"])
    run = commands.open_run(plan, chips_folder, tmp_path / "run", resume=False)
    run.run()
    assert sum(e["chips"] for e in run.journal.entries() if e["event"] == "epoch") == 90


def test_a_run_with_a_budget_resumes_with_the_very_same_curves(chips_folder, tiny_recipe, tmp_path, interrupt_epochs):
    overrides = ["stage.0.chips=120", "stage.1.chips=330", "stage.1.final_learning_rate=1e-4"]
    commands.train(str(tiny_recipe), chips_folder, tmp_path / "whole", False, overrides)
    interrupt_epochs(2, 5)
    for resume in (False, True):
        with pytest.raises(typer.Exit):
            commands.train(str(tiny_recipe), chips_folder, tmp_path / "parts", resume, overrides)
    commands.train(str(tiny_recipe), chips_folder, tmp_path / "parts", True, overrides)
    assert figures(tmp_path / "parts") == figures(tmp_path / "whole")


def test_a_budget_that_no_whole_number_of_steps_spends_is_refused(tiny_recipe):
    with pytest.raises(ConfigError, match="not a multiple of the 30 chips"):
        read_recipe(tiny_recipe, ["stage.0.chips=100"])


def test_centres_are_the_unit_means_of_each_persons_vectors():
    vectors = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    assert np.allclose(centres(vectors, np.array([0, 0, 2]), 3), [[0.70710678, 0.70710678], [0, 0], [0, 1]])


def test_two_steps_lower_the_loss(chips_folder, tiny_recipe, tmp_path):
    plan = read_recipe(tiny_recipe)
    curriculum = commands.open_run(plan, chips_folder, tmp_path / "run", resume=False)
    stage = Stage("warmup", batch=30, learning_rate=1e-2)
    curriculum.fitter.start(stage)
    triplets = np.array([(6 * person, 6 * person + 1, (6 * person + 8) % 48) for person in range(8)] * 5, np.int32)
    losses = [curriculum.fitter.epoch(stage, triplets, 0, (1, 2, 3), print)[0] for _ in range(3)]
    assert losses[-1] < losses[0]

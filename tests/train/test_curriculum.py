"""The curriculum runs, learns, stops by its rule, raises the alarm, and goes on exactly after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict

import numpy as np
import pytest
from edgeface_train import commands
from edgeface_train.alarm import collapsed, spread
from edgeface_train.batches import embed_chips
from edgeface_train.fit import learning_rate
from edgeface_train.journal import read_log
from edgeface_train.mining import Photos, non_easy_fraction
from edgeface_train.recipe import PLAIN, Stage, read_recipe
from edgeface_train.report import rows, table

from edgeface.errors import Collapse, ConfigError, TrainingError
from tests.train.conftest import RECIPE, figures


@pytest.fixture(scope="module")
def finished(tmp_path_factory, chips_folder):
    """One whole run, never interrupted."""
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
    kept = (finished / "recipe.json").read_bytes()
    with pytest.raises(ConfigError, match=r"other settings .*: seed 1, now 5; stage\.1\.chips 0, now 90$") as error:
        commands.train(str(tiny_recipe), chips_folder, finished, True, ["seed=5", "stage.1.chips=90"])
    assert str(finished / "recipe.json") in error.value.hint
    assert (finished / "recipe.json").read_bytes() == kept


def test_a_run_that_another_process_trains_keeps_its_settings(chips_folder, tiny_recipe, tmp_path):
    run = commands.open_run(read_recipe(tiny_recipe), chips_folder, tmp_path / "run", resume=False)
    run._move(run._at)
    kept = (tmp_path / "run" / "recipe.json").read_bytes()
    with pytest.raises(TrainingError, match="another process"):
        commands.train(str(tiny_recipe), chips_folder, tmp_path / "run", True, ["export.fine_tune=96"])
    assert (tmp_path / "run" / "recipe.json").read_bytes() == kept
    run.close()


def test_an_exploding_rate_raises_the_collapse_alarm_or_a_rule(chips_folder, tiny_recipe, tmp_path, monkeypatch):
    from edgeface_train import curriculum

    monkeypatch.setattr(curriculum, "spread", lambda vectors: 0.0)
    monkeypatch.setattr(curriculum.Fitter, "epoch", lambda *arguments: (0.2, 1))
    with pytest.raises(Collapse, match="collapsed") as error:
        commands.train(str(tiny_recipe), chips_folder, tmp_path / "run", False, ["stage.0.epochs=5"])
    assert "learning_rate" in error.value.hint
    assert error.value.exit_code == TrainingError.exit_code == 8


@pytest.mark.parametrize(("loss", "distance"), [(float("nan"), 1.0), (0.2, float("nan")), (float("inf"), 1.0)])
def test_a_divergence_leaves_the_checkpoint_before_it(loss, distance, chips_folder, tiny_recipe, tmp_path, monkeypatch):
    from edgeface_train import curriculum

    monkeypatch.setattr(curriculum, "spread", lambda vectors: distance)
    monkeypatch.setattr(curriculum.Fitter, "epoch", lambda *arguments: (loss, 1))
    with pytest.raises(Collapse, match="diverged") as error:
        commands.train(str(tiny_recipe), chips_folder, tmp_path / "run", False, [])
    assert "learning_rate" in error.value.hint
    assert not (tmp_path / "run" / "checkpoint.npz").exists()


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


def test_two_steps_lower_the_loss(chips_folder, tiny_recipe, tmp_path):
    plan = read_recipe(tiny_recipe)
    curriculum = commands.open_run(plan, chips_folder, tmp_path / "run", resume=False)
    stage = Stage("warmup", batch=30, learning_rate=1e-2)
    curriculum.fitter.start(stage)
    triplets = np.array([(6 * person, 6 * person + 1, (6 * person + 8) % 48) for person in range(8)] * 5, np.int32)
    losses = [curriculum.fitter.epoch(stage, triplets, 0, (1, 2, 3), print)[0] for _ in range(3)]
    assert losses[-1] < losses[0]

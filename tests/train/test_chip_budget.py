"""A stage with a budget ends after exactly so many chips, so that recipes can be compared."""

import numpy as np
import pytest
from edgeface_train import commands, curriculum
from edgeface_train.mining import Mined
from edgeface_train.recipe import read_recipe

from edgeface.errors import ConfigError
from tests.train.conftest import figures


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
    nothing = Mined(np.empty((0, 3), np.int32), np.empty(0, np.int8), 0)
    monkeypatch.setattr(curriculum, "mine", lambda *arguments, **options: nothing)
    plan = read_recipe(tiny_recipe, ["stage.0.chips=30", "stage.1.chips=60"])
    run = commands.open_run(plan, chips_folder, tmp_path / "run", resume=False)
    run.run()
    assert sum(e["chips"] for e in run.journal.entries() if e["event"] == "epoch") == 90


def test_a_run_with_a_budget_resumes_with_the_very_same_curves(chips_folder, tiny_recipe, tmp_path, train_in_parts):
    overrides = ["stage.0.chips=120", "stage.1.chips=330", "stage.1.final_learning_rate=1e-4"]
    commands.train(str(tiny_recipe), chips_folder, tmp_path / "whole", False, overrides)
    train_in_parts(tiny_recipe, chips_folder, tmp_path / "parts", overrides, stops=(2, 5))
    assert figures(tmp_path / "parts") == figures(tmp_path / "whole")


def test_a_budget_that_no_whole_number_of_steps_spends_is_refused(tiny_recipe):
    with pytest.raises(ConfigError, match="not a multiple of the 30 chips"):
        read_recipe(tiny_recipe, ["stage.0.chips=100"])

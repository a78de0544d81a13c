"""Stages that learn from single chips, from a teacher and by their people, and go on exactly after a stop."""

from dataclasses import replace

import numpy as np
import pytest
import typer
from edgeface_train import commands, curriculum
from edgeface_train.blend import Blends
from edgeface_train.chips import load_chips
from edgeface_train.fit import Fitter
from edgeface_train.recipe import Stage, read_recipe
from edgeface_train.teacher import Teacher
from edgeface_train.warp import unbent

from tests.train.conftest import RECIPE, figures

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
    chips = load_chips(chips_folder)
    rng = np.random.default_rng(0)
    teacher = rng.normal(size=(len(chips), 16)).astype(np.float32)
    teacher /= np.linalg.norm(teacher, axis=1, keepdims=True)
    nothing = Teacher(teacher, Blends(np.empty((0, 2), np.int32), np.empty((0, 3), np.float32), unbent(0)), teacher[:0])
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


def test_a_stage_on_chips_resumes_with_the_same_curves(taught, tmp_path, train_in_parts):
    recipe, data = taught
    commands.train(str(recipe), data, tmp_path / "whole", False, [])
    train_in_parts(recipe, data, tmp_path / "parts", [], stops=(2,))
    assert figures(tmp_path / "parts") == figures(tmp_path / "whole")


def test_a_run_stopped_between_two_stages_that_train_different_variables_resumes(taught, tmp_path, monkeypatch):
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

"""A run trains without what the clean list drops, says so in its recipe and card, and notices when the list changes."""

import json
import shutil

import numpy as np
import pytest
from edgeface_train import commands
from edgeface_train.recipe import read_recipe
from edgeface_train.teacher import teacher_vectors

from edgeface.card import read_bundle
from edgeface.errors import ConfigError
from tests.train.conftest import RECIPE

CLEAN = "drop\tperson00/0.png\tblurred\ndrop\tperson01\tleak\nmerge\tperson03\tperson02\ttwins\n"
WARM_UP = "[[stage]]".join(RECIPE.split("[[stage]]")[:2])
SMALL = ["data.train=chips", "data.clean=clean.tsv", "stage.0.epochs=1"]
FLOAT = ['export.variants=["float16"]', 'export.default_variant="float16"']


@pytest.fixture(scope="module")
def folder(tmp_path_factory, chips_folder):
    """A folder with chips and a clean list, a run trained on it, and its bundle."""
    folder = tmp_path_factory.mktemp("cleaned")
    shutil.copytree(chips_folder, folder / "chips")
    (folder / "clean.tsv").write_text(CLEAN)
    (folder / "tiny.toml").write_text(WARM_UP)
    commands.train(str(folder / "tiny.toml"), folder, folder / "run", False, [*SMALL, *FLOAT])
    commands.export(folder / "run", folder / "bundle", "Tiny")
    return folder


def test_the_run_and_the_card_count_what_was_left_out(folder):
    settings = json.loads((folder / "run" / "recipe.json").read_text())
    assert settings["data"]["clean"] == "clean.tsv"
    left_out = settings["left_out"]
    assert {key: left_out[key] for key in ("photos", "people", "people_joined")} == {
        "photos": 7, "people": 2, "people_joined": 1,
    }  # fmt: skip
    training = read_bundle(folder / "bundle").card.training
    assert training["left_out"] == left_out
    assert training["photos"] + training["held_out_photos"] == 12 * 6 - 7
    assert training["people"] + training["held_out_people"] == 10


def test_a_list_that_changed_is_noticed(folder):
    (folder / "clean.tsv").write_text(CLEAN.replace("drop\tperson01", "drop\tperson05"))
    try:
        with pytest.raises(ConfigError, match="not the one"):
            commands.export(folder / "run", folder / "again", None)
        with pytest.raises(ConfigError, match="other settings"):
            commands.train(str(folder / "tiny.toml"), folder, folder / "run", True, [*SMALL, *FLOAT])
    finally:
        (folder / "clean.tsv").write_text(CLEAN)


def test_a_list_for_another_folder_stops_the_run_before_any_work(folder, tmp_path):
    (folder / "other.tsv").write_text("drop\tnobody/0.png\n")
    plan = read_recipe(folder / "tiny.toml", [*SMALL, "data.clean=other.tsv"])
    with pytest.raises(ConfigError, match="there is no nobody"):
        commands.open_run(plan, folder, tmp_path / "run", resume=False)
    assert not (tmp_path / "run").exists()


def test_a_teachers_vectors_follow_their_chips(folder, tmp_path):
    plan = read_recipe(folder / "tiny.toml", SMALL)
    train, held_out = commands.load_people(plan, folder)
    everything = [f"person{person:02d}/{chip}.png" for person in range(12) for chip in range(6)]
    np.savez(tmp_path / "teacher.npz", vectors=np.arange(72, dtype=np.float32)[:, None])
    (tmp_path / "order.csv").write_text("file\n" + "\n".join(everything) + "\n")
    for chips in (train, held_out):
        vectors = teacher_vectors(tmp_path / "teacher.npz", tmp_path / "order.csv", chips.paths)
        assert vectors[:, 0].tolist() == [everything.index(path) for path in chips.paths]

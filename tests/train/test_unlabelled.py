"""Chips of which nobody knows who is on them: how they are found, asked about, drawn, and learnt from."""

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
import typer
from edgeface_train import commands, teach
from edgeface_train.augment import augment, draw_variations
from edgeface_train.blend import Blends, blend
from edgeface_train.chips import load_chips, load_unlabelled, with_border
from edgeface_train.fit import Fitter
from edgeface_train.recipe import Augment, find_recipe, read_recipe
from edgeface_train.sampling import rows_of_epoch
from edgeface_train.stage import Stage
from edgeface_train.teacher import Teacher, Unlabelled, read_teacher
from edgeface_train.warp import unbent

from edgeface.card import read_bundle
from edgeface.core.prepare import crop_centre
from edgeface.errors import ConfigError
from tests.train.conftest import RECIPE, figures, write_patterns

STAGE = """
[[stage]]
kind = "distil"
epochs = 2
batch = 16
margin_weight = 0.1
blend_share = 0.25
unlabelled_share = 0.25
[export]
default_variant = "float16"
variants = ["float16"]
"""


def write_unlabelled(folder, chips=9):
    """Write chips at several depths, and files that are none."""
    places = [folder, folder / "a", folder / "a" / "b"]
    rng = np.random.default_rng(5)
    for number in range(chips):
        place = places[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        small = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
        cv2.imwrite(str(place / f"{number}.png"), cv2.resize(small, (112, 112)))
    (folder / ".hidden").mkdir()
    shutil.copy(folder / "0.png", folder / ".hidden" / "x.png")
    (folder / "notes.txt").write_text("who took them")


@pytest.fixture
def folder(teacher, chips_folder, tmp_path):
    """A folder with chips, unlabelled chips, a teacher's vectors of both and of blends, and a recipe."""
    write_unlabelled(tmp_path / "faces")
    (tmp_path / "chips").symlink_to(chips_folder)
    commands.teach(chips_folder, teacher[0], tmp_path / "teacher.npz", 72, None, 1, tmp_path / "faces")
    head = RECIPE.partition("[[stage]]")[0]
    places = '[data]\ntrain = "chips"\nteacher = "teacher.npz"\nunlabelled = "faces"'
    (tmp_path / "nobody.toml").write_text(head.replace("[data]", places) + STAGE)
    return tmp_path


def test_chips_are_found_at_any_depth_and_are_nobodys(tmp_path):
    write_unlabelled(tmp_path)
    chips = load_unlabelled(tmp_path)
    below = ["a/1.png", "a/4.png", "a/7.png", "a/b/2.png", "a/b/5.png", "a/b/8.png"]
    assert chips.paths == ["0.png", "3.png", "6.png", *below]
    assert set(chips.people.tolist()) == {-1} and chips.names == []
    assert np.array_equal(chips.images[4][..., ::-1], cv2.imread(str(tmp_path / chips.paths[4])))


def test_chips_get_the_border_of_those_trained_on_or_lose_theirs(tmp_path):
    write_unlabelled(tmp_path)
    chips = load_unlabelled(tmp_path)
    wide = load_unlabelled(tmp_path, size=128)
    assert (wide.size, wide.images.shape, wide.paths) == (128, (9, 128, 128, 3), chips.paths)
    assert np.array_equal(crop_centre(wide.images, 112), chips.images)
    assert np.array_equal(wide.images[:, 0, 60], chips.images[:, 0, 52])
    how = draw_variations(9, 112, 112, Augment(flip=False, zoom=0), np.random.default_rng(1))
    same = draw_variations(9, 128, 112, Augment(flip=False, zoom=0), np.random.default_rng(1))
    assert np.abs(augment(wide.images, 112, same).astype(int) - augment(chips.images, 112, how)).mean() < 1
    for path, image in zip(wide.paths, wide.images, strict=True):
        cv2.imwrite(str(tmp_path / path), image[..., ::-1])
    assert np.array_equal(load_unlabelled(tmp_path, size=112).images, chips.images)


def test_a_stage_learns_from_chips_of_another_size(folder, chips_folder):
    (folder / "chips").unlink()
    for path in chips_folder.glob("*/*.png"):
        place = folder / "chips" / path.parent.name / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place), with_border(cv2.imread(str(path))))
    commands.teach(folder / "chips", folder / "colours.py", folder / "teacher.npz", 72, None, 1, folder / "faces")
    run = commands.open_run(read_recipe(folder / "nobody.toml"), folder, folder / "run", resume=False)
    images = run.fitter.feeder.images(np.array([0, len(run.train) + run.fitter.teacher.behind[0]]))
    assert np.array_equal(images[1], load_unlabelled(folder / "faces", size=128).images[0])
    run.close()


@pytest.mark.parametrize("place", ["chips", ".", "chips/person00"])
def test_people_are_not_taken_for_unlabelled_chips(tmp_path, place):
    write_patterns(tmp_path / "chips", people=2, chips=1)
    with pytest.raises(ConfigError, match="are not apart from the people in") as error:
        load_unlabelled(tmp_path / place, apart=[tmp_path / "chips"])
    assert "beside it" in error.value.hint


@pytest.mark.parametrize(("place", "message"), [("nowhere", "does not exist"), ("empty", "holds no unlabelled chips")])
def test_a_folder_without_chips_is_refused(tmp_path, place, message):
    (tmp_path / "empty" / "a").mkdir(parents=True)
    with pytest.raises(ConfigError, match=message):
        load_unlabelled(tmp_path / place)


def test_a_teacher_is_asked_about_each_unlabelled_chip_once(teacher, tmp_path):
    adapter, asked = teacher
    chips, faces, out = tmp_path / "chips", tmp_path / "faces", tmp_path / "teacher.npz"
    write_patterns(chips, people=5, chips=4)
    write_unlabelled(faces)
    commands.teach(chips, adapter, out, 0, None, 1)
    commands.teach(chips, adapter, out, 0, None, 1, faces)
    commands.teach(chips, adapter, out, 0, None, 1, faces)
    assert asked() == 20 + 9
    with np.load(out) as content:
        assert content["unlabelled_files"].tolist() == load_unlabelled(faces).paths
        assert content["unlabelled_digests"].shape == (9, 32)
        assert content["unlabelled_vectors"].shape == (9, 16)
    commands.teach(chips, adapter, out, 0, None, 1)
    with np.load(out) as content:
        assert sorted(content.files) == ["digests", "files", "teacher", "vectors"]


def test_a_teacher_that_was_stopped_among_unlabelled_chips_goes_on(teacher, tmp_path, monkeypatch):
    adapter, asked = teacher
    chips, faces, out = tmp_path / "chips", tmp_path / "faces", tmp_path / "teacher.npz"
    write_patterns(chips, people=2, chips=4)
    write_unlabelled(faces)
    monkeypatch.setattr(teach, "BLOCK", 4)

    def stop(text):
        if text.strip() == "8 of 9 unlabelled chips":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(commands, "_progress", stop)
        patch.setattr(commands, "TELL_SECONDS", -1.0)
        with pytest.raises(typer.Exit):
            commands.teach(chips, adapter, out, 0, None, 1, faces)
    assert asked() == 8 + 8
    commands.teach(chips, adapter, out, 0, None, 1, faces)
    assert asked() == 8 + 9


def test_vectors_are_matched_by_path_and_one_that_is_missing_is_named(folder):
    chips, faces = load_chips(folder / "chips"), load_unlabelled(folder / "faces")
    told = read_teacher(folder / "teacher.npz", None, chips.paths, faces).unlabelled
    cells = faces.images.reshape(9, 4, 28, 4, 28, 3).mean(axis=(2, 4)).reshape(9, -1)[:, :16] - 127.0
    assert np.allclose(told.vectors, cells / np.linalg.norm(cells, axis=1, keepdims=True), atol=1e-3)
    assert read_teacher(folder / "teacher.npz", None, chips.paths).unlabelled is None
    shutil.copy(folder / "faces" / "0.png", folder / "faces" / "new.png")
    with pytest.raises(ConfigError, match=r"no vectors of 1 of 10 unlabelled chips, such as new\.png") as error:
        read_teacher(folder / "teacher.npz", None, chips.paths, load_unlabelled(folder / "faces"))
    assert "--unlabelled" in error.value.hint


def test_a_file_whose_unlabelled_vectors_do_not_fit_is_refused(tmp_path):
    write_unlabelled(tmp_path / "faces", chips=1)
    arrays = {"files": ["a.png"], "vectors": np.eye(1, 8), "unlabelled_files": ["0.png"]}
    np.savez(tmp_path / "teacher.npz", unlabelled_vectors=np.eye(1, 7), **arrays)
    with pytest.raises(ConfigError, match="do not fit"):
        read_teacher(tmp_path / "teacher.npz", None, ["a.png"], load_unlabelled(tmp_path / "faces"))


@pytest.fixture
def told(chips_folder, tmp_path):
    """Chips, and a teacher of them, of three blends and of nine unlabelled chips."""
    write_unlabelled(tmp_path / "faces")
    chips, faces = load_chips(chips_folder), load_unlabelled(tmp_path / "faces")
    vectors = np.random.default_rng(0).normal(size=(len(chips) + 12, 16)).astype(np.float32)
    blends = Blends(np.array([[0, 6], [1, 12], [2, 70]], np.int32), np.array([[0, 0, 3]] * 3, np.float32), unbent(3))
    mine, mixed, theirs = np.split(vectors, [len(chips), len(chips) + 3])
    return chips, vectors, Teacher(mine, blends, mixed, Unlabelled(faces.images, theirs))


@pytest.mark.parametrize(
    ("blended", "unlabelled", "counts"),
    [(0.0, 0.25, (72, 0, 24)), (0.25, 0.25, (72, 36, 36)), (0.0, 1.0, (0, 0, 9)), (0.1, 0.9, (0, 1, 9))],
)
def test_an_epoch_has_the_share_of_unlabelled_chips(told, blended, unlabelled, counts):
    chips, _, teacher = told
    stage = Stage("distil", blend_share=blended, unlabelled_share=unlabelled)
    rows = rows_of_epoch(stage, chips.people, teacher, lambda _: np.random.default_rng(1))
    assert tuple(np.histogram(rows, [0, 72, 75, 84])[0]) == counts


@pytest.mark.parametrize(("blended", "unlabelled"), [(0.0, 1.0), (0.9, 0.1)])
def test_an_epoch_of_unlabelled_chips_needs_some(told, blended, unlabelled):
    chips, _, teacher = told
    stage = Stage("distil", blend_share=blended, unlabelled_share=unlabelled)
    with pytest.raises(ConfigError, match="a share of unlabelled, of which the teacher's file has none"):
        rows_of_epoch(stage, chips.people, teacher._replace(unlabelled=None), lambda _: np.random.default_rng(1))


def test_the_other_draws_of_an_epoch_are_not_moved_by_unlabelled_chips(told):
    chips, _, teacher = told
    stage = Stage("distil", blend_share=0.25, per_person=3)

    def rows(stage, teacher):
        return rows_of_epoch(stage, chips.people, teacher, lambda purpose: np.random.default_rng([*purpose.encode()]))

    without = rows(stage, teacher._replace(unlabelled=None))
    assert np.array_equal(rows(stage, teacher), without)
    assert np.array_equal(
        [row for row in rows(replace(stage, unlabelled_share=0.1), teacher) if row < 72], without[:36]
    )


@pytest.mark.parametrize("where", ["host", "device"])
def test_a_batch_shows_them_with_the_teachers_vector_and_nobodys_number(told, tiny_recipe, where):
    chips, vectors, teacher = told
    fitter = Fitter(read_recipe(tiny_recipe, [f"augment.where={where}"]), chips, teacher)
    stage = Stage("distil", batch=16, unlabelled_share=0.5, person_share=0.4)
    fitter.start(stage)
    rows = np.array([75, 5, 74, 83])
    images = fitter.feeder.images(rows)
    assert np.array_equal(images[[0, 3]], teacher.unlabelled.images[[0, 8]])
    assert np.array_equal(images[1], chips.images[5])
    assert np.array_equal(images[2], blend(chips.images[[2]], chips.images[[70]], teacher.blends.seams[:1])[0])
    values, (targets, people) = fitter.batch(rows, stage, np.random.default_rng(1))
    assert people.tolist() == [-1, 0, -1, -1]
    assert np.array_equal(targets[[0, 2, 3], 1:], vectors[[75, 74, 83]])
    if where == "device":
        assert np.array_equal(values[0][[0, 3]], teacher.unlabelled.images[[0, 8]])


def test_a_run_learns_from_them_resumed_or_not_and_its_card_counts_them(folder, train_in_parts):
    recipe = folder / "nobody.toml"
    train_in_parts(recipe, folder, folder / "parts", [], stops=(2,))
    commands.train(str(recipe), folder, folder / "run", False, [])
    assert figures(folder / "parts") == figures(folder / "run")
    epochs = [entry for entry in figures(folder / "run") if entry["event"] == "epoch"]
    assert epochs[1]["loss"] < epochs[0]["loss"]
    assert epochs[0]["chips"] == 2 * 8 * 6  # half of it chips of the eight people who are not held out
    commands.export(folder / "run", folder / "bundle", None)
    training = read_bundle(folder / "bundle").card.training
    assert (training["people"], training["photos"], training["unlabelled_photos"]) == (8, 48, 9)
    assert training["recipe"]["data"]["unlabelled"] == "faces"
    settings = json.loads((folder / "run" / "recipe.json").read_text())
    del settings["export"]["min_cosine_int8_low"]  # as of a run that is older than a setting
    (folder / "run" / "recipe.json").write_text(json.dumps(settings))
    commands.open_run(read_recipe(recipe), folder, folder / "run", resume=True).close()
    (folder / "faces" / "0.png").unlink()
    with pytest.raises(ConfigError, match="other settings"):
        commands.train(str(recipe), folder, folder / "run", True, [])


def test_a_folder_that_no_stage_takes_from_is_neither_read_nor_counted(folder):
    shutil.rmtree(folder / "faces")
    plan = read_recipe(folder / "nobody.toml", ["stage.0.unlabelled_share=0"])
    commands.open_run(plan, folder, folder / "run", resume=False).close()
    assert "unlabelled_photos" not in json.loads((folder / "run" / "recipe.json").read_text())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["stage.1.unlabelled_share=1.5"], "not from 0 to 1"),
        (["stage.1.blend_share=0.6"], "more than 1 together"),
        (["stage.0.unlabelled_share=0.5"], "unlabelled_share is for `distil`"),
        (["stage.1.people_per_batch=4"], "unlabelled_share is for `distil`"),
        (['data.unlabelled=""'], r"data\.unlabelled is empty: name the folder"),
        (['data.teacher=""'], r"data\.teacher is empty"),
    ],
)
def test_unlabelled_chips_where_nothing_can_be_learnt_from_them_are_refused(overrides, message):
    share = ['data.unlabelled="faces"', "stage.1.unlabelled_share=0.5", "stage.1.blend_share=0"]
    read_recipe(find_recipe("xs.toml"), share)
    with pytest.raises(ConfigError, match=message):
        read_recipe(find_recipe("xs.toml"), [*share, *overrides])

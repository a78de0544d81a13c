"""Blends of two people: how they are drawn and made, what a teacher says about them, and that a student learns it."""

import json

import cv2
import numpy as np
import pytest
import typer
from edgeface_train import commands, teach
from edgeface_train.blend import NEIGHBOURS, OFFSET, SOFTNESS, Blends, blend, draw_blends
from edgeface_train.chips import load_chips
from edgeface_train.fit import Fitter
from edgeface_train.losses import margin_softmax
from edgeface_train.recipe import find_recipe, read_recipe
from edgeface_train.sampling import centres, draw_behind
from edgeface_train.stage import Stage
from edgeface_train.teacher import Teacher, read_teacher
from edgeface_train.warp import unbent, warp

from edgeface.errors import ConfigError
from tests.train.conftest import RECIPE, write_patterns


@pytest.fixture
def drawn(chips_folder):
    chips = load_chips(chips_folder)
    vectors = np.eye(12, dtype=np.float32)[chips.people]
    return chips, draw_blends(chips, centres(vectors, chips.people, 12), 4000, np.random.default_rng(3))


def test_a_blend_is_of_two_people_and_everybody_comes_as_often(drawn):
    chips, blends = drawn
    people = chips.people[blends.pairs]
    assert np.all(people[:, 0] != people[:, 1])
    counts = np.bincount(people[:, 0], minlength=12)
    assert counts.min() > 0.7 * counts.max()
    assert len(np.unique(blends.pairs)) == len(chips)
    angle, offset, softness = blends.seams.T
    assert 0 <= angle.min() < 0.1 and 6.1 < angle.max() < 2 * np.pi + 1e-6
    assert -OFFSET <= offset.min() < offset.max() <= OFFSET
    assert SOFTNESS[0] <= softness.min() < softness.max() <= SOFTNESS[1] + 1e-4


def test_half_of_the_blends_are_of_people_who_look_alike(tmp_path):
    count = 4 * NEIGHBOURS
    write_patterns(tmp_path, people=count, chips=1)
    chips = load_chips(tmp_path)
    angles = np.linspace(0, np.pi, count)
    on_an_arc = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    blends = draw_blends(chips, on_an_arc, 2000, np.random.default_rng(1))
    apart = np.abs(np.diff(chips.people[blends.pairs], axis=1))
    among_all = NEIGHBOURS / count
    assert np.mean(apart <= NEIGHBOURS) > 0.5 + 0.3 * among_all
    assert np.mean(apart > NEIGHBOURS) > 0.5 * (1 - 2 * among_all) - 0.05


def test_a_seam_parts_one_face_from_the_other_and_a_soft_one_mixes_them():
    black, white = np.zeros((3, 112, 112, 3), np.uint8), np.full((3, 112, 112, 3), 255, np.uint8)
    upright, level, soft = blend(black, white, np.array([[0, 0, 3], [np.pi / 2, 20, 3], [0, 0, 48]], np.float32))
    assert upright[:, 0].min() == 255 and upright[:, -1].max() == 0
    assert np.array_equal(upright[:, 30], upright[::-1, 30])
    assert level[60].min() > 230 and level[95].max() < 5
    assert abs(int(level[75, 50, 0]) - 127) < 20
    assert 60 < soft.min() < soft.max() < 200
    assert np.array_equal(blend(white, white, np.ones((3, 3), np.float32)), white)


def test_a_teacher_is_asked_about_each_picture_once(teacher, chips_folder, tmp_path):
    adapter, asked = teacher
    chips, out = tmp_path / "chips", tmp_path / "teacher.npz"
    write_patterns(chips, people=5, chips=4)
    commands.teach(chips, adapter, out, 30, None, 1)
    assert asked() == 5 * 4 + 30
    commands.teach(chips, adapter, out, 30, None, 1)
    assert asked() == 50
    cv2.imwrite(str(chips / "person00" / "9.png"), np.full((112, 112, 3), 9, np.uint8))
    commands.teach(chips, adapter, out, 0, None, 1)
    assert asked() == 51
    assert sorted(path.name for path in tmp_path.glob("teacher.npz*")) == ["teacher.npz"]


def test_a_teacher_that_was_stopped_goes_on(teacher, tmp_path, monkeypatch):
    adapter, asked = teacher
    chips, out = tmp_path / "chips", tmp_path / "teacher.npz"
    write_patterns(chips, people=5, chips=4)
    monkeypatch.setattr(teach, "BLOCK", 8)

    def stop(text):
        if text.strip() == "16 of 30 blends":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(commands, "_progress", stop)
        patch.setattr(commands, "TELL_SECONDS", -1.0)
        with pytest.raises(typer.Exit) as exit_:
            commands.teach(chips, adapter, out, 30, None, 1)
    assert exit_.value.exit_code == 130
    assert not out.exists()
    assert asked() == 20 + 16
    commands.teach(chips, adapter, out, 30, None, 1)
    assert asked() == 50
    whole = tmp_path / "whole.npz"
    commands.teach(chips, adapter, whole, 30, None, 1)
    with np.load(out) as one, np.load(whole) as other:
        assert all(np.array_equal(one[name], other[name]) for name in other.files)


@pytest.mark.parametrize("most", [0.0, 4.0])
def test_blends_are_what_the_file_says_and_leave_out_what_is_not_trained_on(teacher, tmp_path, most):
    adapter, _ = teacher
    chips, out = tmp_path / "chips", tmp_path / "teacher.npz"
    write_patterns(chips, people=6, chips=3)
    (tmp_path / "clean.tsv").write_text("drop\tperson02\twrong\n")
    commands.teach(chips, adapter, out, 60, tmp_path / "clean.tsv", 1, warp=most)
    everybody = load_chips(chips)
    known = read_teacher(out, None, everybody.paths)
    assert known.vectors.shape == (18, 16) and known.blend_vectors.shape == (60, 16)
    assert 2 not in everybody.people[known.blends.pairs]
    one, other = known.blends.pairs.T
    warps = known.blends.warps
    assert np.abs(warps).max() > most / 2 if most else not warps.any()
    parts = (warp(everybody.images[side], warps) for side in (one, other))
    pictures = blend(*parts, known.blends.seams)
    cells = pictures.reshape(60, 4, 28, 4, 28, 3).mean(axis=(2, 4)).reshape(60, -1)[:, :16] - 127.0
    assert np.allclose(known.blend_vectors, cells / np.linalg.norm(cells, axis=1, keepdims=True), atol=1e-3)
    some = everybody.subset(everybody.people != 4)
    fewer = read_teacher(out, None, some.paths)
    assert 0 < len(fewer.blend_vectors) < 60
    of_some = [(some.paths[a], some.paths[b]) for a, b in fewer.blends.pairs]
    of_all = [(everybody.paths[a], everybody.paths[b]) for a, b in known.blends.pairs]
    assert of_some == [pair for pair in of_all if not any(path.startswith("person04") for path in pair)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pairs": np.array([[0, 99]])}, "do not fit"),
        ({"seams": np.zeros((2, 3))}, "do not fit"),
        ({"warps": np.zeros((1, 2, 3, 3))}, "do not fit"),
        ({"blend_vectors": np.zeros((1, 7))}, "do not fit"),
        ({"files": np.array(["a.png"])}, "missing"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, change, message):
    arrays = {
        "files": np.array(["a.png", "b.png"]),
        "vectors": np.eye(2, 8),
        "pairs": np.array([[0, 1]]),
        "seams": np.zeros((1, 3)),
        "blend_vectors": np.eye(1, 8),
    }
    np.savez(tmp_path / "teacher.npz", **(arrays | change))
    with pytest.raises(ConfigError, match=message):
        read_teacher(tmp_path / "teacher.npz", None, ["a.png", "b.png"])
    np.savez(tmp_path / "teacher.npz", **arrays)
    assert np.array_equal(read_teacher(tmp_path / "teacher.npz", None, arrays["files"]).blends.warps, unbent(1))


def test_a_batch_shows_blends_with_the_teachers_vector_and_nobodys_number(chips_folder, tiny_recipe):
    chips = load_chips(chips_folder)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(chips) + 3, 16)).astype(np.float32)
    pairs = np.array([[0, 6], [1, 12], [2, 70]], np.int32)
    seams = np.array([[0, 0, 3]] * 3, np.float32)
    warps = unbent(3)
    warps[2] = rng.normal(size=warps[2].shape)
    told = Teacher(vectors[: len(chips)], Blends(pairs, seams, warps), vectors[len(chips) :])
    fitter = Fitter(read_recipe(tiny_recipe), chips, told)
    stage = Stage("distil", batch=16, blend_share=0.5, person_share=0.4)
    fitter.start(stage)
    rows = np.array([5, len(chips) + 2, 8, len(chips)])
    images, people = fitter.feeder.images(rows), fitter.feeder.people(rows)
    assert people.tolist() == [0, -1, 1, -1]
    assert np.array_equal(images[0], chips.images[5])
    bent = (warp(chips.images[[one]], warps[2:]) for one in (2, 70))
    assert np.array_equal(images[1], blend(*bent, seams[:1])[0])
    assert np.array_equal(images[3], blend(chips.images[[0]], chips.images[[6]], seams[:1])[0])
    _, (targets, numbers) = fitter.batch(rows, stage, np.random.default_rng(1))
    assert np.array_equal(targets[[1, 3], 1:], vectors[[len(chips) + 2, len(chips)]])
    assert numbers.tolist() == people.tolist()


def test_a_margin_softmax_does_not_count_nobody():
    cosines = np.random.default_rng(4).uniform(-1, 1, (6, 9)).astype(np.float32)
    loss = margin_softmax(scale=8.0, margin=0.35)
    known = np.array([0, 8, 3], np.int32)
    some = np.array([0, -1, 8, 3, -1, -1], np.int32)
    assert float(loss(some, cosines)) == pytest.approx(float(loss(known, cosines[[0, 2, 3]])), rel=1e-5)
    assert float(loss(np.full(6, -1), cosines)) == 0


def test_all_blends_are_drawn_before_one_comes_twice():
    rng = np.random.default_rng(0)
    assert np.bincount(draw_behind("blends", 50, 100, rng)).tolist() == [2] * 50
    assert len(draw_behind("blends", 0, 0, rng)) == 0
    with pytest.raises(ConfigError, match="has none"):
        draw_behind("blends", 0, 100, rng)


def test_a_run_learns_from_blends(teacher, chips_folder, tmp_path):
    adapter, _ = teacher
    commands.teach(chips_folder, adapter, tmp_path / "teacher.npz", 72, None, 1)
    (tmp_path / "chips").symlink_to(chips_folder)
    head, _, tail = RECIPE.partition("[[stage]]")
    stage = '[[stage]]\nkind = "distil"\nepochs = 2\nbatch = 16\nmargin_weight = 0.1\nblend_share = 0.5\n'
    recipe = tmp_path / "blended.toml"
    places = '[data]\ntrain = "chips"\nteacher = "teacher.npz"'
    recipe.write_text(head.replace("[data]", places) + stage + tail[tail.index("[export]") :])
    commands.train(str(recipe), tmp_path, tmp_path / "run", False, [])
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    epochs = [entry for entry in log if entry["event"] == "epoch"]
    assert epochs[1]["loss"] < epochs[0]["loss"]
    assert epochs[0]["chips"] == 2 * 8 * 6  # as many blends as chips of the eight people who are not held out


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["stage.1.blend_share=1.0"], "not from 0 to under 1"),
        (["stage.1.blend_share=0.5"], "blend_share is for `distil`"),
    ],
)
def test_blends_where_nothing_can_be_learnt_from_them_are_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        read_recipe(find_recipe("seed.toml"), overrides)

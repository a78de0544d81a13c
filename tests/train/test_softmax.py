"""The margin softmax by the papers' formulas: of the cosine or of the angle, with one centre a person or several."""

import json
import math
from dataclasses import replace

import keras
import numpy as np
import pytest
import typer
from edgeface_train import commands
from edgeface_train.blend import Blends
from edgeface_train.chips import load_chips
from edgeface_train.fit import Fitter
from edgeface_train.journal import RECIPE, load_checkpoint
from edgeface_train.losses import CosineHead, margin_softmax, turned_away
from edgeface_train.recipe import Stage, read_recipe
from edgeface_train.sampling import centres
from edgeface_train.teacher import Teacher
from edgeface_train.warp import unbent

from edgeface.errors import ConfigError
from tests.train.conftest import figures
from tests.train.test_losses import unit

TWO_STAGES = ["stage.0.kind='margin'", "stage.1.kind='margin'", "stage.1.epochs=1"]
BOTH = [
    *TWO_STAGES,
    "stage.0.softmax='arcface'",
    "stage.0.sub_centres=2",
    "stage.1.sub_centres=2",
]


def slow_own(cosine, softmax, margin):
    if softmax == "cosface":
        return cosine - margin
    angle = math.acos(cosine)
    return math.cos(angle + margin) if angle + margin < math.pi else cosine - margin * math.sin(margin)


def slow_softmax(embeddings, people, looks, *, softmax, scale, margin):
    """Return the loss of (n, size) embeddings with (people, K, size) centres."""
    losses = []
    for embedding, person in zip(embeddings, people, strict=True):
        cosines = [max(float(embedding @ look / np.linalg.norm(look)) for look in of_one) for of_one in looks]
        own = scale * slow_own(cosines[person], softmax, margin)
        others = [scale * cosine for place, cosine in enumerate(cosines) if place != person]
        losses.append(-math.log(math.exp(own) / (math.exp(own) + sum(map(math.exp, others)))))
    return np.mean(losses)


def head_of(looks):
    people, count, size = looks.shape
    head = CosineHead(people, count)
    head.build((1, size))
    head.centres.assign(looks.reshape(-1, size).T)
    return head


@pytest.mark.parametrize("sub_centres", [1, 3])
@pytest.mark.parametrize(("softmax", "margin"), [("cosface", 0.35), ("arcface", 0.0), ("arcface", 0.5)])
def test_the_loss_is_the_papers(softmax, margin, sub_centres):
    rng = np.random.default_rng(0)
    looks = rng.normal(size=(5, sub_centres, 4)).astype(np.float32)
    embeddings, people = unit(rng, 40, 4), rng.integers(0, 5, 40)
    loss = margin_softmax(scale=8.0, margin=margin, softmax=softmax)
    expected = slow_softmax(embeddings, people, looks, softmax=softmax, scale=8.0, margin=margin)
    assert float(loss(people, head_of(looks)(embeddings))) == pytest.approx(expected, rel=1e-4)


def test_one_centre_a_person_is_the_head_that_there_was():
    rng = np.random.default_rng(1)
    embeddings, middles = unit(rng, 6), unit(rng, 4)
    one = CosineHead(4)
    one.build((1, 8))
    assert one.centres.shape == (8, 4)
    assert np.allclose(np.asarray(head_of(middles[:, np.newaxis])(embeddings)), embeddings @ middles.T, atol=1e-6)


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.5])
def test_the_own_cosine_falls_with_the_angle_all_the_way_round(margin):
    angles = np.linspace(0.01, math.pi - 0.01, 300)
    turned = np.asarray(turned_away(np.cos(angles).astype(np.float32), margin))
    assert np.all(np.diff(turned) < 0)
    near = angles < math.pi - margin
    assert np.allclose(turned[near], np.cos(angles[near] + margin), atol=1e-3)


def slope(people, cosines, loss):
    """Return the gradient of the loss by the cosines, as the backend has it."""
    import tensorflow as tf

    given = tf.constant(cosines)
    with tf.GradientTape() as tape:
        tape.watch(given)
        value = loss(people, given)
    return np.asarray(tape.gradient(value, given))


def test_the_own_centre_pulls_and_the_others_push_as_finite_differences_say():
    cosines = np.random.default_rng(2).uniform(-0.8, 0.8, (6, 4)).astype(np.float32)
    people = np.array([0, 3, 1, 1, 2, 0])
    loss = margin_softmax(scale=4.0, margin=0.5, softmax="arcface")
    found, step = slope(people, cosines, loss), 1e-2
    for place in np.ndindex(cosines.shape):
        more, less = cosines.copy(), cosines.copy()
        more[place] += step
        less[place] -= step
        expected = (float(loss(people, more)) - float(loss(people, less))) / (2 * step)
        assert found[place] == pytest.approx(expected, rel=0.02, abs=2e-4)
        assert (found[place] < 0) == (place[1] == people[place[0]])


@pytest.mark.parametrize("cosine", [1.0, -1.0, 1.0000001, -1.0000001, -math.cos(0.5)])
def test_the_pull_is_finite_and_the_right_way_where_the_angle_has_no_slope(cosine):
    loss = margin_softmax(scale=32.0, margin=0.5, softmax="arcface")
    found = slope(np.array([1]), np.array([[0.9, cosine, 0.95]], np.float32), loss)
    assert np.all(np.isfinite(found))
    assert found[0, 1] < 0 < found[0, 0]


def test_arcface_does_not_count_nobody():
    cosines = np.random.default_rng(4).uniform(-1, 1, (3, 5)).astype(np.float32)
    loss = margin_softmax(scale=8.0, margin=0.5, softmax="arcface")
    assert float(loss(np.array([4, -1, 0]), cosines)) == pytest.approx(float(loss(np.array([4, 0]), cosines[[0, 2]])))
    assert float(loss(np.full(3, -1), cosines)) == 0


@pytest.mark.parametrize("softmax", ["cosface", "arcface"])
def test_a_person_of_two_looks_needs_two_centres(softmax):
    embeddings = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 1, 0]], np.float32)
    people, losses = np.array([0, 0, 1, 1]), {}
    for count in (1, 2):
        start = np.random.default_rng(3).normal(size=(2, 2, 3)).astype(np.float32)[:, :count]
        model = keras.Sequential([keras.Input((3,)), head_of(start)])
        loss = margin_softmax(scale=8.0, margin=0.3, softmax=softmax)
        model.compile(keras.optimizers.Adam(0.1), loss=loss)
        for _ in range(60):
            model.train_on_batch(embeddings, people)
        losses[count] = float(loss(people, model(embeddings)))
    assert losses[2] < 0.1
    assert losses[1] > 1


def test_with_a_teacher_the_first_centre_is_the_mean_and_the_others_are_elsewhere(chips_folder, tiny_recipe):
    chips = load_chips(chips_folder)
    vectors = unit(np.random.default_rng(5), len(chips), 16)
    nothing = Teacher(vectors, Blends(np.empty((0, 2), np.int32), np.empty((0, 3), np.float32), unbent(0)), vectors[:0])
    middles = centres(vectors, chips.people, 12)

    def begun(*overrides):
        fitter = Fitter(read_recipe(tiny_recipe, ["stage.0.kind='margin'", *overrides]), chips, nothing)
        return np.asarray(fitter.head.centres).T

    assert np.array_equal(begun(), middles)
    several = begun("stage.0.sub_centres=3")
    assert np.array_equal(several[::3], middles)
    assert np.allclose(np.linalg.norm(several.reshape(12, 3, 16)[:, 1:] - middles[:, np.newaxis], axis=-1), 1)
    assert np.array_equal(begun("stage.0.sub_centres=3"), several)


def test_a_stage_with_both_learns_and_resumes_with_the_same_curves(
    chips_folder, tiny_recipe, tmp_path, interrupt_epochs
):
    plan = read_recipe(tiny_recipe, BOTH)
    plan = replace(plan, stage=plan.stage[:1])

    def train(name, *, resume=False):
        run = commands.open_run(plan, chips_folder, tmp_path / name, resume=resume)
        try:
            run.run()
        finally:
            run.close()
        return figures(tmp_path / name)

    whole = train("whole")
    losses = [entry["loss"] for entry in whole if entry["event"] == "epoch"]
    assert losses[1] < losses[0]
    interrupt_epochs(2)
    with pytest.raises(KeyboardInterrupt):
        train("parts")
    assert train("parts", resume=True) == whole


def test_a_run_of_before_these_settings_goes_on_from_its_checkpoint(
    chips_folder, tiny_recipe, tmp_path, interrupt_epochs
):
    run = tmp_path / "run"
    interrupt_epochs(2)
    with pytest.raises(typer.Exit):
        commands.train(str(tiny_recipe), chips_folder, run, False, TWO_STAGES)
    settings = json.loads((run / RECIPE).read_text())
    for stage in settings["stage"]:
        assert (stage.pop("softmax"), stage.pop("sub_centres"), stage["softmax_margin"]) == ("cosface", 1, 0.35)
    (run / RECIPE).write_text(json.dumps(settings))
    with pytest.raises(ConfigError, match="other settings"):
        commands.train(str(tiny_recipe), chips_folder, run, True, BOTH)
    again = commands.open_run(read_recipe(tiny_recipe, TWO_STAGES), chips_folder, run, resume=True)
    _, kept = load_checkpoint(run)
    assert all(np.array_equal(value, kept[name]) for name, value in again.fitter.state().items())
    assert kept["centres"].shape == (16, len(again.train.names))


def test_the_margin_is_the_softmaxs_own_unless_it_is_given():
    assert Stage("margin").softmax_margin == 0.35
    assert Stage("margin", softmax="arcface").softmax_margin == 0.5
    assert Stage("margin", softmax="arcface", softmax_margin=0.0).softmax_margin == 0.0


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["stage.0.sub_centres=0"], "stage 0: sub_centres is 0, under 1"),
        (["stage.0.sub_centres=1.5"], "sub_centres must be int"),
        (["stage.0.softmax='sphereface'"], "sphereface"),
        (["stage.0.softmax='arcface'", "stage.0.softmax_margin=28.6"], "28.6, with arcface radians"),
        (["stage.0.softmax='arcface'", "stage.0.softmax_margin=-0.1"], "-0.1, with arcface radians"),
        (["stage.1.sub_centres=2"], "stage 1: softmax and sub_centres are for a margin softmax"),
        (["stage.1.softmax='arcface'"], "stage 1: softmax and sub_centres are for a margin softmax"),
        (["stage.0.sub_centres=2", "stage.1.kind='margin'"], "sub_centres differ between stages"),
    ],
)
def test_what_makes_no_softmax_is_refused(tiny_recipe, overrides, message):
    with pytest.raises(ConfigError, match=message):
        read_recipe(tiny_recipe, ["stage.0.kind='margin'", *overrides])

"""The average follows the weights as the formula says, is what is measured and kept, and outlives a kill."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import typer
from edgeface_train import commands
from edgeface_train.averaging import Average
from edgeface_train.backbone import build
from edgeface_train.batches import embed_chips
from edgeface_train.fit import restore_weights
from edgeface_train.journal import load_checkpoint
from edgeface_train.recipe import read_recipe

from edgeface.errors import ConfigError
from tests.train.conftest import figures


def test_the_average_is_the_recursion_of_its_formula():
    rng, decay = np.random.default_rng(0), 0.6
    variable = keras.Variable(rng.normal(size=(3, 2)).astype(np.float32))
    average, expected = Average([variable], decay), np.asarray(variable).copy()
    for step in range(12):
        variable.assign(rng.normal(size=(3, 2)).astype(np.float32))
        average.follow([variable])
        kept = min(decay, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * np.asarray(variable)
    assert np.allclose(average.values[0], expected, atol=1e-6)
    assert average.steps == 12


def test_integers_are_copied_not_averaged():
    counter = keras.Variable(np.array([1, 2], np.int32), dtype="int32")
    average = Average([counter], 0.999)
    counter.assign([7, 9])
    average.follow([counter])
    assert average.values[0].tolist() == [7, 9]


def averaging(recipe, *more):
    return read_recipe(recipe, ["stage.0.average=0.9", "stage.1.average=0.9", "network.dropout=0.2", *more])


def test_the_statistics_of_the_normalisations_are_averaged_with_the_weights(chips_folder, tiny_recipe, tmp_path):
    run = commands.open_run(averaging(tiny_recipe), chips_folder, tmp_path / "run", resume=False)
    fitter, stage = run.fitter, run.recipe.stage[0]
    fitter.start(stage)
    names = [variable.path for variable in fitter.model.variables]
    places = [place for place, name in enumerate(names) if name.endswith(("moving_mean", "moving_variance", "kernel"))]
    expected = [np.asarray(fitter.model.variables[place]).copy() for place in places]
    for step in range(4):
        fitter.step([np.full((6, 112, 112, 3), step / 4, np.float32)], [np.zeros((6, 1), np.float32)])
        kept = min(0.9, (1 + step) / (10 + step))
        now = [np.asarray(fitter.model.variables[place]).copy() for place in places]
        expected = [kept * old + (1 - kept) * new for old, new in zip(expected, now, strict=True)]
    averaged = fitter.measured
    assert averaged is not fitter.model
    for place, value in zip(places, expected, strict=True):
        assert np.allclose(averaged.variables[place], value, atol=1e-5), names[place]


def test_a_stage_that_does_not_average_measures_the_network_it_trains(chips_folder, tiny_recipe, tmp_path):
    run = commands.open_run(read_recipe(tiny_recipe), chips_folder, tmp_path / "run", resume=False)
    run.fitter.start(run.recipe.stage[0])
    assert run.fitter.measured is run.fitter.model


@pytest.fixture(scope="module")
def averaged_run(tmp_path_factory, chips_folder):
    from tests.train.conftest import RECIPE

    folder = tmp_path_factory.mktemp("averaged")
    (folder / "tiny.toml").write_text(RECIPE)
    plan = averaging(folder / "tiny.toml")
    commands.open_run(plan, chips_folder, folder / "run", resume=False).run()
    return plan, folder / "run"


def test_the_average_is_what_a_finished_run_keeps_and_what_it_measured(averaged_run, chips_folder):
    plan, folder = averaged_run
    _, arrays = load_checkpoint(folder)
    assert "raw0" not in arrays
    model = build(plan.network, seed=plan.seed)
    restore_weights(model, arrays)
    again = commands.open_run(plan, chips_folder, folder.with_name("again"), resume=False)
    vectors = embed_chips(model, again.held_out.images, again.fitter.spec)
    from edgeface_train.alarm import spread

    last = [entry for entry in figures(folder) if entry["event"] == "measure"][-1]
    assert spread(vectors) == pytest.approx(last["spread"], abs=1e-6)


def test_an_averaged_run_resumes_with_the_very_same_curves(
    averaged_run, chips_folder, tiny_recipe, tmp_path, interrupt_epochs
):
    _, whole = averaged_run
    interrupt_epochs(2, 4, 6)
    overrides = ["stage.0.average=0.9", "stage.1.average=0.9", "network.dropout=0.2"]
    for resume, averaging_then in ((False, True), (True, False), (True, True)):
        with pytest.raises(typer.Exit):
            commands.train(str(tiny_recipe), chips_folder, tmp_path / "parts", resume, overrides)
        _, arrays = load_checkpoint(tmp_path / "parts")
        assert ("raw0" in arrays) is averaging_then
        assert not averaging_then or not np.array_equal(arrays["w0"], arrays["raw0"])
    commands.train(str(tiny_recipe), chips_folder, tmp_path / "parts", True, overrides)
    assert figures(tmp_path / "parts") == figures(whole)


@pytest.mark.parametrize("decay", ["1.0", "-0.1"])
def test_a_decay_that_is_none_is_refused(tiny_recipe, decay):
    with pytest.raises(ConfigError, match="average"):
        read_recipe(tiny_recipe, [f"stage.0.average={decay}"])
    assert replace(read_recipe(tiny_recipe).stage[0], average=0.5).average == 0.5

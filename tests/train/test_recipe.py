"""Recipes are checked before any work, and every mistake is named."""

from dataclasses import replace
from importlib.resources import files

import pytest
from edgeface_train.recipe import Recipe, completed, differences, find_recipe, read_recipe, recipe_from

from edgeface.errors import ConfigError

SHIPPED = sorted(path.name for path in files("edgeface_train").joinpath("recipes").iterdir())


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_recipe_is_valid(name):
    recipe = read_recipe(find_recipe(name))
    assert recipe.name == name.removesuffix(".toml")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_that_begins_from_random_weights_begins_with_a_warm_up(name):
    recipe = read_recipe(find_recipe(name))
    assert (recipe.stage[0].kind == "warmup") == (not recipe.network.start)


def test_the_plain_curriculum_is_a_warm_up_of_100_triplets_then_rounds():
    warm_up, rounds = read_recipe(find_recipe("seed.toml")).stage
    assert (warm_up.kind, warm_up.triplets) == ("warmup", 100)
    assert warm_up.epochs in (2, 3)
    assert (rounds.kind, rounds.stop.at_most) == ("rounds", 0.01)
    assert rounds.epochs >= warm_up.epochs
    assert rounds.triplets > warm_up.triplets


def test_the_resolved_recipe_reads_back_as_itself():
    recipe = read_recipe(find_recipe("seed.toml"))
    assert recipe_from(recipe.resolved(), source="test") == recipe


def test_what_an_older_trainer_kept_of_a_run_is_completed():
    now = {**read_recipe(find_recipe("seed.toml")).resolved(), "data_folder": "chips"}
    older = {
        **now,
        "augment": {name: now["augment"][name] for name in now["augment"] if name not in ("dark", "infrared")},
    }
    assert older != now
    assert completed(older, source="test") == now
    assert completed({**older, "seed": 9}, source="test") != now


def test_a_plan_that_no_file_could_ask_for_is_completed_too():
    recipe = read_recipe(find_recipe("refine.toml"))
    kept = replace(recipe, stage=[replace(recipe.stage[0], kind="margin", excess_weight=1.0)]).resolved()
    with pytest.raises(ConfigError, match="excess_weight is for"):
        recipe_from(kept, source="test")
    del kept["stage"][0]["sub_centres"]
    assert completed(kept, source="test")["stage"][0]["sub_centres"] == 1
    with pytest.raises(ConfigError, match=r"unknown setting stage\.0\.sed"):
        completed({**kept, "stage": [{"kind": "margin", "sed": 1}]}, source="test")


def test_what_differs_between_two_runs_is_named_but_for_what_changes_no_training():
    recipe = read_recipe(find_recipe("seed.toml"))
    kept = recipe.resolved()
    other = ["export.fine_tune=96", "export.variants=['int8']", "data.sources=elsewhere"]
    assert differences(kept, read_recipe(find_recipe("seed.toml"), other).resolved()) == ""
    changed = read_recipe(find_recipe("seed.toml"), ["seed=9", "stage.1.chips=96", "network.widths=[8, 8, 8]"])
    assert differences(kept, changed.resolved()) == (
        f"seed {recipe.seed}, now 9; network.widths {recipe.network.widths}, now [8, 8, 8]; stage.1.chips 0, now 96"
    )
    fewer = differences(kept, replace(recipe, stage=recipe.stage[:1]).resolved())
    assert fewer.startswith('stage.1.kind "rounds", now none; ')
    assert fewer.count("now none") == 5 and fewer.endswith(" more")


def test_dark_and_infrared_are_shares_of_the_same_chips():
    with pytest.raises(ConfigError, match=r"dark is 0\.7 and augment\.infrared 0\.4"):
        read_recipe(find_recipe("seed.toml"), ["augment.dark=0.7", "augment.infrared=0.4"])


def test_an_override_reaches_a_stage():
    recipe = read_recipe(find_recipe("seed.toml"), ["stage.1.triplets=77", "seed=9", "data.sources=mine"])
    assert (recipe.stage[1].triplets, recipe.seed, recipe.data.sources) == (77, 9, "mine")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stage.1.tripletz=5", "tripletz"),
        ("stage.9.triplets=5", "no stage 9"),
        ("network.widths=[8]", "differ in length"),
        ("stage.1.triplets=true", "triplets"),
        ("stage.1.kind='guess'", "guess"),
        ("stage.1.margin=9.0", "margin"),
        ("stage.1.distil_weight=1.0", "teacher"),
        ("stage.1.person_share=1.5", "person_share"),
        ("augment.dark=-0.1", "augment.dark is -0.1"),
        ("augment.infrared=1.5", "augment.infrared 1.5: give shares from 0, together 1 at most"),
        ("network.norm=folded", "network.norm folded needs network.start"),
        ("nothing", "key=value"),
    ],
)
def test_a_mistake_is_named(override, message):
    with pytest.raises(ConfigError, match=message):
        read_recipe(find_recipe("seed.toml"), [override])


def test_a_misspelt_setting_is_met_with_the_right_one():
    with pytest.raises(ConfigError) as error:
        read_recipe(find_recipe("seed.toml"), ["stage.1.tripletz=5"])
    assert "triplets" in error.value.hint


def test_an_unknown_recipe_lists_the_shipped_ones():
    with pytest.raises(ConfigError) as error:
        find_recipe("nowhere.toml")
    assert "seed.toml" in error.value.hint


def test_a_recipe_needs_a_stage(tmp_path):
    path = tmp_path / "empty.toml"
    path.write_text("seed = 1")
    with pytest.raises(ConfigError, match="no \\[\\[stage\\]\\]"):
        read_recipe(path)
    assert Recipe("x").stage == []

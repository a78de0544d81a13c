"""The bench of the input pipeline measures both ways on the recipe's own stage, and says what it cannot measure."""

import importlib.util
import json
from pathlib import Path

import pytest

from edgeface.errors import ConfigError

BENCH = Path(__file__).parents[2] / "train" / "bench" / "pipeline.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("pipeline", BENCH)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_rates_and_their_ratio_are_the_last_line(bench, tiny_recipe, chips_folder, capsys):
    recipe = tiny_recipe.with_name("margin.toml")
    recipe.write_text(tiny_recipe.read_text().replace('kind = "warmup"', 'kind = "margin"'))
    assert bench.main([str(recipe), "--data", str(chips_folder), "--seconds", "0"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["turns"] == 3
    assert found["fed"] > 0 and found["ratio"] == pytest.approx(found["fed"] / found["bare"])


def test_a_recipe_without_a_stage_on_chips_is_refused(bench, chips_folder, capsys):
    assert bench.main(["seed", "--data", str(chips_folder)]) == ConfigError.exit_code
    assert "no stage on chips" in capsys.readouterr().err


def test_a_value_of_the_recipe_can_be_changed(bench, chips_folder, capsys):
    options = ["--data", str(chips_folder), "-o", "network.norm=folded", "-o", "network.start="]
    assert bench.main(["small", *options]) == ConfigError.exit_code
    assert "needs network.start" in capsys.readouterr().err

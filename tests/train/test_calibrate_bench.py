"""The bench of calibrations fails where a promised rate is not realised."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[2] / "train" / "bench" / "calibrate.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("calibrate_bench", BENCH)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibrate_bench"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("named", "faults"), [(4, 1), (5, 0), (20, 0), (21, 1), (0, 1)])
def test_a_promise_that_is_off_by_more_than_two_is_told_of(bench: ModuleType, named: int, faults: int) -> None:
    tally = bench.Tally(pairs=Counter({(1, 2): named}), looks=1000)
    found = bench.broken({(10, 0.01): tally})
    assert len(found) == faults
    assert all(line.startswith("10 people, 1 % promised: strangers realised ") for line in found)


def test_what_is_not_promised_is_not_judged(bench: ModuleType) -> None:
    tally = bench.Tally(pairs=Counter({(1, 2): 900}), looks=1000)
    assert bench.broken({(50, 0.001): tally}) == []
    assert len(bench.broken({(10, 0.001): tally})) == 1

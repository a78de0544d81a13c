"""Two processes over loopback train as one does: the same losses, the same measures, the same network."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from edgeface_train.journal import load_checkpoint
from edgeface_train.parallel import Team

from edgeface.errors import ConfigError

pytest.importorskip("jax", reason="several processes train on JAX")


def command(recipe, chips, out, *more):
    words = ["-m", "edgeface", "train", str(recipe), "--data", str(chips), "--out", str(out), *more]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        [sys.executable, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(*running):
    for process in running:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors


def numbers(run, key):
    entries = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [entry[key] for entry in entries if key in entry]


def test_two_processes_are_one(chips_folder, tiny_recipe, tmp_path):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{found.getsockname()[1]}"
    batches = ["-o", "stage.0.batch=24", "-o", "stage.0.epochs=2", "-o", "stage.1.max_rounds=0"]
    both = ["--coordinator", coordinator, "--processes", "2", "--process"]
    finish(
        *[command(tiny_recipe, chips_folder, tmp_path / "two", *batches, *both, number) for number in "01"],
        command(tiny_recipe, chips_folder, tmp_path / "one", *batches),
    )
    assert len(numbers(tmp_path / "one", "loss")) == 2
    assert numbers(tmp_path / "two", "loss") == pytest.approx(numbers(tmp_path / "one", "loss"), abs=1e-5)
    # One process that is kept to one core differs from itself by as much: sums in another order, by up to 1.9e-4.
    assert numbers(tmp_path / "two", "spread") == pytest.approx(numbers(tmp_path / "one", "spread"), abs=5e-4)
    one, two = (load_checkpoint(tmp_path / run)[1] for run in ("one", "two"))
    assert one.keys() == two.keys()
    weights = [key for key in one if key.startswith("w")]
    assert max(np.abs(one[key] - two[key]).max() for key in weights) < 1e-3


def test_a_step_is_shared_out_whole():
    parts = [np.arange(12)[Team("here:1", 3, number).part(12)] for number in range(3)]
    assert np.concatenate(parts).tolist() == list(range(12))
    with pytest.raises(ConfigError, match="10 chips cannot be shared evenly by 3"):
        Team("here:1", 3, 0).part(10)


@pytest.mark.parametrize("wrong", [("here:1", 2, 2), ("here:1", 0, 0), ("", 2, 0), ("here", 2, 1)])
def test_a_team_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError):
        Team(*wrong)

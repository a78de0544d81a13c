"""A tiny set of people and a tiny recipe, so that the trainer's tests take seconds."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from edgeface_train.journal import read_log

pytest.importorskip("tensorflow", reason="the trainer needs TensorFlow")

RECIPE = """
name = "tiny"
[data]
held_out_people = 4
[network]
stem = 8
widths = [8, 16]
depths = [1, 1]
head = 16
embedding = 16
[[stage]]
kind = "warmup"
triplets = 20
epochs = 2
batch = 30
[[stage]]
kind = "rounds"
triplets = 40
epochs = 2
batch = 30
max_rounds = 2
hard_share = 0.5
stop = { measure = "held-out", at_most = 0.0001, draws = 500 }
[export]
calibration = 20
"""

COLOURS = """
import numpy as np

name = "colours"
size = {size}
{more}

def embed(chips):
    cells = chips.reshape(len(chips), 4, size // 4, 4, size // 4, 3).mean(axis=(2, 4)).reshape(len(chips), -1)
    cells = cells - 127.5 + {noise} * np.random.default_rng(chips.sum() % 1000).normal(size=cells.shape)
    return (cells / np.linalg.norm(cells, axis=1, keepdims=True)).astype(np.float32)
"""
"""An adapter of a peer, to be filled in."""

TEACHER = """
import numpy as np
name, size = "Colours", 112
def embed(chips):
    cells = chips.reshape(len(chips), 4, 28, 4, 28, 3).mean(axis=(2, 4)).reshape(len(chips), -1)[:, :16]
    with open({log!r}, "a") as file:
        file.write(f"{{len(chips)}}\\n")
    vectors = (cells - 127.0).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
"""
"""An adapter of a teacher of 16 numbers that logs how much it is asked about, to be filled in."""

TIMES = ("at", "seconds", "images_per_s")
"""What no two runs have in common."""


def figures(run: Path) -> list[dict[str, Any]]:
    """Return the log of a run without the times."""
    return [{k: v for k, v in entry.items() if k not in TIMES} for entry in read_log(run / "log.jsonl")]


@pytest.fixture(scope="session")
def chips_folder(tmp_path_factory) -> Path:
    """Twelve people who are patterns of colour."""
    folder = tmp_path_factory.mktemp("chips")
    write_patterns(folder)
    return folder


def write_patterns(folder: Path, people: int = 12, chips: int = 6) -> None:
    """Write people, by default twelve with six 112 px chips each: a pattern of colours a person, with noise."""
    rng = np.random.default_rng(0)
    for person in range(people):
        pattern = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
        (folder / f"person{person:02d}").mkdir(parents=True)
        for chip in range(chips):
            picture = cv2.resize(pattern, (112, 112), interpolation=cv2.INTER_CUBIC).astype(np.int16)
            noisy = np.clip(picture + rng.normal(0, 40, picture.shape), 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / f"person{person:02d}" / f"{chip}.png"), noisy)


@pytest.fixture
def tiny_recipe(tmp_path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def interrupt_epochs(monkeypatch):
    """Return a function after which the epochs of these numbers, from 1 and counted over all runs, meet a Ctrl-C."""

    def interrupt(*numbers: int) -> None:
        from edgeface_train import curriculum

        epoch, asked = curriculum.Fitter.epoch, []

        def interrupted(*arguments):
            asked.append(arguments)
            if len(asked) in numbers:
                raise KeyboardInterrupt
            return epoch(*arguments)

        monkeypatch.setattr(curriculum.Fitter, "epoch", interrupted)

    return interrupt


@pytest.fixture
def train_in_parts(interrupt_epochs):
    """Return a function that trains with a Ctrl-C in epochs of these numbers, each time resumed, to the end."""

    def train(recipe: Path, chips: Path, run: Path, overrides: list[str], *, stops: tuple[int, ...]) -> None:
        import typer
        from edgeface_train import commands

        interrupt_epochs(*stops)
        for part in range(len(stops)):
            with pytest.raises(typer.Exit):
                commands.train(str(recipe), chips, run, part > 0, overrides)
        commands.train(str(recipe), chips, run, True, overrides)

    return train


@pytest.fixture
def peer(tmp_path):
    """Write an adapter whose embedding is the mean colour of sixteen fields, with noise."""

    def write(noise=0, size=112, more="", file="colours.py"):
        path = tmp_path / file
        path.write_text(COLOURS.format(noise=noise, size=size, more=more))
        return path

    return write


@pytest.fixture
def teacher(tmp_path):
    """An adapter, and how many pictures it has been asked about so far."""
    log = tmp_path / "asked"
    path = tmp_path / "colours.py"
    path.write_text(TEACHER.format(log=str(log)))
    return path, lambda: sum(map(int, log.read_text().split())) if log.exists() else 0

"""A tiny set of people and a tiny recipe, so that the trainer's tests take seconds."""

from pathlib import Path

import cv2
import numpy as np
import pytest

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

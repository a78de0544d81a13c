"""Runs commands in this process, in a painted world.

The CLI, the wiring, the card, the gallery, the photos and the cameras are the real ones; the detector of
squares and the embedder of colours stand in for the networks.
"""

from functools import partial
from pathlib import Path

import cv2
import pytest

from edgeface import wiring
from edgeface.card import Card, Variant, write_bundle
from edgeface.cli import control, places
from edgeface.core.align import TEMPLATE
from edgeface.core.prepare import InputSpec
from tests.cli.two_models import enroller, put_models
from tests.command_line import run_command
from tests.fakes import MODEL, ColourEmbedder, SquareDetector, paint


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """Run a command line in a home of its own and return how it ended."""
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "STATE_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(places, "SYSTEM_CONFIG", tmp_path / "etc" / "config.toml")
    monkeypatch.setattr(control, "SERVICE_SOCKET", tmp_path / "service.sock")
    monkeypatch.chdir(tmp_path)

    return partial(run_command, capsys)


@pytest.fixture
def painted(monkeypatch, tmp_path):
    """Put squares and colours in place of the networks; the default bundle is a card with thresholds."""
    bundle = tmp_path / "bundle"
    card = Card(
        name="colour",
        created="2024-01-01",
        embedding_size=3,
        input=InputSpec(),
        landmarks=TEMPLATE.tolist(),
        golden_chip="",
        default_variant="int8",
        files={
            "int8": Variant("model.tflite", MODEL, 5, {"0.01": 0.7, "0.001": 0.8}, [1, 0, 0], 0.99),
        },
        training={},
        licence="none",
        intended_use="tests",
    )
    write_bundle(bundle, card, {"int8": b"model"})
    monkeypatch.setattr(wiring, "DEFAULT_BUNDLE", bundle)
    monkeypatch.setattr(wiring, "make_detector", lambda config, live=False: SquareDetector())
    monkeypatch.setattr(wiring, "make_embedder", lambda config, bundle: ColourEmbedder())
    return bundle


@pytest.fixture
def picture(tmp_path):
    """Write a painted picture and return its name."""

    def write(name, *squares):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), paint(*squares)[..., ::-1])
        return Path(name)

    return write


@pytest.fixture
def two_models(painted, monkeypatch, tmp_path):
    """Put two models more beside the default one, new and third."""
    put_models(painted, monkeypatch, tmp_path)


@pytest.fixture
def enrol(cli, picture):
    """Paint somebody and enrol them by a command."""
    return enroller(cli, picture)

"""Sending a model to a device, which a local shell plays behind a fake ssh.

Where the golden vector matters the device has the real edgeface; elsewhere a stand-in whose doctor is always content,
as each real one takes seconds.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures import TINY_BUNDLE

PUSH = Path(__file__).parents[2] / "deploy" / "push-model"
CONTENT = """case $1 in
doctor) printf '{"check": "model", "ok": true}\\n{"check": "gallery", "ok": true}\\n' ;;
config) cat "$DEVICE/config.toml" ;;
esac"""
RECORD = 'echo "$@" >> "$DEVICE/systemctl.log"'


class Device:
    """A folder that stands for a device: its commands, settings and models."""

    def __init__(self, folder):
        self.folder = folder
        self.settings = folder / "config.toml"
        self.models = folder / "models"
        self.settings.write_text(f'[gallery]\npath = "{folder}/gallery.db"\n')
        self.answer("ssh", 'shift; while [ "${1#-}" != "$1" ]; do shift 2; done; exec sh -c "$*"')
        self.answer("sudo", 'exec "$@"')
        self.answer("systemctl", RECORD)
        self.answer("edgeface", CONTENT)

    def has_the_real_edgeface(self):
        self.answer("edgeface", f'exec {sys.executable} -m edgeface --config "$DEVICE/config.toml" "$@"')

    def answer(self, command, script):
        path = self.folder / "bin" / command
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def push(self, bundle):
        environment = {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "PYTHONPATH": ":".join(sys.path),
            "HOME": str(self.folder),
            "DEVICE": str(self.folder),
            "EDGEFACE_MODELS": str(self.models),
            "EDGEFACE_SETTINGS": str(self.settings),
        }
        return subprocess.run([PUSH, bundle, "pi@door"], env=environment, capture_output=True, text=True, check=False)

    def in_use(self):
        return json.loads((self.models / "current" / "model.json").read_text())

    def kept(self):
        return sorted(path.name for path in self.models.iterdir())


@pytest.fixture
def device(tmp_path):
    return Device(tmp_path)


@pytest.fixture
def make_bundle(tmp_path):
    """Return what copies the tiny bundle, with something in its card changed."""

    def make(name, **changes):
        folder = tmp_path / name
        shutil.copytree(TINY_BUNDLE, folder)
        card = json.loads((folder / "model.json").read_text()) | {"name": name}
        variant = card["files"][card["default_variant"]]
        variant |= changes
        (folder / "model.json").write_text(json.dumps(card))
        return folder

    return make


def test_a_model_comes_into_use_and_the_one_before_it_is_kept(device, make_bundle):
    for name in ("first", "second", "third"):
        done = device.push(make_bundle(name))
        assert done.returncode == 0, done.stderr
        assert device.in_use()["name"] == name
    assert f'[recognition]\nmodel = "{device.models}/current"\n' in device.settings.read_text()
    assert device.settings.read_text().count("[recognition]") == 1
    assert len(device.kept()) == 3  # current, third, second
    assert (device.folder / "systemctl.log").read_text().split("\n")[0] == "try-restart edgeface.service"


def test_a_bundle_whose_golden_vector_fails_never_comes_into_use(device, make_bundle):
    device.has_the_real_edgeface()
    assert device.push(make_bundle("good")).returncode == 0
    before = device.settings.read_text(), device.kept()
    size = len(device.in_use()["files"][device.in_use()["default_variant"]]["golden_vector"])
    done = device.push(make_bundle("bad", golden_vector=[1.0] + [0.0] * (size - 1), golden_cosine=0.999))
    assert done.returncode == 4
    assert "golden" in done.stderr
    assert (device.settings.read_text(), device.kept()) == before
    assert device.in_use()["name"] == "good"


def test_a_bundle_that_came_in_part_is_refused(device, make_bundle):
    device.has_the_real_edgeface()
    bundle = make_bundle("part")
    for model in bundle.glob("*.tflite"):
        model.unlink()
    done = device.push(bundle)
    assert (done.returncode, device.kept()) == (4, [])
    assert "cannot be read" in done.stderr


def test_a_model_with_which_the_service_does_not_start_is_taken_back(device, make_bundle):
    assert device.push(make_bundle("good")).returncode == 0
    device.answer("systemctl", f'{RECORD}; [ "$(wc -l < "$DEVICE/systemctl.log")" != 2 ]')
    done = device.push(make_bundle("late"))
    assert done.returncode == 4
    assert "the service does not start with it" in done.stderr
    assert device.in_use()["name"] == "good"
    assert len(device.kept()) == 2
    assert len((device.folder / "systemctl.log").read_text().splitlines()) == 3  # the good one is started again


def test_the_first_model_that_is_taken_back_leaves_the_settings_as_they_were(device, make_bundle):
    before = device.settings.read_text()
    device.answer("systemctl", f'{RECORD}; [ "$(wc -l < "$DEVICE/systemctl.log")" != 1 ]')
    assert device.push(make_bundle("late")).returncode == 4
    assert (device.settings.read_text(), device.kept()) == (before, [])


def test_settings_of_one_s_own_are_not_rewritten(device, make_bundle):
    text = device.settings.read_text() + "[recognition]\nfar = 0.01\n"
    device.settings.write_text(text)
    done = device.push(make_bundle("good"))
    assert (done.returncode, device.settings.read_text()) == (2, text)
    assert "write model = " in done.stderr


def test_what_is_no_bundle_is_not_sent(device, tmp_path):
    done = device.push(tmp_path)
    assert done.returncode == 2
    assert "is no model bundle" in done.stderr

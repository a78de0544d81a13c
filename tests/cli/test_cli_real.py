"""The commands with the real detector, runtime and models on a photograph.

A tiny network, which is part of the tests, serves where any network will do.
"""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeface import wiring
from edgeface.card import SHIPPED_BUNDLE, read_bundle

TINY = Path(__file__).parents[1] / "fixtures" / "tiny-bundle"
carried = pytest.mark.skipif(
    not (SHIPPED_BUNDLE / "model.json").is_file(), reason="this checkout carries no trained bundle"
)


@pytest.fixture
def tiny(monkeypatch):
    """Put the tiny network in the place of the carried one."""
    monkeypatch.setattr(wiring, "DEFAULT_BUNDLE", TINY)


@pytest.fixture
def portrait(astronaut, tmp_path):
    """Write the portrait under a name, changed by a function, and return the name."""

    def write(name, change=lambda image: image):
        image = np.ascontiguousarray(change(astronaut)[..., ::-1])
        assert cv2.imwrite(str(tmp_path / name), image)
        return name

    return write


@carried
def test_one_photo_is_enough_to_be_recognised_in_another(cli, portrait):
    assert cli("enroll", "--name", "eileen", portrait("enrolled.png")).code == 0
    changed = portrait("seen.jpg", lambda image: (image[:, ::-1] * 0.8).astype(np.uint8))
    [found] = cli("identify", changed, "--json").objects
    assert [face["name"] for face in found["faces"]] == ["eileen"]


def test_the_reason_of_a_refusal_is_the_true_one(cli, tiny, portrait):
    small = portrait("small.png", lambda image: cv2.resize(image, (96, 96), interpolation=cv2.INTER_AREA))
    dark = portrait("dark.png", lambda image: (image * 0.15).astype(np.uint8))
    blurred = portrait("blurred.png", lambda image: cv2.GaussianBlur(image, (0, 0), 8))
    two = portrait("two.png", lambda image: np.hstack([image, image]))
    nobody = portrait("nobody.png", lambda image: image[300:])
    reasons = {small: "px wide", dark: "too dark", blurred: "too blurred", two: "2 faces", nobody: "no face"}
    for photo, reason in reasons.items():
        refused = cli("enroll", "--name", "eileen", photo)
        assert refused.code == 5
        assert reason in refused.err


def test_run_recognises_without_tensorflow(cli, tiny, portrait, tmp_path):
    cli("enroll", "--name", "eileen", portrait("enrolled.png"), "--gallery", "g.db")
    (tmp_path / "clip").mkdir()
    for number in range(4):
        portrait(f"clip/{number}.png")
    script = (
        "import sys; from edgeface.cli.main import main\n"
        f"try: main(['run', '--camera', 'clip', '--gallery', 'g.db', '--model', {str(TINY)!r}])\n"
        "finally: print([name for name in ('tensorflow', 'keras') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "eileen arrived" in done.stdout
    assert done.stderr.splitlines()[-1] == "[]"


def test_the_vectors_of_photos_are_those_of_the_model(cli, tiny, portrait, tmp_path):
    assert cli("embed", portrait("a.png"), portrait("b.png"), "--out", "x.npz").code == 0
    with np.load(tmp_path / "x.npz") as content:
        assert content["vectors"].shape[0] == 2
        assert np.linalg.norm(content["vectors"], axis=1) == pytest.approx(1, abs=1e-5)
        assert np.array_equal(content["vectors"][0], content["vectors"][1])


def test_the_doctor_finds_the_tiny_model_well(cli, tiny):
    assert cli("doctor", "--no-camera").code == 0


@carried
def test_the_doctor_finds_the_carried_model_well(cli):
    assert cli("doctor", "--no-camera").code == 0


@carried
def test_a_gallery_goes_over_to_another_network_and_both_find_the_same_person(cli, tiny, portrait, tmp_path):
    """From the tiny network to the carried one, by the pictures that were kept, sealed under the person's key."""
    pytest.importorskip("cryptography", reason="the extra secure is not installed")
    (tmp_path / "master.key").write_bytes(b"k" * 32)
    (tmp_path / "master.key").chmod(0o600)
    kept = ("-o", "gallery.key=file:master.key", "-o", "gallery.keep_chips=encrypted")
    photo = portrait("enrolled.png")
    assert cli("enroll", "--name", "eileen", photo, *kept).code == 0
    assert cli("model", "upgrade", "default", "--variant", "float16", *kept).code == 0
    [found] = cli("identify", photo, "--json", *kept).objects
    assert [(face["name"], face["similarity"] > 0.99) for face in found["faces"]] == [("eileen", True)]
    chosen = read_bundle(SHIPPED_BUNDLE).variant("float16").sha256
    assert cli("model", "status", "--json").objects[0]["model"] == chosen
    assert cli("gallery", "verify", "--json", *kept).objects[0]["models"] == [chosen]

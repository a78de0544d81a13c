"""A bundle that is kept beside a gallery is whole, or none."""

from pathlib import Path

import pytest

from edgeface.card import CARD_NAME, Bundle, read_bundle
from edgeface.drivers import model_shelf
from edgeface.drivers.model_shelf import install
from edgeface.drivers.signing import SIGNATURE_NAME
from edgeface.drivers.verify_bundle import verify
from edgeface.errors import ModelError, StoreError

TINY = Path(__file__).parents[1] / "fixtures" / "tiny-bundle"


@pytest.fixture
def tiny() -> Bundle:
    return read_bundle(TINY)


def test_all_of_it_is_there_for_the_owner_alone(tiny: Bundle, tmp_path: Path) -> None:
    model = tiny.variant("int8").sha256
    folder = install(tiny, model, tmp_path / "gallery.db")
    assert folder == tmp_path / "models" / model[:16]
    assert verify(folder).files == verify(TINY).files
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_a_signature_comes_along(tiny: Bundle, tmp_path: Path) -> None:
    signed = tmp_path / "signed"
    signed.mkdir()
    for file in TINY.iterdir():
        (signed / file.name).write_bytes(file.read_bytes())
    (signed / SIGNATURE_NAME).write_text("ed25519 x y\n")
    folder = install(read_bundle(signed), "ab" * 32, tmp_path / "gallery.db")
    assert (folder / SIGNATURE_NAME).read_text() == "ed25519 x y\n"


def test_what_is_cut_short_is_no_bundle_and_is_completed_later(
    tiny: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = model_shelf._copy
    monkeypatch.setattr(
        model_shelf, "_copy", lambda source, target, most: target.name != CARD_NAME and copy(source, target, most)
    )
    folder = install(tiny, "ab" * 32, tmp_path / "gallery.db")
    with pytest.raises(ModelError, match="no model bundle"):
        read_bundle(folder)
    monkeypatch.setattr(model_shelf, "_copy", copy)
    before = {file.name: file.stat().st_ino for file in folder.iterdir()}
    install(tiny, "ab" * 32, tmp_path / "gallery.db")
    assert verify(folder).name == tiny.card.name
    assert {name: (folder / name).stat().st_ino for name in before} == before, "what was there was left alone"


def test_a_place_that_cannot_be_written_is_one_line(tiny: Bundle, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(StoreError, match="the model cannot be kept in"):
        install(tiny, "ab" * 32, tmp_path / "gallery.db")

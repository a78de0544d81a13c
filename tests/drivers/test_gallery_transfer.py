"""People move to another device in a sealed file, all of them or nobody, and names that are there follow a rule."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from edgeface.core.names import MAX_NAME
from edgeface.drivers import gallery_transfer
from edgeface.drivers.gallery_transfer import export_people
from edgeface.drivers.store import Gallery
from edgeface.errors import EmbeddingMismatch, StoreError
from tests.drivers.locked import WORDS, bring_in
from tests.drivers.stored import MODEL, OTHER_MODEL, looks

pytest.importorskip("cryptography", reason="the extra secure is not installed")

pytestmark = pytest.mark.usefixtures("cheap_scrypt")


def test_people_arrive_with_all_that_was_known_of_them(file: Path, path: Path, tmp_path: Path) -> None:
    assert bring_in(file, path) == [("Ada", "added"), ("Zoë", "added")]
    with Gallery(tmp_path / "from.db", MODEL) as sent, Gallery(path, MODEL) as arrived:
        for old, new in zip(sent.templates(), arrived.templates(), strict=True):
            assert (old.identity.name, old.source, old.created) == (new.identity.name, new.source, new.created)
            assert old.embedding.vector.tobytes() == new.embedding.vector.tobytes()
            assert new.embedding.model == MODEL
        assert [person.enrolled for person in arrived.people()] == [1000.0, 1000.0]


def test_only_the_named_go_along(tmp_path: Path, file: Path, path: Path) -> None:
    one = tmp_path / "one.people"
    with Gallery(tmp_path / "from.db", MODEL) as gallery:
        assert export_people(gallery, one, WORDS, ["Zoë", " Zoë "]) == (1, 1)
        with pytest.raises(StoreError, match="nobody called 'Zoe'") as caught:
            export_people(gallery, tmp_path / "none.people", WORDS, ["Zoe"])
        assert caught.value.hint == "did you mean 'Zoë'?"
    assert not (tmp_path / "none.people").exists()
    assert bring_in(one, path) == [("Zoë", "added")]


def test_an_empty_gallery_is_not_exported(tmp_path: Path) -> None:
    with Gallery(tmp_path / "empty.db", MODEL) as gallery, pytest.raises(StoreError, match="nobody is in the gallery"):
        export_people(gallery, tmp_path / "x.people", WORDS)


@pytest.mark.parametrize(
    ("rule", "outcome", "kept"),
    [
        ("skip", (None, "skipped"), {"Ada": [5], "Zoë": [2]}),
        ("rename", ("Ada (3)", "renamed"), {"Ada": [5], "Ada (2)": [6], "Ada (3)": [0, 1], "Zoë": [2]}),
        ("replace", ("Ada", "replaced"), {"Ada": [0, 1], "Zoë": [2]}),
    ],
)
def test_a_name_that_is_there_already_follows_the_rule(
    file: Path, path: Path, rule: str, outcome: tuple[str | None, str], kept: dict[str, list[int]]
) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(5))
        if rule == "rename":
            gallery.add("Ada (2)", looks(6))
    assert bring_in(file, path, rule) == [outcome, ("Zoë", "added")]
    with Gallery(path, MODEL) as gallery:
        found: dict[str, list[int]] = {}
        for template in gallery.templates():
            found.setdefault(template.identity.name, []).append(int(template.embedding.vector.argmax()))
    assert found == kept


def test_a_longest_name_is_renamed_within_its_length(tmp_path: Path, path: Path) -> None:
    name = "x" * MAX_NAME
    with Gallery(path, MODEL) as gallery:
        gallery.add(name, looks(0))
        export_people(gallery, tmp_path / "x.people", WORDS)
    assert bring_in(tmp_path / "x.people", path, "rename") == [("x" * (MAX_NAME - 4) + " (2)", "renamed")]


def test_looks_of_another_model_are_refused_with_what_to_do_and_no_gallery_is_made(file: Path, path: Path) -> None:
    with pytest.raises(
        EmbeddingMismatch, match="made with model abababababab…, this device uses cdcdcdcdcdcd…"
    ) as caught:
        bring_in(file, path, model=OTHER_MODEL)
    assert "--model" in caught.value.hint and "enrol these people again" in caught.value.hint
    assert not path.exists()


def test_a_gallery_of_another_model_or_size_stays_as_it_is(file: Path, path: Path, tmp_path: Path) -> None:
    for place, others, message in (
        (path, looks(0, model=OTHER_MODEL), "was made with model"),
        (tmp_path / "short.db", looks(0, size=4), "has vectors of 4 values, the file of 8"),
    ):
        with Gallery(place, others[0].model) as gallery:
            gallery.add("Bob", others)
        with pytest.raises(EmbeddingMismatch, match=message):
            bring_in(file, place)
        with Gallery(place, MODEL) as gallery:
            assert [person.identity.name for person in gallery.people()] == ["Bob"]


def test_a_failure_in_the_middle_of_an_import_leaves_nobody(
    file: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Bob", looks(5))
    store = gallery_transfer._store

    def fail(gallery: sqlite3.Connection, vault: Any, name: str, *others: Any) -> None:
        store(gallery, vault, name, *others)
        if name == "Zoë":
            raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(gallery_transfer, "_store", fail)
    with pytest.raises(StoreError):
        bring_in(file, path)
    with Gallery(path, MODEL) as gallery:
        assert [person.identity.name for person in gallery.people()] == ["Bob"]

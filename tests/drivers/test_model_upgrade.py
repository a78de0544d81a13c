"""The vectors of two models stand side by side and never meet; the last step is all or nothing."""

from pathlib import Path

import numpy as np
import pytest

from edgeface.core.types import Embedding
from edgeface.drivers import model_upgrade
from edgeface.drivers.audit import read_entries
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_care import set_aside
from edgeface.drivers.gallery_encrypt import encrypt
from edgeface.drivers.gallery_restore import restore, verify
from edgeface.drivers.store import Gallery
from edgeface.drivers.unknowns import Unknowns
from edgeface.errors import EmbeddingMismatch, ModelError
from tests.drivers.stored import MODEL, in_a_child, of_person, traces

NEW = "ef" * 32


def master(_salt: bytes) -> bytes:
    return b"m" * 32


def by_new(seed: int, looks: int, size: int = 64) -> list[Embedding]:
    return [Embedding(look.vector, NEW) for look in of_person(seed + 1000, looks, size)]


def upgraded(path: Path, key: object = None) -> None:
    """Enrol Ada, who has looks of both models, and Bob, who has of the old one only."""
    with Gallery(path, MODEL, master=master if key else None) as gallery:
        gallery.add("Bob", of_person(2, 2))
        with gallery.changing() as connection:
            model_upgrade.begin(connection, MODEL, NEW, now=1.0)
        gallery.add("Ada", of_person(1, 2), upcoming=by_new(1, 2))


@pytest.mark.parametrize("key", [None, "key"], ids=["plain", "encrypted"])
def test_each_model_finds_its_own_looks_alone(path: Path, key: str | None) -> None:
    if key:
        pytest.importorskip("cryptography", reason="the extra secure is not installed")
    upgraded(path, key)
    with Gallery(path, MODEL, master=master if key else None) as old, old.beside(NEW) as new:
        assert {name.name for name, _ in old.nearest(of_person(1, 1)[0], 5)} == {"Ada", "Bob"}
        [(found, similarity)] = new.nearest(by_new(1, 1)[0], 5)
        assert (found.name, round(similarity, 5)) == ("Ada", 1)
        assert [new.holds(person.identity) for person in old.people()] == [True, False]
        with pytest.raises(EmbeddingMismatch):
            old.nearest(by_new(1, 1)[0], 1)
        with pytest.raises(EmbeddingMismatch):
            new.nearest(of_person(1, 1)[0], 1)
        assert verify(path, old._master).models == [MODEL]


def test_nobody_is_enrolled_by_the_model_to_come_alone(path: Path) -> None:
    upgraded(path)
    with Gallery(path, NEW) as gallery, pytest.raises(EmbeddingMismatch, match="until its upgrade is finished"):
        gallery.add("Eve", by_new(3, 1))


def test_looks_that_are_set_aside_are_not_counted_and_stay_aside(path: Path) -> None:
    upgraded(path)
    with Gallery(path, MODEL) as gallery:
        ada = [look.id for look in gallery.looks() if look.identity.name == "Ada"]
        set_aside(gallery, ada[:1], "blurred")
        with gallery.changing() as connection:
            states = model_upgrade.progress(connection)
            model_upgrade.finish(connection, now=2.0)
    assert [(state.name, state.looks, state.moved, state.chips) for state in states] == [
        ("Ada", 1, 1, 0),
        ("Bob", 2, 0, 0),
    ]
    with Gallery(path, NEW) as gallery:
        assert [(look.embedding.model, look.set_aside) for look in gallery.looks()] == [(NEW, "blurred"), (NEW, None)]
        assert [(person.identity.name, person.looks) for person in gallery.people()] == [("Ada", 1), ("Bob", 0)]


def test_a_retired_model_leaves_no_byte_of_its_vectors(path: Path) -> None:
    upgraded(path)
    assert traces(path.parent, of_person(1, 2)) > 0
    with Gallery(path, MODEL) as gallery:
        with gallery.changing() as connection:
            model_upgrade.finish(connection, now=2.0)
        gallery.wipe()
    assert traces(path.parent, of_person(1, 2) + of_person(2, 2)) == 0
    assert traces(path.parent, by_new(1, 2)) > 0


def test_a_cancelled_upgrade_leaves_no_byte_of_the_new_ones(path: Path) -> None:
    upgraded(path)
    with Gallery(path, MODEL) as gallery:
        with gallery.changing() as connection:
            model_upgrade.cancel(connection, now=2.0)
        gallery.wipe()
        assert gallery.upgrade() is None
        assert len(gallery.templates()) == 4
    assert traces(path.parent, by_new(1, 2)) == 0


def test_who_is_forgotten_is_gone_from_both(path: Path) -> None:
    upgraded(path)
    with Gallery(path, MODEL) as gallery:
        gallery.forget("Ada")
    assert traces(path.parent, of_person(1, 2) + by_new(1, 2)) == 0


def test_encrypting_meanwhile_seals_both(path: Path) -> None:
    pytest.importorskip("cryptography", reason="the extra secure is not installed")
    upgraded(path)
    encrypt(path, master)
    assert traces(path.parent, of_person(1, 2) + by_new(1, 2)) == 0
    with Gallery(path, NEW, master=master) as gallery:
        assert np.allclose(gallery.templates()[0].embedding.vector, by_new(1, 2)[0].vector)
        with gallery.changing() as connection:
            model_upgrade.finish(connection, now=2.0)
        assert np.allclose(gallery.templates()[0].embedding.vector, by_new(1, 2)[0].vector)


def store_upcoming(gallery: Gallery, person: int, looks: list[tuple[int, Embedding]]) -> int:
    with gallery.writing() as (connection, vault):
        return model_upgrade.write_next(connection, vault, person, looks)


def test_a_vector_is_stored_once_and_only_for_a_look_that_is_there_by_the_model_that_comes(path: Path) -> None:
    upgraded(path)
    with Gallery(path, MODEL) as gallery:
        bob = [look for look in gallery.looks() if look.identity.name == "Bob"]
        person, look = bob[0].identity.id, bob[0].id
        assert store_upcoming(gallery, person, [(look, by_new(2, 1)[0]), (999, by_new(2, 1)[0])]) == 1
        assert store_upcoming(gallery, person, [(look, by_new(2, 1)[0])]) == 0
        assert store_upcoming(gallery, person, [(bob[1].id, of_person(2, 1)[0])]) == 0
        assert store_upcoming(gallery, person + 1, [(bob[1].id, by_new(2, 1)[0])]) == 0


def test_one_upgrade_at_a_time_and_only_from_the_model_that_made_the_gallery(path: Path) -> None:
    upgraded(path)
    with Gallery(path, MODEL) as gallery, gallery.changing() as connection:
        assert model_upgrade.begin(connection, MODEL, NEW, now=5.0).begun == 1.0
        with pytest.raises(ModelError, match="is being upgraded to model efef"):
            model_upgrade.begin(connection, MODEL, "12" * 32, now=5.0)
        model_upgrade.finish(connection, now=6.0)
        for call in (model_upgrade.finish, model_upgrade.cancel):
            with pytest.raises(ModelError, match="no upgrade is going on"):
                call(connection, now=7.0)
        with pytest.raises(EmbeddingMismatch, match="the gallery was made with model efef"):
            model_upgrade.begin(connection, MODEL, "12" * 32, now=5.0)
        with pytest.raises(ModelError, match="in use already"):
            model_upgrade.begin(connection, NEW, NEW, now=5.0)
        actions = [entry.action for entry in read_entries(connection, path)]
    assert actions == ["enrolled", "upgrade begun", "enrolled", "upgraded"]


@pytest.mark.parametrize("moment", ["DELETE FROM templates", "UPDATE upgrades", "COMMIT"])
def test_a_finish_that_is_killed_has_not_happened(path: Path, moment: str) -> None:
    upgraded(path)
    script = f"""
from edgeface.drivers import model_upgrade
def kill(statement):
    if {moment!r} in statement:
        os.kill(os.getpid(), signal.SIGKILL)
gallery._open.set_trace_callback(kill)
with gallery.changing() as connection:
    model_upgrade.finish(connection, now=2.0)
"""
    assert in_a_child(path, script).returncode == -9
    with Gallery(path, MODEL) as gallery:
        assert {look.embedding.model for look in gallery.looks()} == {MODEL}
        assert len(gallery.looks()) == 4
        upgrade = gallery.upgrade()
    assert upgrade and upgrade.ended is None


def test_a_backup_brings_both_models_back(path: Path) -> None:
    upgraded(path)
    made = backup(path, path.parent / "usb", keep=None, now=0).path
    with Gallery(path, MODEL) as gallery, gallery.changing() as connection:
        model_upgrade.finish(connection, now=2.0)
    restore(made, path, force=True, now=0)
    with Gallery(path, MODEL) as old, old.beside(NEW) as new:
        assert (len(old.templates()), len(new.templates())) == (4, 2)
        upgrade = old.upgrade()
    assert upgrade and (upgrade.old, upgrade.new, upgrade.ended) == (MODEL, NEW, None)


def test_who_is_only_remembered_is_compared_by_the_old_model_and_goes_with_it(path: Path) -> None:
    upgraded(path)
    with Gallery(path, MODEL) as gallery:
        unknowns = Unknowns(gallery, keep_seconds=1e12, most=5)
        number = unknowns.remember(of_person(7, 2))
        assert number is not None and unknowns.ignore(number).ignored
        assert [found.id for found, _ in unknowns.nearest(of_person(7, 1)[0], 5)] == [number]
        assert unknowns.nearest(by_new(7, 1)[0], 5) == []
        with gallery.changing() as connection:
            assert [person.name for person in model_upgrade.progress(connection)] == ["Ada", "Bob"]
            model_upgrade.finish(connection, now=2.0)
            assert read_entries(connection, path)[-1].amounts == {"looks": 2, "lost": 2}
        assert [receipt.looks for receipt in unknowns.sweep()] == [0]
        gallery.wipe()
        assert unknowns.everybody() == []
    assert traces(path.parent, of_person(7, 2)) == 0


def test_who_is_only_remembered_by_another_model_hinders_no_upgrade(path: Path) -> None:
    with Gallery(path, NEW) as gallery:
        Unknowns(gallery, keep_seconds=1e12, most=5).remember(by_new(7, 1))
    with Gallery(path, MODEL) as gallery:
        gallery.add("Bob", of_person(2, 2))
        with gallery.changing() as connection:
            assert model_upgrade.begin(connection, MODEL, NEW, now=1.0).new == NEW

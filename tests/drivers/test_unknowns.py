"""Unknown people are remembered as vectors, found again, named, ignored, forgotten; the enrolled never meet them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeface.drivers.audit import check, read_entries
from edgeface.drivers.consent import Consent
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_encrypt import encrypt
from edgeface.drivers.gallery_restore import restore, verify
from edgeface.drivers.keyring import read_keyring
from edgeface.drivers.master_key import Master
from edgeface.drivers.store import Gallery
from edgeface.drivers.unknowns import Unknowns, number_of
from edgeface.errors import StoreError
from tests.drivers.locked import master
from tests.drivers.stored import MODEL, NOW, of_person, traces

DAY = 86400.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gallery(tmp_path: Path, clock: Clock) -> Iterator[Gallery]:
    """Ada, enrolled."""
    with Gallery(tmp_path / "gallery.db", MODEL, clock=clock) as opened:
        opened.add("Ada", of_person(1, 2))
        yield opened


@pytest.fixture
def unknowns(gallery: Gallery) -> Unknowns:
    return Unknowns(gallery, keep_seconds=30 * DAY, most=3, away_seconds=10)


def actions(gallery: Gallery) -> list[tuple[str, int | None]]:
    with gallery.reading_rows() as connection:
        entries = read_entries(connection, gallery.path)
    check(entries, gallery.path)
    return [(entry.action, entry.person) for entry in entries]


def test_who_came_is_found_again_and_by_nobody_who_looks_for_the_enrolled(gallery: Gallery, unknowns: Unknowns) -> None:
    number = unknowns.remember(of_person(2, 2))
    [(found, cosine), *_] = unknowns.nearest(of_person(2, 1)[0], 2)
    assert (found.id, cosine) == (number, pytest.approx(1))
    assert [person.identity.name for person in gallery.people()] == ["Ada"]
    assert {identity.name for identity, _ in gallery.nearest(of_person(2, 1)[0], 5)} == {"Ada"}
    assert len(gallery.looks()) == 2
    assert set(gallery.expiries()) == {1}
    assert (verify(gallery.path).people, verify(gallery.path).looks) == (1, 2)


def test_it_is_another_visit_only_after_they_were_away(unknowns: Unknowns, clock: Clock) -> None:
    number = unknowns.remember(of_person(2, 1))
    assert number is not None
    seen = []
    for seconds in (0, 5, 30, 31, 100):
        clock.now = NOW + seconds
        seen.append(unknowns.came(number).visits)
    assert seen == [1, 1, 2, 2, 3]
    [one] = unknowns.everybody()
    assert (one.name, one.first, one.last) == (f"unknown-{number}", NOW, NOW + 100)


def test_who_stays_away_is_not_found_and_swept_but_who_is_ignored_stays(
    gallery: Gallery, unknowns: Unknowns, clock: Clock
) -> None:
    gone, ignored = unknowns.remember(of_person(2, 1)), unknowns.remember(of_person(3, 1))
    assert gone is not None and ignored is not None
    assert unknowns.ignore(ignored).ignored
    clock.now = NOW + 29 * DAY
    assert unknowns.sweep() == []
    clock.now = NOW + 30 * DAY
    assert [found.id for found, _ in unknowns.nearest(of_person(2, 1)[0], 5)] == [ignored]
    assert unknowns.came(ignored).ignored
    [receipt] = unknowns.sweep()
    assert receipt.looks == 1
    assert [one.id for one in unknowns.everybody()] == [ignored]
    assert traces(gallery.path.parent, of_person(2, 1)) == 0
    assert actions(gallery)[1:] == [
        ("unknown remembered", gone),
        ("unknown remembered", ignored),
        ("unknown ignored", ignored),
        ("expired", gone),
    ]


def test_to_name_somebody_enrols_them_with_the_looks_that_are_remembered(gallery: Gallery, unknowns: Unknowns) -> None:
    number = unknowns.remember(of_person(2, 2))
    assert number is not None
    identity = unknowns.name(number, "Bob")
    assert gallery.looks_of(identity) == 2
    assert gallery.nearest(of_person(2, 1)[0], 1)[0][0].name == "Bob"
    assert unknowns.everybody() == []
    gallery.consent("Bob", Consent("Bob", "1", NOW, None))
    assert [action for action, _ in actions(gallery)[-3:]] == ["enrolled", "unknown named", "consented"]


@pytest.mark.parametrize("master", [None, lambda _salt: b"m" * 32], ids=["plain", "encrypted"])
def test_a_naming_that_was_killed_half_way_is_finished_by_whoever_opens_the_gallery_next(
    tmp_path: Path, clock: Clock, master: Master | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if master:
        pytest.importorskip("cryptography", reason="the extra secure is not installed")
    path = tmp_path / "gallery.db"
    with Gallery(path, MODEL, clock=clock, master=master) as opened, monkeypatch.context() as killed:
        unknowns = Unknowns(opened, keep_seconds=30 * DAY, most=3)
        number = unknowns.remember(of_person(2, 2))
        assert number is not None
        killed.setattr("edgeface.drivers.store.finish_naming", lambda *_, **__: None)
        unknowns.name(number, "Bob")
        assert unknowns.everybody() == []
        assert unknowns.nearest(of_person(2, 1)[0], 1) == []
        assert len(opened.unknown_looks()) == 2
    with Gallery(path, MODEL, clock=clock, master=master) as opened:
        assert opened.unknown_looks() == []
        assert [(person.identity.name, person.looks) for person in opened.people()] == [("Bob", 2)]
        assert actions(opened)[-1] == ("unknown named", number)
    for file in tmp_path.glob("*.keys"):
        assert (len(read_keyring(file).destroyed), len(read_keyring(file).live)) == (1, 1)


def test_who_was_forgotten_meanwhile_is_named_by_nobody(
    gallery: Gallery, unknowns: Unknowns, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = unknowns.remember(of_person(2, 2))
    assert number is not None
    looks = unknowns.looks_of(number)
    unknowns.forget(number)
    monkeypatch.setattr(unknowns, "looks_of", lambda _: looks)
    with pytest.raises(StoreError, match=f"there is no unknown-{number} in gallery"):
        unknowns.name(number, "Bob")
    assert [person.identity.name for person in gallery.people()] == ["Ada"]


def test_no_more_are_remembered_than_may_be(unknowns: Unknowns) -> None:
    assert None not in [unknowns.remember(of_person(person, 1)) for person in (2, 3, 4)]
    assert unknowns.remember(of_person(5, 1)) is None
    assert len(unknowns.everybody()) == 3


def test_who_is_not_there_is_said(gallery: Gallery, unknowns: Unknowns) -> None:
    for change in (unknowns.came, unknowns.ignore, unknowns.forget, unknowns.looks_of):
        with pytest.raises(StoreError, match="there is no unknown-1 in gallery"):
            change(1)  # Ada's own number
    assert [person.identity.name for person in gallery.people()] == ["Ada"]


def test_no_person_s_name_reaches_them(gallery: Gallery, unknowns: Unknowns) -> None:
    number = unknowns.remember(of_person(2, 1))
    with pytest.raises(StoreError, match="nobody called") as caught:
        gallery.erase(f"unknown-{number}")
    assert "\x01" not in (caught.value.hint or "")
    gallery.add(f"unknown-{number}", of_person(3, 1))
    assert len(unknowns.everybody()) == 1


@pytest.mark.parametrize(("text", "number"), [("unknown-17", 17), ("17", 17), (" unknown-3 ", 3)])
def test_an_unknown_is_called_by_its_number(text: str, number: int) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["", "alice", "unknown-", "unknown--1", "unknown-²", "9" * 30])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="is no unknown person"):
        number_of(text)


def test_a_backup_brings_them_back(gallery: Gallery, unknowns: Unknowns, tmp_path: Path) -> None:
    number = unknowns.remember(of_person(2, 1))
    assert number is not None
    unknowns.ignore(number)
    kept = backup(gallery.path, tmp_path / "usb", now=NOW, keep=2)
    unknowns.forget(number)
    restore(kept.path, gallery.path, force=False, now=NOW)
    assert [(one.id, one.ignored) for one in unknowns.everybody()] == [(number, True)]


def test_in_an_encrypted_gallery_their_vectors_are_sealed_and_their_key_is_destroyed(
    gallery: Gallery, unknowns: Unknowns, clock: Clock
) -> None:
    pytest.importorskip("cryptography", reason="the extra secure is not installed")
    looks = of_person(2, 2)
    number = unknowns.remember(looks)
    assert number is not None
    gallery.close()
    encrypt(gallery.path, master)
    assert traces(gallery.path.parent, looks) == 0
    with Gallery(gallery.path, MODEL, clock=clock, master=master) as opened:
        sealed = Unknowns(opened, keep_seconds=30 * DAY, most=3)
        assert sealed.nearest(looks[0], 1)[0][0].id == number
        later = sealed.remember(of_person(3, 1))
        assert traces(gallery.path.parent, looks + of_person(3, 1)) == 0
        assert later is not None and sealed.forget(later).keys == 1
    with Gallery(gallery.path, MODEL, clock=clock) as without_key:
        assert Unknowns(without_key, keep_seconds=30 * DAY).forget(number).keys == 1
    [file] = gallery.path.parent.glob("*.keys")
    assert len(read_keyring(file).destroyed) == 2 and len(read_keyring(file).live) == 1

"""The audit log tells what was done, and no entry of it can be changed or removed unseen."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edgeface.drivers.audit import Checked, append, check, prune, read_entries
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_restore import restore
from edgeface.drivers.store import Gallery
from edgeface.errors import StoreError
from tests.drivers.stored import MODEL, of_person

DAY = 86400


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    """Ada (1) and Bob (2) came, a look at Ada was added, and Bob went."""
    with Gallery(path, MODEL, clock=lambda: 1000.0) as opened:
        opened.add("Ada", of_person(1, 2))
        opened.add("Bob", of_person(2, 1))
        opened.add("Ada", of_person(3, 1))
        opened.forget("Bob")
        yield opened


def checked(gallery: Gallery, head: str = "") -> Checked:
    return check(read_entries(gallery._open, gallery._path), gallery._path, head=head)


def test_what_was_done_is_told_in_order_by_number_and_without_a_name(gallery: Gallery) -> None:
    entries = read_entries(gallery._open, gallery._path)
    assert [(e.number, e.action, e.person, e.amounts) for e in entries] == [
        (1, "enrolled", 1, {"looks": 2}),
        (2, "enrolled", 2, {"looks": 1}),
        (3, "enrolled", 1, {"looks": 1}),
        (4, "forgotten", 2, {"looks": 1, "keys": 0}),
    ]
    assert {e.at for e in entries} == {1000.0}
    assert all(e.actor for e in entries)
    assert not any("Bob" in str(e) or "Ada" in str(e) for e in entries)
    assert (checked(gallery).entries, checked(gallery).dropped) == (4, 0)


def test_the_receipt_of_a_forgetting_is_the_hash_of_its_entry(gallery: Gallery) -> None:
    receipt = gallery.erase("Ada")
    assert checked(gallery).head == receipt.entry.hash.hex()
    gallery.add("Cy", of_person(4, 1))
    assert checked(gallery, head=receipt.entry.hash.hex()[:12].upper()).entries == 6


def test_a_refused_change_leaves_no_entry(gallery: Gallery) -> None:
    with pytest.raises(StoreError):
        gallery.forget("Nobody")
    with pytest.raises(ZeroDivisionError), gallery.changing() as connection:
        append(connection, "exported", person=1)
        _ = 1 / 0
    assert checked(gallery).entries == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE audit SET person = 2 WHERE number = 1", "entry 1 was changed"),
        ("UPDATE audit SET actor = 'mallory' WHERE number = 4", "entry 4 was changed"),
        ("UPDATE audit SET at = at + 1 WHERE number = 3", "entry 3 was changed"),
        ("UPDATE audit SET amounts = '{}' WHERE number = 2", "entry 2 was changed"),
        ("UPDATE audit SET amounts = '{' WHERE number = 2", "amounts are not JSON"),
        ("UPDATE audit SET previous = zeroblob(32) WHERE number = 2", "entries between 1 and 2"),
        ("DELETE FROM audit WHERE number = 2", "entries between 1 and 3 were removed"),
        ("DELETE FROM audit WHERE number = 1", "entries before 2 were removed"),
        ("UPDATE audit SET number = number + 1; DELETE FROM audit WHERE number = 2", "entries before 3 were removed"),
    ],
)
def test_what_is_changed_or_removed_is_found(gallery: Gallery, change: str, said: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        gallery._open.execute("UPDATE audit SET actor = 'mallory'")
    gallery._open.execute("DROP TRIGGER audit_is_never_changed")
    if change.startswith("UPDATE audit SET number"):
        gallery._open.execute("UPDATE audit SET number = number + 100")
        change = change.replace("number + 1;", "number - 99;")
    gallery._open.executescript(change)
    with pytest.raises(StoreError, match=said):
        checked(gallery)


def test_what_is_removed_from_the_end_is_found_by_a_hash_that_was_kept(gallery: Gallery) -> None:
    head = checked(gallery).head
    gallery._open.execute("DELETE FROM audit WHERE number = 4")
    assert checked(gallery).entries == 3
    with pytest.raises(StoreError, match="removed from the end"):
        checked(gallery, head=head)
    gallery._open.execute("DELETE FROM audit")
    with pytest.raises(StoreError, match="or all"):
        checked(gallery, head=head)


def test_old_entries_are_dropped_and_the_rest_still_hold_together(gallery: Gallery) -> None:
    with gallery.changing() as connection:
        append(connection, "exported", person=1, at=5.0 * DAY)
        assert prune(connection, 3.0 * DAY, now=6.0 * DAY) == 4
    entries = read_entries(gallery._open, gallery._path)
    assert [(e.number, e.action) for e in entries] == [(5, "exported"), (6, "pruned")]
    assert (checked(gallery).entries, checked(gallery).dropped) == (2, 4)
    with gallery.changing() as connection:
        assert prune(connection, 3.0 * DAY, now=6.0 * DAY) == 0
        assert prune(connection, 99.0 * DAY, now=99.0 * DAY) == 1
    assert [e.number for e in read_entries(gallery._open, gallery._path)] == [6, 7]
    assert checked(gallery).dropped == 5
    gallery._open.execute("DELETE FROM audit WHERE number = 6")
    with pytest.raises(StoreError, match="entries before 7 were removed"):
        checked(gallery)


def test_restoring_adds_to_the_log_and_a_lost_gallery_goes_on_with_that_of_its_backup(
    gallery: Gallery, path: Path
) -> None:
    made = backup(path, path.parent / "usb", keep=None, now=2000.0).path
    gallery.forget("Ada")
    restore(made, path, force=False, now=3000.0)
    assert [e.action for e in read_entries(gallery._open, path)][-2:] == ["forgotten", "restored"]
    assert checked(gallery).entries == 6
    gallery.close()
    path.unlink()
    restore(made, path, force=False, now=4000.0)
    with Gallery(path, MODEL) as again:
        assert [e.action for e in read_entries(again._open, path)][-2:] == ["forgotten", "restored"]
        assert checked(again).entries == 5


def test_an_empty_log_is_whole(path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as _:
        assert check([], path) == Checked(0, 0, "")
    with pytest.raises(StoreError, match="no entry with the hash abc"):
        check([], path, head="abc")

"""Backups of an encrypted gallery come back with its keys, and never with those of another."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edgeface.core.types import Embedding
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_encrypt import encrypt
from edgeface.drivers.gallery_restore import restore, verify
from edgeface.drivers.keyring import keyring_path, read_keyring
from edgeface.drivers.store import Gallery
from edgeface.errors import MasterKeyError, StoreError
from tests.drivers.locked import household, keys_of, master, other, write_plain
from tests.drivers.stored import MODEL, NOW, names, of_person, traces

pytest.importorskip("cryptography", reason="the extra secure is not installed")


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    """Ada with two looks and Bob with one, encrypted from the start."""
    with household(path) as opened:
        yield opened


@pytest.fixture
def plain(path: Path) -> list[Embedding]:
    return write_plain(path)


# Backups.


def test_a_lost_gallery_comes_back_from_a_backup_and_the_key_file_beside_it(gallery: Gallery, path: Path) -> None:
    usb = path.parents[1] / "usb"
    made = backup(path, usb, keep=3, now=NOW).path
    gallery.add("Cy", of_person(3, 1))
    later = backup(path, usb, keep=3, now=NOW + 86400).path
    assert sorted(file.suffix for file in usb.iterdir()) == [".db", ".db", ".keys"]
    gallery.close()
    for file in path.parent.iterdir():
        file.unlink()
    assert restore(later, path, force=False, now=NOW, master=master).people == 3
    with Gallery(path, MODEL, master=master) as again:
        assert again.nearest(of_person(3, 1)[0], 1)[0][0].name == "Cy"
        again.forget("Cy")
    assert len(read_keyring(keyring_path(usb, keys_of(path).id)).live) == 2  # the folder is known again
    restored = restore(later, path, force=False, now=NOW, master=master)
    assert (restored.people, restored.still_forgotten) == (2, ["Cy"])
    assert verify(made, master).looks == 3


def test_a_plain_backup_comes_back_encrypted(path: Path, plain: list[Embedding]) -> None:
    made = backup(path, path.parents[1] / "usb", keep=None, now=NOW).path
    encrypt(path, master)
    restored = restore(made, path, force=False, now=NOW, master=master)
    assert (restored.looks, restored.lost, restored.returned) == (15, [], [])
    assert restored.aside
    restored.aside.unlink()
    assert traces(path.parent, plain) == 0
    assert verify(path, master).looks == 15
    assert verify(made, master).looks == 15


def test_a_backup_of_another_encrypted_gallery_or_without_the_key_changes_nothing(
    gallery: Gallery, path: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "other" / "gallery.db"
    with Gallery(elsewhere, MODEL, master=master) as stranger:
        stranger.add("Eve", of_person(9, 1))
    made = backup(elsewhere, tmp_path / "usb", keep=None, now=NOW).path
    with pytest.raises(StoreError, match="was made of another encrypted gallery"):
        restore(made, path, force=True, now=NOW, master=master)
    own = backup(path, tmp_path / "mine", keep=None, now=NOW).path
    with pytest.raises(MasterKeyError, match=r"gallery\.key is not set"):
        restore(own, path, force=True, now=NOW)
    assert names(path) == ["Ada", "Bob"]


def test_what_restoring_kept_aside_can_be_restored(gallery: Gallery, path: Path) -> None:
    made = backup(path, path.parent / "backups", keep=None, now=NOW).path
    gallery.add("Cy", of_person(3, 1))
    aside = restore(made, path, force=True, now=NOW, master=master).aside
    assert aside
    assert restore(aside, path, force=False, now=NOW, master=master).returned == ["Cy"]
    gallery.forget("Ada")
    assert names(path) == ["Bob", "Cy"]


def test_somebody_whom_a_file_kept_aside_alone_holds_can_be_forgotten_too(gallery: Gallery, path: Path) -> None:
    made = backup(path, path.parent / "backups", keep=None, now=NOW).path
    gallery.add("Cy", of_person(3, 1))
    aside = restore(made, path, force=True, now=NOW, master=master).aside
    assert aside
    receipt = gallery.erase("Cy")
    assert (receipt.looks, receipt.keys) == (0, 1)
    with pytest.raises(StoreError, match="nobody called 'Cy'"):
        gallery.erase("Cy")
    assert restore(aside, path, force=False, now=NOW, master=master).still_forgotten == ["Cy"]


def test_two_galleries_backed_up_to_one_folder_keep_their_key_files_apart(gallery: Gallery, path: Path) -> None:
    usb = path.parents[1] / "usb"
    elsewhere = path.parents[1] / "other" / "gallery.db"
    with Gallery(elsewhere, MODEL, master=other) as second:
        second.add("Eve", of_person(9, 1))
    ours, theirs = (backup(file, usb, keep=None, now=NOW).path for file in (path, elsewhere))
    assert verify(ours, master).people == 2
    assert verify(theirs, other).people == 1


def test_a_backup_needs_no_master_key_and_a_folder_is_noted_once(gallery: Gallery, path: Path) -> None:
    for day in range(3):
        backup(path, path.parent / "backups", keep=1, now=NOW + day)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT folder FROM key_copies").fetchall() == [(str(path.parent / "backups"),)]


def test_a_backup_into_the_gallery_s_own_folder_leaves_the_key_file_alone(gallery: Gallery, path: Path) -> None:
    before = keys_of(path).path.read_bytes()
    made = backup(path, path.parent, keep=None, now=NOW).path
    assert keys_of(path).path.read_bytes() == before
    assert verify(made, master).looks == 3

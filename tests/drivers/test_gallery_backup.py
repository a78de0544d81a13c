"""Backups are whole and dated, and rotate without losing the newest."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from edgeface.drivers.durable import replacing
from edgeface.drivers.gallery_backup import backup, backups_in, free_name, plain_copies
from edgeface.drivers.gallery_restore import verify
from edgeface.drivers.store import Gallery
from edgeface.errors import GalleryDamaged, StoreError
from tests.conftest import fill
from tests.drivers.stored import MODEL, NOW, damage, looks, names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "usb" / "backups"


@pytest.fixture
def gallery(gallery: Gallery) -> Gallery:
    """Ada with two looks."""
    gallery.add("Ada", looks(0, 1))
    return gallery


def test_a_backup_of_a_gallery_in_use_holds_all_of_it_in_one_private_file(
    gallery: Gallery, path: Path, folder: Path
) -> None:
    made = backup(path, folder, keep=None, now=NOW)
    assert made.path == folder / "gallery-20251125T080000Z.db"
    assert (made.people, made.looks, made.removed) == (1, 2, [])
    assert list(folder.iterdir()) == [made.path]
    assert made.path.stat().st_mode & 0o777 == 0o600
    gallery.add("Bob", looks(2))
    assert names(made.path) == ["Ada"]
    with Gallery(made.path, MODEL, read_only=True) as copy:
        assert copy.nearest(looks(1)[0], 1)[0][1] == 1.0


def test_a_backup_may_be_made_while_another_process_is_writing(gallery: Gallery, path: Path, folder: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM people")
        assert backup(path, folder, keep=None, now=NOW).people == 1
        writer.execute("ROLLBACK")


@pytest.mark.usefixtures("gallery")
def test_only_the_newest_backups_are_kept_and_nothing_else_is_removed(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for other in ("gallery-before-restore-20251125T080000Z.db", "gallery-holiday.db", "letter.txt"):
        (folder / other).touch()
    made = [backup(path, folder, keep=3, now=NOW + day * 86400).path for day in range(5)]
    assert backups_in(folder) == made[2:]
    assert len(list(folder.iterdir())) == 6


@pytest.mark.usefixtures("gallery")
def test_two_backups_of_one_second_are_two_files(path: Path, folder: Path) -> None:
    made = [backup(path, folder, keep=2, now=NOW).path for _ in range(3)]
    assert made[2].name == "gallery-20251125T080000Z-3.db"
    assert backups_in(folder) == made[1:]


@pytest.mark.usefixtures("gallery")
def test_the_backup_just_made_is_kept_even_when_the_clock_was_set_back(path: Path, folder: Path) -> None:
    newest, older = (backup(path, folder, keep=2, now=NOW - day * 86400).path for day in range(2))
    last = backup(path, folder, keep=2, now=0).path
    assert backups_in(folder) == [last, newest]
    assert not older.exists()


@pytest.mark.usefixtures("gallery")
def test_what_a_killed_backup_left_is_cleared_away(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / ".gallery-20251125T080000Z.db.4711.part").write_bytes(b"half of a gallery")
    made = backup(path, folder, keep=None, now=NOW).path
    assert list(folder.iterdir()) == [made]


@pytest.mark.usefixtures("gallery")
def test_a_damaged_gallery_pushes_no_good_backup_out(gallery: Gallery, path: Path, folder: Path) -> None:
    good = backup(path, folder, keep=1, now=NOW).path
    gallery.close()
    damage(path)
    with pytest.raises(GalleryDamaged):
        backup(path, folder, keep=1, now=NOW + 86400)
    assert list(folder.iterdir()) == [good]
    verify(good)


def test_a_full_disk_leaves_the_older_backups_and_no_half_one(gallery: Gallery, path: Path, small_disk: Path) -> None:
    folder = small_disk / "backups"
    good = backup(path, folder, keep=1, now=NOW).path
    fill(small_disk)
    with pytest.raises(StoreError, match=r"the disk is full|No space left"):
        backup(path, folder, keep=1, now=NOW + 86400)
    assert list(folder.iterdir()) == [good]
    verify(good)


def test_without_a_gallery_there_is_nothing_to_back_up(path: Path, folder: Path) -> None:
    with pytest.raises(StoreError, match="there is no gallery at"):
        backup(path, folder, keep=1, now=NOW)
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("gallery")
def test_a_folder_that_is_none_is_named(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"backups cannot be kept in .*file: "):
        backup(path, tmp_path / "file", keep=1, now=NOW)


def test_a_draft_that_fails_is_removed_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as draft:
        draft.write_text("half")
        _ = 1 / 0
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("x", "old")]


def test_a_free_name_is_never_a_file_that_is_there(tmp_path: Path) -> None:
    for expected in ("x-20251125T080000Z.db", "x-20251125T080000Z-2.db", "x-20251125T080000Z-3.db"):
        path = free_name(tmp_path, "x", NOW)
        assert path.name == expected
        path.touch()


def test_a_folder_that_may_not_be_entered_hides_no_other_plain_copy(
    open_folder: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    path, locked = open_folder / "gallery.db", open_folder / "locked"
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0))
    aside = backup(path, open_folder, keep=None, now=NOW).path.rename(
        open_folder / "gallery-damaged-20251125T080000Z.db"
    )
    hidden = backup(path, locked / "backups", keep=None, now=NOW).path
    assert plain_copies(path, locked / "backups") == [aside, hidden]
    locked.chmod(0)
    try:
        with as_nobody():
            assert plain_copies(path, locked / "backups") == [aside]
    finally:
        locked.chmod(0o700)

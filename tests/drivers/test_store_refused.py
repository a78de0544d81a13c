"""What cannot be used as a gallery is named: full disks, forbidden folders, locked and damaged files."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from edgeface.drivers import gallery_file
from edgeface.drivers.store import Gallery
from edgeface.errors import StoreError
from tests.conftest import fill
from tests.drivers.stored import MODEL, SIZE, looks


def test_a_gallery_that_stays_locked_is_named_locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeface.drivers.gallery_file.BUSY_SECONDS", 0.1)
    with Gallery(path, MODEL) as gallery, Gallery(path, MODEL) as other:
        other.add("Bob", looks(1))
        other._open.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process"):
            gallery.add("Ada", looks(0))
        other._open.execute("ROLLBACK")
        gallery.add("Ada", looks(0))


# Files that cannot be used.


def _full(gallery: Gallery) -> None:
    (pages,) = gallery._open.execute("PRAGMA page_count").fetchone()
    gallery._open.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_named_and_leaves_nothing_half_done(gallery: Gallery) -> None:
    gallery.add("Ada", looks(0))
    _full(gallery)
    with pytest.raises(StoreError, match="cannot be written: the disk is full"):
        gallery.add("Bob", looks(1) * 2000)
    assert [person.identity.name for person in gallery.people()] == ["Ada"]
    assert gallery.nearest(looks(0)[0], 1)[0][0].name == "Ada"


def test_a_really_full_disk_is_named_too(small_disk: Path) -> None:
    with Gallery(small_disk / "gallery.db", MODEL) as gallery:
        gallery.add("Ada", looks(0))
        fill(small_disk)
        with pytest.raises(StoreError, match="the disk is full"):
            gallery.add("Bob", looks(1) * 2000)
        with pytest.raises(StoreError, match="the disk is full"):
            gallery.check_writable()
        assert [person.identity.name for person in gallery.people()] == ["Ada"]


def test_a_reader_cannot_write(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Bob", looks(1))
    with Gallery(path, MODEL, read_only=True) as gallery:
        for refused in (lambda: gallery.add("Ada", looks(0)), gallery.check_writable):
            with pytest.raises(StoreError, match="is read-only"):
                refused()


def test_a_read_only_file_is_named_when_written(
    open_folder: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    path = open_folder / "gallery.db"
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0))
    path.chmod(0o444)
    open_folder.chmod(0o777)
    with as_nobody(), Gallery(path, MODEL) as gallery, pytest.raises(StoreError, match="is read-only"):
        gallery.add("Bob", looks(1))


def test_a_gallery_in_a_read_only_folder_is_still_searched(
    open_folder: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    path = open_folder / "gallery.db"
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0))
    path.chmod(0o444)
    open_folder.chmod(0o555)
    with as_nobody(), Gallery(path, MODEL, read_only=True) as gallery:
        assert gallery.nearest(looks(0)[0], 1)[0][0].name == "Ada"
    with as_nobody(), pytest.raises(StoreError, match=r"cannot be opened|is read-only"):
        Gallery(path, MODEL)
    open_folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_holds_no_new_gallery(
    open_folder: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    with as_nobody(), pytest.raises(StoreError, match="cannot be opened: Permission denied"):
        Gallery(open_folder / "new" / "gallery.db", MODEL)


def test_a_missing_gallery_is_not_made_by_a_reader(path: Path) -> None:
    with pytest.raises(StoreError, match="there is no gallery at") as caught:
        Gallery(path, MODEL, read_only=True)
    assert "edgeface enroll" in caught.value.hint
    assert not path.exists()


def test_a_folder_is_no_gallery(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        Gallery(tmp_path, MODEL)


@pytest.mark.parametrize("read_only", [True, False])
def test_another_kind_of_file_is_no_gallery(path: Path, read_only: bool) -> None:
    path.write_text("these are not the faces you are looking for" * 100)
    with pytest.raises(StoreError, match="is not a gallery"):
        Gallery(path, MODEL, read_only=read_only)


def test_a_damaged_gallery_is_named_damaged(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0) * 500)
    content = bytearray(path.read_bytes())
    content[4096 * 6 : 4096 * 9] = b"\xa5" * (4096 * 3)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged") as caught:
        Gallery(path, MODEL)
    assert "backup" in caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_vector_cut_short_is_damage(gallery: Gallery) -> None:
    gallery.add("Ada", looks(0))
    gallery._open.execute("UPDATE templates SET vector = x'000000'")
    gallery._matrix = None
    with pytest.raises(StoreError, match="a stored vector is incomplete"):
        gallery.nearest(looks(0)[0], 1)


def test_vectors_of_two_sizes_are_damage(gallery: Gallery) -> None:
    gallery.add("Ada", looks(0, 1))
    gallery._open.execute("UPDATE templates SET vector = x'00000000' WHERE id = 1")
    gallery._matrix = None
    with pytest.raises(StoreError, match="differ in size"):
        gallery.nearest(looks(0)[0], 1)


def test_a_future_schema_asks_for_an_upgrade(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0))
        gallery._open.execute("INSERT INTO migrations VALUES (70, 0)")
    known = len(gallery_file.MIGRATIONS)
    with pytest.raises(StoreError, match=f"has schema 70, this edgeface knows {known}") as caught:
        Gallery(path, MODEL)
    assert "upgrade" in caught.value.hint


def test_another_program_s_database_is_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="database of another program"):
        Gallery(path, MODEL)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_gallery(path: Path) -> None:
    path.touch()
    with pytest.raises(StoreError, match="is empty"):
        Gallery(path, MODEL, read_only=True)
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE people SET enrolled_at = 'yesterday'", "people holds values of the wrong kind"),
        ("UPDATE people SET enrolled_at = 1e300", "people holds values of the wrong kind"),
        ("UPDATE people SET name = x'ff00'", "people holds values of the wrong kind"),
        ("UPDATE templates SET vector = 'text'", "templates holds values of the wrong kind"),
        ("UPDATE templates SET created_at = -1", "templates holds values of the wrong kind"),
        ("UPDATE templates SET person_id = 99", "a look belongs to nobody"),
        ("DROP TABLE migrations", "is damaged: its tables are not those of edgeface"),
        ("DELETE FROM migrations", "is damaged: its tables are not those of edgeface"),
        ("CREATE VIEW more AS SELECT * FROM people", "is damaged: its tables are not those of edgeface"),
        ("DROP INDEX templates_of_person", "is damaged: its tables are not those of edgeface"),
    ],
)
def test_a_gallery_that_somebody_else_has_changed_is_damage_and_no_bug(path: Path, change: str, message: str) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0))
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()
    for read_only in (True, False):
        with pytest.raises(StoreError, match=message) as caught:
            Gallery(path, MODEL, read_only=read_only)
        assert caught.value.hint


def test_a_stored_vector_that_is_not_of_numbers_is_damage(gallery: Gallery, path: Path) -> None:
    gallery.add("Ada", looks(0))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE templates SET vector = ?", (np.full(SIZE, np.nan, "<f4").tobytes(),))
    connection.close()
    with pytest.raises(StoreError, match="is damaged: a stored vector is not of numbers"):
        gallery.nearest(looks(0)[0], 1)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_pipe_is_not_waited_for_and_an_impossible_path_is_named(tmp_path: Path, read_only: bool) -> None:
    pipe = tmp_path / "pipe.db"
    os.mkfifo(pipe)
    for path, message in (
        (pipe, "is not a file"),
        (tmp_path / ("x" * 300), "cannot be opened: File name too long"),
        (pipe / "gallery.db", "cannot be opened: Not a directory"),
        (tmp_path / "a\0b", "cannot be opened: .*embedded null"),
    ):
        with pytest.raises(StoreError, match=message):
            Gallery(path, MODEL, read_only=read_only)

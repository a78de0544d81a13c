"""A backup is verified and comes back without losing what is there."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edgeface.core.types import Embedding
from edgeface.drivers import gallery_file
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_restore import restore, verify
from edgeface.drivers.store import Gallery
from edgeface.errors import GalleryDamaged, StoreError
from tests.bench.fuzz.seeds import TRAPS
from tests.drivers.stored import MODEL, NOW, damage, looks, names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "usb" / "backups"


@pytest.fixture
def gallery(gallery: Gallery) -> Gallery:
    """Ada with two looks."""
    gallery.add("Ada", looks(0, 1))
    return gallery


# Verify.


def test_a_whole_gallery_is_described(gallery: Gallery, path: Path) -> None:
    found = verify(path)
    assert (found.people, found.looks, found.schema, found.models) == (1, 2, len(gallery_file.MIGRATIONS), [MODEL])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE templates SET vector = x'000000'", "a stored vector is incomplete"),
        ("UPDATE templates SET vector = zeroblob(32)", "a look at Ada is not of unit length"),
        ("UPDATE templates SET person_id = 7", "a look belongs to nobody"),
        ("UPDATE people SET enrolled_at = 'x'", "people holds values of the wrong kind"),
    ],
)
def test_verify_finds_what_nobody_has_written(gallery: Gallery, path: Path, change: str, message: str) -> None:
    gallery.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(GalleryDamaged, match=message):
        verify(path)


def test_verify_finds_an_index_that_lacks_a_row(gallery: Gallery, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA writable_schema = ON")
        other.execute("UPDATE sqlite_master SET sql = sql || ' WHERE id < 0' WHERE name = 'templates_of_person'")
        other.execute("PRAGMA writable_schema = RESET")
        other.execute("DELETE FROM templates")
        other.execute("REINDEX")
        other.execute("INSERT INTO templates SELECT NULL, id, zeroblob(8), '', '', 0, NULL FROM people")
        other.execute("PRAGMA writable_schema = ON")
        other.execute(
            "UPDATE sqlite_master SET sql = replace(sql, ' WHERE id < 0', '') WHERE name = 'templates_of_person'"
        )
    gallery.close()
    with pytest.raises(GalleryDamaged, match="templates_of_person"):
        verify(path)


@pytest.mark.parametrize("trap", TRAPS)
def test_a_backup_that_holds_code_is_refused_before_any_of_it_runs(gallery: Gallery, path: Path, trap: str) -> None:
    gallery.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.executescript(trap)
    with pytest.raises(GalleryDamaged, match="its tables are not those of edgeface"):
        verify(path)
    with pytest.raises(GalleryDamaged, match="its tables are not those of edgeface"):
        restore(path, path.parent / "other.db", force=True, now=NOW)
    assert not (path.parent / "other.db").exists()


def test_verify_reads_the_newest_enrolment_and_changes_nothing(gallery: Gallery, path: Path) -> None:
    before = {file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")}
    assert before["gallery.db-wal"]
    assert verify(path).looks == 2
    assert {name: (path.parent / name).read_bytes() for name in before} == before


# Restore.


def test_a_lost_gallery_comes_back(gallery: Gallery, path: Path, folder: Path) -> None:
    made = backup(path, folder, keep=None, now=NOW).path
    gallery.close()
    path.unlink()
    restored = restore(made, path, force=False, now=NOW)
    assert (restored.people, restored.looks, restored.lost, restored.aside) == (1, 2, [], None)
    assert names(path) == ["Ada"]
    with Gallery(path, MODEL) as again:
        assert again.add("Bob", looks(2)).id == 2


def test_newer_looks_are_not_overwritten_without_force_and_are_kept_aside_with_it(
    gallery: Gallery, path: Path, folder: Path
) -> None:
    made = backup(path, folder, keep=None, now=NOW).path
    gallery.add("Bob", looks(2))
    gallery.add("Ada", looks(3))
    with pytest.raises(StoreError, match=r"has looks that backup .* lacks: of Ada, Bob") as caught:
        restore(made, path, force=False, now=NOW)
    assert "--force" in caught.value.hint
    assert [file.name for file in path.parent.glob("*.db")] == ["gallery.db"]
    restored = restore(made, path, force=True, now=NOW)
    assert restored.lost == ["Ada", "Bob"]
    assert restored.aside == path.with_name("gallery-before-restore-20251125T080000Z.db")
    assert verify(restored.aside).looks == 4
    assert [person.looks for person in gallery.people()] == [2]  # who has it open sees the change
    again = restore(restored.aside, path, force=False, now=NOW)
    assert (again.lost, again.returned) == ([], ["Ada", "Bob"])
    assert [person.looks for person in gallery.people()] == [3, 1]


def test_who_was_forgotten_since_is_named_and_an_id_is_still_not_given_twice(
    gallery: Gallery, path: Path, folder: Path
) -> None:
    bob = gallery.add("Bob", looks(2))
    made = backup(path, folder, keep=None, now=NOW).path
    gallery.forget("Bob")
    carol = gallery.add("Carol", looks(3))
    gallery.forget("Carol")
    restored = restore(made, path, force=False, now=NOW)
    assert restored.returned == ["Bob"]
    assert gallery.nearest(looks(2)[0], 1) == [(bob, 1.0)]
    assert gallery.add("Dan", looks(4)).id > carol.id


def test_a_damaged_gallery_is_moved_aside_whole(gallery: Gallery, path: Path, folder: Path) -> None:
    made = backup(path, folder, keep=None, now=NOW).path
    gallery.close()
    damage(path)
    broken = path.read_bytes()
    restored = restore(made, path, force=False, now=NOW)
    assert restored.aside == path.with_name("gallery-damaged-20251125T080000Z.db")
    assert restored.aside.read_bytes() == broken
    assert names(path) == ["Ada"]


def test_a_damaged_backup_changes_nothing(gallery: Gallery, path: Path, folder: Path) -> None:
    made = backup(path, folder, keep=None, now=NOW).path
    damage(made)
    with pytest.raises(GalleryDamaged):
        restore(made, path, force=True, now=NOW)
    assert names(path) == ["Ada"]
    assert [file.name for file in path.parent.glob("*.db")] == ["gallery.db"]


def test_a_file_that_is_no_gallery_is_neither_restored_nor_moved_aside(
    gallery: Gallery, path: Path, folder: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.db"
    text.write_text("milk, bread, eggs\n" * 99)
    with pytest.raises(StoreError, match=r"text.db is not a gallery"):
        restore(text, path, force=True, now=NOW)
    made = backup(path, folder, keep=None, now=NOW).path
    with pytest.raises(StoreError, match=r"text.db is not a gallery"):
        restore(made, text, force=True, now=NOW)
    assert text.is_file()


def test_a_locked_gallery_is_not_taken_for_a_damaged_one(
    gallery: Gallery, path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery_file, "BUSY_SECONDS", 0.05)
    made = backup(path, folder, keep=None, now=NOW).path
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            restore(made, path, force=True, now=NOW)
    assert [file.name for file in path.parent.glob("*.db")] == ["gallery.db"]


def test_a_missing_backup_and_the_gallery_itself_are_refused(gallery: Gallery, path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no backup at"):
        restore(tmp_path / "nowhere.db", path, force=False, now=NOW)
    link = tmp_path / "link.db"
    os.link(path, link)
    with pytest.raises(StoreError, match="is the gallery itself"):
        restore(link, path, force=False, now=NOW)


def test_a_backup_of_an_older_schema_is_restored_and_stays_as_it_is(
    gallery: Gallery, path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backup(path, folder, keep=None, now=NOW).path
    gallery.close()
    content = made.read_bytes()
    later = (*gallery_file.MIGRATIONS, ("ALTER TABLE people ADD COLUMN note TEXT NOT NULL DEFAULT ''",))
    monkeypatch.setattr(gallery_file, "MIGRATIONS", later)
    assert backup(path, folder, keep=None, now=NOW).people == 1  # a timer need not wait for a writer
    assert restore(made, path, force=False, now=NOW).people == 1
    assert verify(path).schema == len(later)
    assert verify(made).schema == len(later) - 1
    assert made.read_bytes() == content


def test_a_restored_gallery_holds_no_trace_of_what_it_held(gallery: Gallery, path: Path, folder: Path) -> None:
    made = backup(path, folder, keep=None, now=NOW).path
    marked = np.frombuffer(b"find this vector" * 2, np.float32)
    gallery.add("Bob", [Embedding(marked, MODEL)])
    aside = restore(made, path, force=True, now=NOW).aside
    assert aside
    holders = [file for file in path.parent.iterdir() if b"find this vector" in file.read_bytes()]
    assert holders == [aside]

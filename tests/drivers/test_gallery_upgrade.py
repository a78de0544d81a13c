"""A gallery of the first release is brought up to date, with all that was in it."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from edgeface.drivers import gallery_file
from edgeface.drivers.gallery_restore import restore, verify
from edgeface.drivers.gallery_upgrade import migrate_file, upgrade
from edgeface.drivers.store import Gallery
from edgeface.errors import GalleryDamaged, StoreError
from tests.drivers.stored import MODEL, in_a_child, of_person


def make_old(path: Path) -> None:
    """Write a gallery as the first release did: Ada with two looks."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in gallery_file.MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("INSERT INTO migrations VALUES (1, 0)")
        connection.execute("INSERT INTO people VALUES (7, 'Ada', 1000.0)")
        rows = [(look.vector.astype("<f4").tobytes(), MODEL) for look in of_person(1, 2)]
        connection.executemany("INSERT INTO templates VALUES (NULL, 7, ?, ?, 'photo', 1000.0)", rows)
        connection.commit()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "gallery.db"
    make_old(path)
    return path


def test_who_only_reads_finds_it_up_to_date_and_whole(path: Path) -> None:
    with pytest.raises(StoreError, match="is of an older schema"):
        Gallery(path, MODEL, read_only=True)
    for _ in range(2):
        upgrade(path)
        with Gallery(path, MODEL, read_only=True) as gallery:
            [(who, cosine)] = gallery.nearest(of_person(1, 1)[0], 5)
            assert (who.id, who.name, cosine) == (7, "Ada", pytest.approx(1, abs=1e-6))
            assert (gallery.consents(), list(gallery.expiries())) == ({}, [7])
    assert verify(path).schema == len(gallery_file.MIGRATIONS)


def test_an_old_backup_is_verified_as_it_is_and_restored_up_to_date(path: Path, tmp_path: Path) -> None:
    assert (verify(path).schema, verify(path).looks) == (1, 2)
    new = tmp_path / "new.db"
    assert restore(path, new, force=False, now=2000.0).looks == 2
    assert verify(new).schema == len(gallery_file.MIGRATIONS)
    assert verify(path).schema == 1


def test_one_that_cannot_be_written_is_left_as_it_is(
    open_folder: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    path = open_folder / "gallery.db"
    make_old(path)
    before = path.read_bytes()
    path.chmod(0o444)
    with as_nobody():
        upgrade(path)
    assert path.read_bytes() == before


def test_it_says_which_schema_it_was_and_a_second_time_changes_nothing(path: Path) -> None:
    newest = len(gallery_file.MIGRATIONS)
    assert migrate_file(path) == (1, newest)
    with closing(sqlite3.connect(path)) as connection:
        recorded = connection.execute("SELECT number, applied_at FROM migrations").fetchall()
    assert [number for number, _ in recorded] == list(range(1, newest + 1))
    assert recorded[0][1] == 0  # what was recorded stays
    assert migrate_file(path) == (newest, newest)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT number, applied_at FROM migrations").fetchall() == recorded


def test_a_damaged_one_is_left_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE templates SET person_id = 99 WHERE id = 1")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(GalleryDamaged, match="a look belongs to nobody"):
        migrate_file(path)
    assert path.read_bytes() == before


MOMENTS = (
    *("BEGIN IMMEDIATE", "CREATE TABLE encryption", "ALTER TABLE people", "CREATE TRIGGER", "CREATE TABLE unknowns"),
    *("INSERT INTO migrations", "COMMIT", "PRAGMA journal_mode", "PRAGMA wal_checkpoint"),
)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_in_the_middle_leaves_the_old_or_the_new_with_all_that_was_in_it(path: Path, moment: str) -> None:
    script = f"""
from edgeface.drivers import gallery_file
gallery.close()
path = path.with_name("gallery.db")
careful = gallery_file._connect
def kill(statement):
    if statement.startswith({moment!r}):
        os.kill(os.getpid(), signal.SIGKILL)
def spied(path, options):
    connection = careful(path, options)
    connection.set_trace_callback(kill)
    return connection
gallery_file._connect = spied
gallery_file.open_gallery(path, read_only=False)
"""
    assert in_a_child(path.with_name("another.db"), script).returncode == -9
    old, newest = verify(path), len(gallery_file.MIGRATIONS)
    assert old.schema == (newest if moment.startswith("PRAGMA") else 1)
    assert (old.people, old.looks) == (1, 2)
    with Gallery(path, MODEL) as gallery:
        assert [template.embedding.vector.tobytes() for template in gallery.templates()] == [
            look.vector.tobytes() for look in of_person(1, 2)
        ]
    assert verify(path).schema == newest


def test_a_missing_one_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no gallery"):
        upgrade(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_who_only_reads_takes_back_what_a_power_cut_left_of_a_new_gallery(tmp_path: Path) -> None:
    half, left = tmp_path / "half.db", tmp_path / "left.db"
    with closing(sqlite3.connect(half, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN")
        writer.execute("CREATE TABLE x (y)")
        writer.executemany("INSERT INTO x VALUES (?)", [(bytes(4000),)] * 20)  # reaches the file before the commit
        for end in ("", "-journal"):
            left.with_name(left.name + end).write_bytes(half.with_name(half.name + end).read_bytes())
    assert left.stat().st_size > 4096
    with pytest.raises(StoreError, match=r"left\.db is empty"):
        verify(left)
    assert left.stat().st_size == 0
    with Gallery(left, MODEL) as gallery:
        assert gallery.people() == []

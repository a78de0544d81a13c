"""The gallery keeps people across processes, kills and full disks, and never mixes models."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from edgeface.core.types import Embedding, Identity
from edgeface.drivers import gallery_file
from edgeface.drivers.store import Gallery
from edgeface.errors import ConfigError, EmbeddingMismatch, StoreError
from tests.conftest import fill

MODEL = "ab" * 32
OTHER_MODEL = "cd" * 32
SIZE = 8

CHILD = """
import os, signal, sys
from pathlib import Path
import numpy as np
from edgeface.core.types import Embedding
from edgeface.drivers.store import Gallery
path, model = Path(sys.argv[1]), sys.argv[2]
vectors = np.eye(8, dtype=np.float32)
gallery = Gallery(path, model)
"""


def _looks(*rows: int, model: str = MODEL, size: int = SIZE) -> list[Embedding]:
    return [Embedding(np.eye(size, dtype=np.float32)[row], model) for row in rows]


def _in_a_child(path: Path, script: str, *, wait: bool = True) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD + script, str(path), MODEL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if wait:
        child.communicate(timeout=30)
    return child


def _all_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    with Gallery(path, MODEL, clock=lambda: 1000.0) as opened:
        yield opened


def test_an_empty_gallery_knows_nobody(gallery: Gallery) -> None:
    assert gallery.people() == []
    assert gallery.templates() == []
    assert gallery.nearest(_looks(0)[0], 5) == []


def test_the_enrolled_are_still_there_after_reopening(path: Path) -> None:
    with Gallery(path, MODEL, clock=lambda: 1000.0) as gallery:
        ada = gallery.add("Ada", _looks(0, 1), source="ada.jpg")
    with Gallery(path, MODEL, read_only=True) as gallery:
        (person,) = gallery.people()
        assert (person.identity, person.looks, person.enrolled, person.model) == (ada, 2, 1000.0, MODEL)
        first, second = gallery.templates()
        assert (first.identity, first.source, first.created) == (ada, "ada.jpg", 1000.0)
        assert second.embedding.vector.tolist() == np.eye(SIZE)[1].tolist()
        assert second.embedding.vector.dtype == np.float32


def test_the_nearest_is_each_person_s_best_look(gallery: Gallery) -> None:
    random = np.random.default_rng(3)
    vectors = random.normal(size=(40, SIZE)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owners = random.integers(0, 6, 40)
    for vector, owner in zip(vectors, owners, strict=True):
        gallery.add(f"person {owner}", [Embedding(vector, MODEL)])
    query = vectors[0]
    oracle = {
        f"person {owner}": max(float(v @ query) for v, o in zip(vectors, owners, strict=True) if o == owner)
        for owner in set(owners.tolist())
    }
    expected = sorted(oracle.items(), key=lambda pair: -pair[1])
    found = gallery.nearest(Embedding(query, MODEL), 10)
    assert [identity.name for identity, _ in found] == [name for name, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-6)
    assert gallery.nearest(Embedding(query, MODEL), 2) == found[:2]
    assert gallery.nearest(Embedding(query, MODEL), 0) == []


def test_another_photo_adds_to_the_same_person(gallery: Gallery) -> None:
    first = gallery.add("Ada", _looks(0))
    assert gallery.add("  Ada ", _looks(1)) == first
    assert [person.looks for person in gallery.people()] == [2]


def test_names_differ_by_case_and_are_listed_in_order(gallery: Gallery) -> None:
    for row, name in enumerate(["bob", "Ada", "ada", "Zoë"]):
        gallery.add(name, _looks(row))
    assert [person.identity.name for person in gallery.people()] == ["Ada", "ada", "bob", "Zoë"]


def test_an_impossible_name_is_refused_and_stores_nothing(gallery: Gallery) -> None:
    with pytest.raises(ConfigError):
        gallery.add("\n", _looks(0))
    assert gallery.people() == []


def test_forgetting_removes_a_person_and_reports_the_looks(gallery: Gallery) -> None:
    gallery.add("Ada", _looks(0, 1, 2))
    gallery.add("Bob", _looks(3))
    assert gallery.forget("Ada") == 3
    assert [identity.name for identity, _ in gallery.nearest(_looks(0)[0], 5)] == ["Bob"]


def test_a_forgotten_vector_is_nowhere_in_the_files(gallery: Gallery, path: Path) -> None:
    marked = np.frombuffer(b"find this vector" * 2, np.float32)
    gallery.add("Ada", [Embedding(marked, MODEL)])
    assert b"find this vector" in _all_bytes(path.parent)
    gallery.forget("Ada")
    assert b"find this vector" not in _all_bytes(path.parent)


def test_an_id_is_never_given_to_another_person(gallery: Gallery) -> None:
    first = gallery.add("Ada", _looks(0))
    gallery.forget("Ada")
    assert gallery.add("Bob", _looks(0)).id > first.id


def test_forgetting_a_stranger_suggests_whom_was_meant(gallery: Gallery) -> None:
    gallery.add("Ada Lovelace", _looks(0))
    with pytest.raises(StoreError, match="nobody called 'ada lovelac'") as caught:
        gallery.forget("ada lovelac")
    assert caught.value.hint == "did you mean 'Ada Lovelace'?"
    with pytest.raises(StoreError) as caught:
        gallery.forget("Grace")
    assert "edgeface list" in caught.value.hint


def test_only_the_owner_may_read_the_files(gallery: Gallery, path: Path) -> None:
    gallery.add("Ada", _looks(0))
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert set(modes) >= {"gallery.db", "gallery.db-wal"}
    assert set(modes.values()) == {0o600}


def test_missing_folders_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "edge face?#%" / "gallery.db"
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", _looks(0))
    assert path.is_file()
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_repr_says_open_or_closed_and_closing_twice_is_fine(path: Path) -> None:
    gallery = Gallery(path, MODEL)
    assert repr(gallery).endswith("open)")
    gallery.close()
    gallery.close()
    assert repr(gallery).endswith("closed)")
    with pytest.raises(ValueError, match="was closed"):
        gallery.people()


# No file before somebody is in it.


def test_who_only_looks_makes_no_file(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        assert gallery.people() == []
        assert gallery.nearest(_looks(0)[0], 1) == []
        with pytest.raises(StoreError, match="nobody called"):
            gallery.forget("Ada")
        gallery.check_writable()
    assert list(path.parent.iterdir()) == []


def test_a_refused_first_enrolment_leaves_no_file(path: Path) -> None:
    for refused in (
        _looks(0, model=OTHER_MODEL),
        [Embedding(np.full(SIZE, np.nan, np.float32), MODEL)],
        [*_looks(0), *_looks(0, size=4)],
    ):
        with Gallery(path, MODEL) as gallery, pytest.raises(EmbeddingMismatch):
            gallery.add("Ada", refused)
    assert list(path.parent.iterdir()) == []


def test_a_gallery_that_another_process_makes_meanwhile_is_found(path: Path) -> None:
    with Gallery(path, MODEL) as early, Gallery(path, MODEL) as second:
        assert early.nearest(_looks(0)[0], 1) == []
        assert _in_a_child(path, "gallery.add('Ada', [Embedding(vectors[0], model)])").returncode == 0
        assert early.nearest(_looks(0)[0], 1) == [(Identity(1, "Ada"), 1.0)]
        second.add("Bob", _looks(1))
        assert [person.identity.name for person in early.people()] == ["Ada", "Bob"]


# Durability and the schema.


def test_a_writer_waits_for_the_disk_and_every_connection_overwrites_what_it_deletes(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", _looks(0))
        wanted = {"journal_mode": "wal", "synchronous": 3, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 5000}
        found = {name: gallery._open.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
    assert found == wanted


def test_an_older_schema_is_brought_up_to_date_once_and_recorded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", _looks(0))
    later = (*gallery_file.MIGRATIONS, ("ALTER TABLE people ADD COLUMN note TEXT NOT NULL DEFAULT ''",))
    monkeypatch.setattr(gallery_file, "MIGRATIONS", later)
    with pytest.raises(StoreError, match="is of an older schema"):
        Gallery(path, MODEL, read_only=True)
    numbers = [(number,) for number in range(1, len(later) + 1)]
    for _ in range(2):
        with Gallery(path, MODEL) as gallery:
            assert [person.identity.name for person in gallery.people()] == ["Ada"]
            assert gallery._open.execute("SELECT number FROM migrations").fetchall() == numbers


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", _looks(0))
    broken = (*gallery_file.MIGRATIONS, ("ALTER TABLE people ADD COLUMN note TEXT", "ALTER TABLE nowhere ADD x"))
    monkeypatch.setattr(gallery_file, "MIGRATIONS", broken)
    with pytest.raises(StoreError, match="nowhere"):
        Gallery(path, MODEL)
    monkeypatch.undo()
    with Gallery(path, MODEL) as gallery:
        assert "note" not in [row[1] for row in gallery._open.execute("PRAGMA table_info(people)")]
        assert [person.identity.name for person in gallery.people()] == ["Ada"]


# Models are never mixed.


def test_a_gallery_of_another_model_is_listed_but_not_searched(path: Path) -> None:
    with Gallery(path, OTHER_MODEL) as gallery:
        gallery.add("Ada", _looks(0, model=OTHER_MODEL))
    with Gallery(path, MODEL) as gallery:
        assert [person.model for person in gallery.people()] == [OTHER_MODEL]
        for refused in (lambda: gallery.nearest(_looks(0)[0], 1), lambda: gallery.add("Bob", _looks(0))):
            with pytest.raises(EmbeddingMismatch, match=r"made with model cdcd\S+, this one is abab") as caught:
                refused()
            assert "--model" in caught.value.hint
        assert gallery.forget("Ada") == 1
        gallery.add("Ada", _looks(0))


def test_a_vector_of_another_model_is_refused_even_by_an_empty_gallery(gallery: Gallery) -> None:
    with pytest.raises(EmbeddingMismatch, match="opened for model"):
        gallery.nearest(_looks(0, model=OTHER_MODEL)[0], 1)


def test_a_vector_of_another_size_or_with_holes_is_refused(gallery: Gallery) -> None:
    gallery.add("Ada", _looks(0))
    with pytest.raises(EmbeddingMismatch, match="must be 8 finite values"):
        gallery.nearest(_looks(0, size=4)[0], 1)
    with pytest.raises(EmbeddingMismatch, match="finite"):
        gallery.add("Bob", [*_looks(0), Embedding(np.full(SIZE, np.nan, np.float32), MODEL)])
    assert [person.identity.name for person in gallery.people()] == ["Ada"]


# Two processes, and a kill.


def test_an_enrolment_by_another_process_is_seen_without_reopening(gallery: Gallery, path: Path) -> None:
    gallery.add("Ada", _looks(0))
    with Gallery(path, MODEL, read_only=True) as reader:
        assert len(reader.nearest(_looks(1)[0], 5)) == 1
        child = _in_a_child(path, "gallery.add('Bob', [Embedding(vectors[1], model)])")
        assert child.returncode == 0
        for index in (reader, gallery):
            assert index.nearest(_looks(1)[0], 5)[0] == (Identity(2, "Bob"), 1.0)


def test_a_person_forgotten_by_another_process_is_not_found_again(gallery: Gallery, path: Path) -> None:
    gallery.add("Ada", _looks(0))
    assert gallery.nearest(_looks(0)[0], 1)
    assert _in_a_child(path, "gallery.forget('Ada')").returncode == 0
    assert gallery.nearest(_looks(0)[0], 1) == []


@pytest.mark.parametrize("moment", ["INSERT INTO people", "INSERT INTO templates", "COMMIT"])
def test_a_kill_in_the_middle_of_an_enrolment_leaves_nothing_half_done(path: Path, moment: str) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", _looks(0))
    script = f"""
def kill(statement):
    if statement.startswith({moment!r}):
        os.kill(os.getpid(), signal.SIGKILL)
gallery._open.set_trace_callback(kill)
gallery.add("Bob", [Embedding(vector, model) for vector in vectors])
"""
    assert _in_a_child(path, script).returncode == -9
    with Gallery(path, MODEL) as gallery:
        assert [(person.identity.name, person.looks) for person in gallery.people()] == [("Ada", 1)]
        gallery.add("Bob", _looks(1))


def test_two_processes_enrol_at_once_without_losing_anybody(path: Path) -> None:
    script = """
for number in range(15):
    gallery.add(f"{os.getpid()} {number}", [Embedding(vectors[number % 8], model)])
"""
    children = [_in_a_child(path, script, wait=False) for _ in range(3)]
    for child in children:
        _, complaint = child.communicate(timeout=30)
        assert child.returncode == 0, complaint
    with Gallery(path, MODEL, read_only=True) as gallery:
        assert len(gallery.people()) == 45


def test_a_reader_beside_a_writer_never_sees_half_an_enrolment(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", _looks(0, 1, 2))
    script = """
for number in range(40):
    gallery.add(f"{number}", [Embedding(vector, model) for vector in vectors[:3]])
    if number % 2:
        gallery.forget(f"{number}")
"""
    child = _in_a_child(path, script, wait=False)
    with Gallery(path, MODEL, read_only=True) as reader:
        seen = set()
        while child.poll() is None:
            seen |= {person.looks for person in reader.people()}
            assert reader.nearest(_looks(0)[0], 1)[0] == (Identity(1, "Ada"), 1.0)
        _, complaint = child.communicate(timeout=30)
        assert child.returncode == 0, complaint
        assert seen == {3}
        assert len(reader.people()) == 21


def test_a_gallery_that_stays_locked_is_named_locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeface.drivers.gallery_file.BUSY_SECONDS", 0.1)
    with Gallery(path, MODEL) as gallery, Gallery(path, MODEL) as other:
        other.add("Bob", _looks(1))
        other._open.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process"):
            gallery.add("Ada", _looks(0))
        other._open.execute("ROLLBACK")
        gallery.add("Ada", _looks(0))


# Files that cannot be used.


def _full(gallery: Gallery) -> None:
    (pages,) = gallery._open.execute("PRAGMA page_count").fetchone()
    gallery._open.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_named_and_leaves_nothing_half_done(gallery: Gallery) -> None:
    gallery.add("Ada", _looks(0))
    _full(gallery)
    with pytest.raises(StoreError, match="cannot be written: the disk is full"):
        gallery.add("Bob", _looks(1) * 2000)
    assert [person.identity.name for person in gallery.people()] == ["Ada"]
    assert gallery.nearest(_looks(0)[0], 1)[0][0].name == "Ada"


def test_a_really_full_disk_is_named_too(small_disk: Path) -> None:
    with Gallery(small_disk / "gallery.db", MODEL) as gallery:
        gallery.add("Ada", _looks(0))
        fill(small_disk)
        with pytest.raises(StoreError, match="the disk is full"):
            gallery.add("Bob", _looks(1) * 2000)
        with pytest.raises(StoreError, match="the disk is full"):
            gallery.check_writable()
        assert [person.identity.name for person in gallery.people()] == ["Ada"]


def test_a_reader_cannot_write(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Bob", _looks(1))
    with Gallery(path, MODEL, read_only=True) as gallery:
        for refused in (lambda: gallery.add("Ada", _looks(0)), gallery.check_writable):
            with pytest.raises(StoreError, match="is read-only"):
                refused()


def test_a_read_only_file_is_named_when_written(
    open_folder: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    path = open_folder / "gallery.db"
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", _looks(0))
    path.chmod(0o444)
    open_folder.chmod(0o777)
    with as_nobody(), Gallery(path, MODEL) as gallery, pytest.raises(StoreError, match="is read-only"):
        gallery.add("Bob", _looks(1))


def test_a_gallery_in_a_read_only_folder_is_still_searched(
    open_folder: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    path = open_folder / "gallery.db"
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", _looks(0))
    path.chmod(0o444)
    open_folder.chmod(0o555)
    with as_nobody(), Gallery(path, MODEL, read_only=True) as gallery:
        assert gallery.nearest(_looks(0)[0], 1)[0][0].name == "Ada"
    with as_nobody(), pytest.raises(StoreError, match=r"cannot be opened|is read-only"):
        Gallery(path, MODEL)
    open_folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_holds_no_new_gallery(
    open_folder: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    with as_nobody(), pytest.raises(StoreError, match="cannot be opened: Permission denied"):
        Gallery(open_folder / "new" / "gallery.db", MODEL)


def test_a_writable_gallery_passes_the_check(gallery: Gallery) -> None:
    gallery.check_writable()


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
        gallery.add("Ada", _looks(0) * 500)
    content = bytearray(path.read_bytes())
    content[4096 * 6 : 4096 * 9] = b"\xa5" * (4096 * 3)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged") as caught:
        Gallery(path, MODEL)
    assert "backup" in caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_vector_cut_short_is_damage(gallery: Gallery) -> None:
    gallery.add("Ada", _looks(0))
    gallery._open.execute("UPDATE templates SET vector = x'000000'")
    gallery._matrix = None
    with pytest.raises(StoreError, match="a stored vector is incomplete"):
        gallery.nearest(_looks(0)[0], 1)


def test_vectors_of_two_sizes_are_damage(gallery: Gallery) -> None:
    gallery.add("Ada", _looks(0, 1))
    gallery._open.execute("UPDATE templates SET vector = x'00000000' WHERE id = 1")
    gallery._matrix = None
    with pytest.raises(StoreError, match="differ in size"):
        gallery.nearest(_looks(0)[0], 1)


def test_a_future_schema_asks_for_an_upgrade(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", _looks(0))
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
        gallery.add("Ada", _looks(0))


def test_two_processes_create_the_gallery_at_once(path: Path) -> None:
    script = "gallery.add(f'{os.getpid()}', [Embedding(vectors[0], model)])"
    children = [_in_a_child(path, script, wait=False) for _ in range(4)]
    for child in children:
        _, complaint = child.communicate(timeout=30)
        assert child.returncode == 0, complaint
    with Gallery(path, MODEL, read_only=True) as gallery:
        assert len(gallery.people()) == 4


def test_an_embedding_is_needed(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match="no embedding"):
        gallery.add("Ada", [])


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
        gallery.add("Ada", _looks(0))
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()
    for read_only in (True, False):
        with pytest.raises(StoreError, match=message) as caught:
            Gallery(path, MODEL, read_only=read_only)
        assert caught.value.hint


def test_a_stored_vector_that_is_not_of_numbers_is_damage(gallery: Gallery, path: Path) -> None:
    gallery.add("Ada", _looks(0))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE templates SET vector = ?", (np.full(SIZE, np.nan, "<f4").tobytes(),))
    connection.close()
    with pytest.raises(StoreError, match="is damaged: a stored vector is not of numbers"):
        gallery.nearest(_looks(0)[0], 1)


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

"""The gallery keeps people across processes, kills and new schemas."""

from pathlib import Path

import pytest

from edgeface.core.types import Identity
from edgeface.drivers import gallery_file
from edgeface.drivers.store import Gallery
from edgeface.errors import StoreError
from tests.drivers.stored import MODEL, in_a_child, looks

# Durability and the schema.


def test_a_writer_waits_for_the_disk_and_every_connection_overwrites_what_it_deletes(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0))
        wanted = {"journal_mode": "wal", "synchronous": 3, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 5000}
        found = {name: gallery._open.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
    assert found == wanted


def test_an_older_schema_is_brought_up_to_date_once_and_recorded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0))
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
        gallery.add("Ada", looks(0))
    broken = (*gallery_file.MIGRATIONS, ("ALTER TABLE people ADD COLUMN note TEXT", "ALTER TABLE nowhere ADD x"))
    monkeypatch.setattr(gallery_file, "MIGRATIONS", broken)
    with pytest.raises(StoreError, match="nowhere"):
        Gallery(path, MODEL)
    monkeypatch.undo()
    with Gallery(path, MODEL) as gallery:
        assert "note" not in [row[1] for row in gallery._open.execute("PRAGMA table_info(people)")]
        assert [person.identity.name for person in gallery.people()] == ["Ada"]


# Two processes, and a kill.


def test_an_enrolment_by_another_process_is_seen_without_reopening(gallery: Gallery, path: Path) -> None:
    gallery.add("Ada", looks(0))
    with Gallery(path, MODEL, read_only=True) as reader:
        assert len(reader.nearest(looks(1)[0], 5)) == 1
        child = in_a_child(path, "gallery.add('Bob', [Embedding(vectors[1], model)])")
        assert child.returncode == 0
        for index in (reader, gallery):
            assert index.nearest(looks(1)[0], 5)[0] == (Identity(2, "Bob"), 1.0)


def test_a_person_forgotten_by_another_process_is_not_found_again(gallery: Gallery, path: Path) -> None:
    gallery.add("Ada", looks(0))
    assert gallery.nearest(looks(0)[0], 1)
    assert in_a_child(path, "gallery.forget('Ada')").returncode == 0
    assert gallery.nearest(looks(0)[0], 1) == []


@pytest.mark.parametrize("moment", ["INSERT INTO people", "INSERT INTO templates", "COMMIT"])
def test_a_kill_in_the_middle_of_an_enrolment_leaves_nothing_half_done(path: Path, moment: str) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0))
    script = f"""
def kill(statement):
    if statement.startswith({moment!r}):
        os.kill(os.getpid(), signal.SIGKILL)
gallery._open.set_trace_callback(kill)
gallery.add("Bob", [Embedding(vector, model) for vector in vectors])
"""
    assert in_a_child(path, script).returncode == -9
    with Gallery(path, MODEL) as gallery:
        assert [(person.identity.name, person.looks) for person in gallery.people()] == [("Ada", 1)]
        gallery.add("Bob", looks(1))


def test_two_processes_enrol_at_once_without_losing_anybody(path: Path) -> None:
    script = """
for number in range(15):
    gallery.add(f"{os.getpid()} {number}", [Embedding(vectors[number % 8], model)])
"""
    children = [in_a_child(path, script, wait=False) for _ in range(3)]
    for child in children:
        _, complaint = child.communicate(timeout=30)
        assert child.returncode == 0, complaint
    with Gallery(path, MODEL, read_only=True) as gallery:
        assert len(gallery.people()) == 45


def test_a_reader_beside_a_writer_never_sees_half_an_enrolment(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0, 1, 2))
    script = """
for number in range(40):
    gallery.add(f"{number}", [Embedding(vector, model) for vector in vectors[:3]])
    if number % 2:
        gallery.forget(f"{number}")
"""
    child = in_a_child(path, script, wait=False)
    with Gallery(path, MODEL, read_only=True) as reader:
        seen = set()
        while child.poll() is None:
            seen |= {person.looks for person in reader.people()}
            assert reader.nearest(looks(0)[0], 1)[0] == (Identity(1, "Ada"), 1.0)
        _, complaint = child.communicate(timeout=30)
        assert child.returncode == 0, complaint
        assert seen == {3}
        assert len(reader.people()) == 21


def test_two_processes_create_the_gallery_at_once(path: Path) -> None:
    script = "gallery.add(f'{os.getpid()}', [Embedding(vectors[0], model)])"
    children = [in_a_child(path, script, wait=False) for _ in range(4)]
    for child in children:
        _, complaint = child.communicate(timeout=30)
        assert child.returncode == 0, complaint
    with Gallery(path, MODEL, read_only=True) as gallery:
        assert len(gallery.people()) == 4

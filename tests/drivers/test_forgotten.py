"""What is forgotten leaves no bytes in the gallery's files; where it does remain is known."""

import logging
from pathlib import Path

import numpy as np
import pytest

from edgeface.core.types import Embedding
from edgeface.drivers import gallery_file
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_transfer import import_people
from edgeface.drivers.parcel import pack
from edgeface.drivers.sealed import seal
from edgeface.drivers.store import Gallery
from tests.drivers.stored import MODEL, in_a_child, of_person, traces


def test_the_scan_finds_a_vector_at_any_offset(tmp_path: Path) -> None:
    looks = of_person(1, 1, size=4)
    for offset in range(9):
        (tmp_path / "x").write_bytes(b"\xff" * offset + looks[0].vector.tobytes() + b"\xff")
        assert traces(tmp_path, looks) == 2


@pytest.mark.parametrize("size", [16, 128, 512, 1200])
def test_no_part_of_a_forgotten_template_remains_however_the_pages_were_filled(path: Path, size: int) -> None:
    random = np.random.default_rng(size)
    there: dict[int, list[Embedding]] = {}
    gone: list[Embedding] = []
    with Gallery(path, MODEL) as gallery, Gallery(path, MODEL) as daemon:
        for seed in range(36):
            there[seed] = of_person(seed, int(random.integers(1, 6)), size)
            gallery.add(f"person {seed}", there[seed])
            daemon.people()
            if len(there) > 8:
                forgotten = int(random.choice(list(there)))
                gallery.forget(f"person {forgotten}")
                gone = (gone + there.pop(forgotten))[-20:]
            if gone and seed % 5 == 4:
                assert traces(path.parent, gone) == 0
        assert traces(path.parent, [look for looks in there.values() for look in looks]) > 0
    assert traces(path.parent, gone) == 0


def test_the_file_shrinks(gallery: Gallery, path: Path) -> None:
    gallery.add("Bob", of_person(2, 1))
    before = path.stat().st_size
    gallery.add("Ada", of_person(1, 60))
    gallery._open.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size > before
    gallery.forget("Ada")
    assert path.stat().st_size == before


def test_the_name_is_gone_too(gallery: Gallery, path: Path) -> None:
    gallery.add("Rumpelstiltskin", of_person(1, 2))
    gallery.forget("Rumpelstiltskin")
    assert not any(b"Rumpelstiltskin" in file.read_bytes() for file in path.parent.iterdir())


@pytest.mark.parametrize("moment", ["wal_checkpoint", "COMMIT"])
def test_a_killed_forgetting_is_finished_by_the_next_writer(gallery: Gallery, path: Path, moment: str) -> None:
    looks = of_person(1, 3)
    gallery.add("Ada", looks)
    gallery.add("Bob", of_person(2, 1))
    script = f"""
seen = []
def kill(statement):
    if {moment!r} in statement:
        os.kill(os.getpid(), signal.SIGKILL)
gallery._open.set_trace_callback(kill)
gallery.forget("Ada")
"""
    assert in_a_child(path, script).returncode == -9
    if moment == "wal_checkpoint":
        assert [person.identity.name for person in gallery.people()] == ["Bob"]
        assert traces(path.parent, looks) > 0
    with Gallery(path, MODEL) as again:
        if moment == "COMMIT":
            again.forget("Ada")
        assert traces(path.parent, looks) == 0


def test_who_keeps_reading_is_told_of_and_the_next_writer_erases_the_rest(
    gallery: Gallery, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks = of_person(1, 3)
    gallery.add("Ada", looks)
    monkeypatch.setattr(gallery_file, "BUSY_SECONDS", 0.05)
    with Gallery(path, MODEL) as writer, Gallery(path, MODEL, read_only=True) as reader:
        reader._open.execute("BEGIN")
        reader.people()
        with caplog.at_level(logging.WARNING):
            assert writer.forget("Ada") == 3
        assert "Ada is forgotten, but another process keeps reading" in caplog.text
        assert traces(path.parent, looks) > 0
        reader._open.execute("COMMIT")
    Gallery(path, MODEL).close()
    assert traces(path.parent, looks) == 0


def test_a_replaced_person_s_old_looks_are_gone_too(gallery: Gallery, path: Path, tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="the extra secure is not installed")
    old, new = of_person(1, 2), of_person(2, 1)
    gallery.add("Ada", new)
    sent, words = tmp_path / "sent" / "ada.people", "correct horse battery staple"
    sent.parent.mkdir()
    seal(sent, pack(gallery.people(), gallery.templates(), MODEL), words)
    gallery.forget("Ada")
    gallery.add("Ada", old)
    import_people(sent, words, path, model=MODEL, rule="replace")
    assert traces(path.parent, old) == 0
    assert traces(path.parent, new) > 0


def test_an_older_backup_keeps_the_forgotten_until_it_is_rotated_away(gallery: Gallery, path: Path) -> None:
    looks = of_person(1, 2)
    gallery.add("Ada", looks)
    folder = path.parent / "backups"
    backup(path, folder, keep=1, now=0)
    gallery.forget("Ada")
    assert traces(path.parent, looks) == 0
    assert traces(folder, looks) > 0
    backup(path, folder, keep=1, now=86400)
    assert traces(folder, looks) == 0

"""A slice of the crash bench: kills and power cuts lose nothing, and the bench would see it if they did."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from edgeface.drivers.gallery_file import MIGRATIONS
from edgeface.drivers.gallery_restore import verify
from edgeface.drivers.store import Gallery
from tests.bench.cuts import Disk, Platter
from tests.bench.kills import Killing
from tests.bench.operations import MODEL, OTHER, Operation, choose, digest, perform
from tests.bench.oracle import Findings
from tests.bench.recorder import Entry, _library

ADA, BOB = Operation("enrol", "Ada", 1, 2), Operation("enrol", "Bob", 2, 1)
CARELESS = """
import sys
from edgeface.drivers import gallery_connection

careful = gallery_connection.open_gallery

def careless(path, *, read_only):
    connection = careful(path, read_only=read_only)
    connection.execute("PRAGMA {pragma}")
    return connection

gallery_connection.open_gallery = careless
from tests.bench.crash import main
main()
"""


CARELESS_KEYS = """
import os
from edgeface.drivers import keyring

class Careless:
    def __getattr__(self, name):
        return getattr(os, name)

    def {function}

keyring.os = Careless()
from tests.bench.crash import main
main()
"""
IN_TWO_STEPS = """
from edgeface.drivers.unknowns import PREFIX, Unknowns

def name(self, number, name):
    identity = self._gallery.add(name, self.looks_of(number), source=f"{PREFIX}{number}")
    self.forget(number)
    return identity

Unknowns.name = name
from tests.bench.crash import main
main()
"""
STEP_BY_STEP = """
from contextlib import nullcontext
from edgeface.drivers import gallery_file
from tests.bench.crash import main

gallery_file.transaction = nullcontext  # of migrations alone: the others have theirs by now
main()
"""
NO_SYNC = "fsync(self, descriptor): pass"
NO_ZEROS = "pwrite(self, descriptor, content, place): return any(content) and os.pwrite(descriptor, content, place)"


def shared_sqlite() -> bool:
    try:
        return bool(_library())
    except (RuntimeError, OSError):
        return False


needs_vfs = pytest.mark.skipif(not shared_sqlite(), reason="this Python's sqlite3 has SQLite built in")


def bench(*arguments: str, pragma: str = "", keys: str = "", script: str = "") -> dict[str, int]:
    code = ["-c", CARELESS.format(pragma=pragma)] if pragma else ["-m", "tests.bench.crash"]
    code = ["-c", CARELESS_KEYS.format(function=keys)] if keys else code
    code = ["-c", script] if script else code
    done = subprocess.run(
        [sys.executable, *code, *arguments, "--seed", "7"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    faults = sum(result[kind] for kind in ("lost", "resurrected", "corrupt", "traces"))
    assert (done.returncode, bool(done.stderr)) == ((1, True) if faults else (0, False)), done.stderr
    return result


def test_no_kill_loses_half_does_or_brings_back_anything() -> None:
    result = bench("--kills", "25", "--cuts", "0")
    assert result["acknowledged"] > 0
    assert result["lost"] == result["resurrected"] == result["corrupt"] == result["traces"] == 0


def test_no_kill_does_so_to_an_encrypted_gallery() -> None:
    pytest.importorskip("cryptography", reason="the extra secure is not installed")
    result = bench("--kills", "25", "--cuts", "0", "--encrypted")
    assert result["acknowledged"] > 0
    assert result["lost"] == result["resurrected"] == result["corrupt"] == result["traces"] == 0


@needs_vfs
def test_no_power_cut_does_either() -> None:
    result = bench("--kills", "0", "--cuts", "40")
    assert result["acknowledged"] > 40
    assert result["lost"] == result["resurrected"] == result["corrupt"] == 0


@needs_vfs
def test_no_power_cut_does_so_to_an_encrypted_gallery_its_key_file_or_its_master_key() -> None:
    pytest.importorskip("cryptography", reason="the extra secure is not installed")
    result = bench("--kills", "0", "--cuts", "20", "--encrypted")
    assert result["acknowledged"] > 20
    assert result["lost"] == result["resurrected"] == result["corrupt"] == result["traces"] == 0


@needs_vfs
@pytest.mark.parametrize(("keys", "fault"), [(NO_SYNC, "corrupt"), (NO_ZEROS, "traces")], ids=["sync", "overwriting"])
def test_a_key_file_that_is_written_without_care_is_found_out(keys: str, fault: str) -> None:
    pytest.importorskip("cryptography", reason="the extra secure is not installed")
    assert bench("--kills", "0", "--cuts", "20", "--encrypted", keys=keys)[fault] > 0


@needs_vfs
@pytest.mark.parametrize(("pragma", "fault"), [("synchronous = OFF", "corrupt"), ("synchronous = NORMAL", "lost")])
def test_a_gallery_that_does_not_wait_for_the_disk_is_found_out(pragma: str, fault: str) -> None:
    assert bench("--kills", "0", "--cuts", "40", pragma=pragma)[fault] > 0


@needs_vfs
def test_a_naming_in_two_steps_is_found_out() -> None:
    assert bench("--kills", "0", "--cuts", "60", script=IN_TWO_STEPS)["corrupt"] > 0


@needs_vfs
def test_a_migration_that_is_not_done_in_one_step_is_found_out() -> None:
    assert bench("--kills", "0", "--cuts", "60", script=STEP_BY_STEP)["corrupt"] > 0


@pytest.mark.parametrize(("secure_delete", "traces"), [("ON", 0), ("OFF", 1)])
def test_a_forgetting_that_overwrites_nothing_is_found_out(tmp_path: Path, secure_delete: str, traces: int) -> None:
    killing = Killing(tmp_path, Findings(), enrolments={"Ada": [ADA], "Bob": [BOB]})
    with Gallery(killing.path, MODEL) as gallery:
        gallery.add("Ada", ADA.embeddings())
        gallery.add("Bob", BOB.embeddings())
        gallery._open.execute(f"PRAGMA secure_delete = {secure_delete}")
        gallery._open.execute("DELETE FROM people WHERE name = 'Ada'")  # forget would write the file anew as well
        gallery._open.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    killing.check_traces(["Ada"], "here")
    assert killing.findings.traces == traces


# The judge and the disk.


def judged(path: Path, before: list[Operation], pending: Operation | None) -> tuple[int, int, int]:
    findings = Findings()
    state = {}
    for asked in before:
        state = asked.apply(state)
    findings.judge(path, state, pending, "here")
    return findings.lost, findings.resurrected, findings.corrupt


def test_the_judge_tells_whole_lost_resurrected_and_half_apart(tmp_path: Path) -> None:
    path = tmp_path / "gallery.db"
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", ADA.embeddings())
    assert judged(path, [ADA], None) == (0, 0, 0)
    assert judged(path, [ADA], BOB) == (0, 0, 0)
    assert judged(path, [], ADA) == (0, 0, 0)
    assert judged(path, [ADA], Operation("forget", "Ada")) == (0, 0, 0)
    assert judged(path, [ADA, BOB], None) == (1, 0, 0)
    assert judged(path, [], None) == (0, 1, 0)
    assert judged(path, [], Operation("enrol", "Ada", 1, 5)) == (0, 0, 1)
    path.write_bytes(b"not SQLite" * 999)
    assert judged(path, [ADA], None) == (0, 0, 1)


def test_a_crash_before_the_first_file_is_no_fault_and_one_that_loses_it_is(tmp_path: Path) -> None:
    assert judged(tmp_path / "gallery.db", [], None) == judged(tmp_path / "gallery.db", [], ADA) == (0, 0, 0)
    assert judged(tmp_path / "gallery.db", [ADA], None) == (1, 0, 0)


STRANGER = Operation("remember", "", 3, 2)


def test_the_judge_knows_who_is_remembered_how_often_they_came_and_who_is_ignored(tmp_path: Path) -> None:
    path, handle = tmp_path / "gallery.db", STRANGER.handle
    come, ignore, name = (STRANGER.of(handle, kind, "Eve") for kind in ("come", "ignore", "name"))
    lose, expire = STRANGER.of(handle, "lose"), Operation("expire")
    with Gallery(path, MODEL) as gallery:
        for asked in (ADA, STRANGER, come):
            perform(gallery, path, asked, (MODEL, OTHER), both=False)
        assert judged(path, [ADA, STRANGER, come], None) == (0, 0, 0)
        assert judged(path, [ADA, STRANGER], come) == (0, 0, 0)
        for going_on in (ignore, name, lose, expire):
            assert judged(path, [ADA, STRANGER, come], going_on) == (0, 0, 0)
        assert judged(path, [ADA, STRANGER, come, come], None) == (1, 0, 0)
        assert judged(path, [ADA, STRANGER, come, ignore], None) == (1, 0, 0)
        assert judged(path, [ADA, STRANGER, come, lose], None)[1] == 1
        assert judged(path, [ADA, STRANGER, come, name], None) == (1, 1, 0)
        perform(gallery, path, name, (MODEL, OTHER), both=False)
        assert judged(path, [ADA, STRANGER, come], name) == judged(path, [ADA, STRANGER, come, name], None) == (0, 0, 0)
        assert judged(path, [ADA, STRANGER, come], None) == (1, 1, 0)
        perform(gallery, path, Operation("upgrade"), (MODEL, OTHER), both=False)
    assert judged(path, [ADA, STRANGER, come, name, Operation("upgrade")], None) == (0, 0, 0)


def test_the_judge_knows_that_a_migration_keeps_everybody_but_those_who_could_not_be_remembered(tmp_path: Path) -> None:
    path, migrate = tmp_path / "gallery.db", Operation("migrate")
    with Gallery(path, MODEL) as gallery:
        for asked in (ADA, STRANGER, migrate):
            perform(gallery, path, asked, (MODEL, OTHER), both=False)
        assert verify(path).schema == len(MIGRATIONS)
    assert judged(path, [ADA, STRANGER, migrate], None) == judged(path, [ADA, STRANGER], migrate) == (0, 0, 0)
    assert judged(path, [ADA, STRANGER], None) == (1, 0, 0)
    assert judged(path, [ADA, BOB, migrate], None) == (1, 0, 0)


def test_of_an_expiry_that_was_cut_short_some_may_be_gone_but_nobody_who_is_ignored(tmp_path: Path) -> None:
    path, other = tmp_path / "gallery.db", Operation("remember", "", 4, 1)
    ignore, lose = other.of(other.handle, "ignore"), STRANGER.of(STRANGER.handle, "lose")
    third = Operation("remember", "", 5, 1)
    with Gallery(path, MODEL) as gallery:
        for asked in (STRANGER, other, third, ignore, lose):
            perform(gallery, path, asked, (MODEL, OTHER), both=False)
        assert judged(path, [STRANGER, other, third, ignore], Operation("expire")) == (0, 0, 0)
        perform(gallery, path, other.of(other.handle, "lose"), (MODEL, OTHER), both=False)
    assert judged(path, [STRANGER, other, third, ignore], Operation("expire")) == (1, 0, 0)


def test_a_state_knows_every_look_and_choices_are_possible() -> None:
    state = ADA.apply({})
    assert state == {"Ada": Counter(map(digest, ADA.embeddings()))}
    assert Operation.parse(str(ADA)) == ADA
    random = Random(3)
    for _ in range(200):
        state = choose(random, state).apply(state)
    assert 0 < len(state) < 100


def test_what_was_synced_survives_any_cut_and_the_rest_may_be_missing_or_torn() -> None:
    disk = Disk({"db": Platter()})
    disk.do(Entry("write", "db", 0, b"a" * 1024))
    disk.do(Entry("sync", "db"))
    disk.do(Entry("write", "db", 1024, b"b" * 1024))
    left = {disk.after_a_cut(Random(seed))["db"] for seed in range(50)}
    assert left == {b"a" * 1024 + b"b" * size for size in (0, 512, 1024)}


def test_a_renamed_file_is_the_old_one_or_the_new_one_until_the_folder_is_synced() -> None:
    disk = Disk({"keys": Platter(b"old")})
    for entry in (Entry("open", "keys", 1), Entry("create", "draft"), Entry("open", "draft", 2)):
        disk.do(entry)
    for entry in (Entry("write", "#2", 0, b"new"), Entry("fsync", "#2"), Entry("rename", "draft", 0, b"keys")):
        disk.do(entry)
    left = [disk.after_a_cut(Random(seed)) for seed in range(50)]
    assert {files["keys"] for files in left} == {b"old", b"new"}
    assert all(files.get("draft") in (None, b"new") for files in left)
    assert disk.nameless() == []
    for entry in (Entry("folder", ""), Entry("write", "#1", 0, b"\0\0\0"), Entry("fsync", "#1")):
        disk.do(entry)
    assert [disk.after_a_cut(Random(seed)) for seed in range(20)] == [{"keys": b"new"}] * 20
    assert disk.nameless() == [bytes(3)]


def test_a_deleted_file_may_be_back_until_the_folder_is_synced() -> None:
    disk = Disk({"db": Platter()})
    for entry in (Entry("create", "wal"), Entry("write", "wal", 0, b"x"), Entry("sync", "wal"), Entry("delete", "wal")):
        disk.do(entry)
    assert {len(disk.after_a_cut(Random(seed))) for seed in range(20)} == {1, 2}
    disk.do(Entry("create", "journal"))
    disk.do(Entry("sync", "journal"))
    assert {tuple(sorted(disk.after_a_cut(Random(seed)))) for seed in range(20)} == {("db", "journal")}

"""Who is forgotten by an encrypted gallery cannot be read from older backups either, even with the master key."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from edgeface.core.types import Embedding
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_encrypt import rotate
from edgeface.drivers.gallery_restore import restore, verify
from edgeface.drivers.keyring import Keyring, keyring_path, label_of, read_keyring
from edgeface.drivers.store import Gallery
from edgeface.errors import MasterKeyError
from tests.drivers.conftest import RawDisk
from tests.drivers.locked import keys_of, master, other
from tests.drivers.stored import MODEL, NOW, in_a_child, of_person, windows

pytest.importorskip("cryptography", reason="the extra secure is not installed")

CHILD_WITH_KEY = "gallery._master = lambda salt: b'm' * 32\n"


def runs_of(content: bytes) -> np.ndarray:
    """Return the runs of 8 bytes that make up some bytes."""
    return np.frombuffer(content[: len(content) // 8 * 8], "<u8")


def plain_runs(looks: Iterable[Embedding]) -> np.ndarray:
    return np.concatenate([runs_of(look.vector.astype("<f4").tobytes()) for look in looks])


def key_runs(ring: Keyring, name: str) -> np.ndarray:
    """Return the runs of somebody's wrapped keys, without which nobody can open what was sealed for them."""
    return np.concatenate([runs_of(k.wrapped) for k in ring.live.values() if k.label == label_of(ring.id, name)])


def sealed_runs(gallery: Gallery, name: str) -> np.ndarray:
    query = "SELECT t.vector FROM templates t JOIN people p ON p.id = t.person_id WHERE p.name = ?"
    return np.concatenate([runs_of(vector) for (vector,) in gallery._open.execute(query, (name,))])


def found(runs: np.ndarray, *contents: bytes) -> int:
    return sum(int(np.isin(runs, windows(content)).sum()) for content in contents)


def everything(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


def test_the_key_is_gone_from_the_key_file_and_from_that_of_the_backups_that_still_hold_the_rows(path: Path) -> None:
    usb = path.parents[1] / "usb"
    with Gallery(path, MODEL, master=master) as gallery:
        gallery.add("Ada", of_person(1, 3))
        gallery.add("Bob", of_person(2, 1))
        for folder in (path.parent / "backups", usb):
            old = backup(path, folder, keep=None, now=NOW).path
        sealed, keys = sealed_runs(gallery, "Ada"), key_runs(keys_of(path), "Ada")
        assert found(keys, *everything(path.parents[1])) == 3 * len(keys)
        receipt = gallery.erase("Ada")
    assert (receipt.looks, receipt.keys, receipt.spread.unreached) == (3, 1, [])
    assert len(receipt.spread.reached) == 3
    files = everything(path.parents[1])
    assert found(sealed, *files) == 2 * len(sealed)  # the older backups hold what nobody can open
    assert found(keys, *files) == 0
    assert found(plain_runs(of_person(1, 3)), *files) == 0
    assert found(sealed, path.read_bytes()) == 0
    with Gallery(old, MODEL, read_only=True, master=master) as opened:
        assert [template.identity.name for template in opened.templates()] == ["Bob"]
    assert restore(old, path, force=False, now=NOW, master=master).still_forgotten == ["Ada"]


def test_no_byte_of_the_disk_opens_what_was_sealed_for_the_forgotten(raw_disk: RawDisk) -> None:
    path = raw_disk.folder / "state" / "gallery.db"
    looks = of_person(1, 3)
    with Gallery(path, MODEL, master=master) as gallery:
        for seed in range(8):
            gallery.add(f"p{seed}", of_person(seed, 3))
            backup(path, path.parent / "backups", keep=2, now=NOW + seed)
        sealed, keys = sealed_runs(gallery, "p1"), key_runs(keys_of(path), "p1")
        before = raw_disk.content()
        assert found(keys, before) == len(keys)
        assert found(sealed, before) == len(sealed)
        gallery.forget("p1")
        gallery.add("p1", of_person(99, 1))
    after = raw_disk.content()
    assert found(sealed, after) == len(sealed)
    assert found(keys, after) == 0
    assert found(plain_runs(looks), after) == 0
    rotate(path, master, other)
    everybody = np.concatenate([runs_of(key.wrapped) for key in keys_of(path).live.values()])
    content = raw_disk.content()
    assert found(everybody, content) == len(everybody)
    ring = read_keyring(keyring_path(path.parent / "backups", keys_of(path).id))
    assert ring.live.keys() == keys_of(path).live.keys()


def test_after_a_rotation_the_old_master_key_opens_no_byte_of_the_disk(raw_disk: RawDisk) -> None:
    path = raw_disk.folder / "gallery.db"
    with Gallery(path, MODEL, master=master) as gallery:
        gallery.add("Ada", of_person(1, 3))
    backup(path, raw_disk.folder / "backups", keep=None, now=NOW)
    keys = key_runs(keys_of(path), "Ada")
    assert found(keys, raw_disk.content()) == len(keys)
    rotate(path, master, other)
    assert found(keys, raw_disk.content()) == 0


def test_a_plain_gallery_does_leave_bytes_on_the_disk_and_the_scan_finds_them(raw_disk: RawDisk) -> None:
    path = raw_disk.folder / "gallery.db"
    looks = of_person(1, 3)
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks)
        backup(path, raw_disk.folder / "backups", keep=None, now=NOW)
        gallery.forget("Ada")
    assert found(plain_runs(looks), raw_disk.content()) > 0


def test_a_folder_that_was_away_is_named_and_cleared_by_the_next_backup_to_it(path: Path) -> None:
    usb, away = path.parents[1] / "usb", path.parents[1] / "away"
    with Gallery(path, MODEL, master=master) as gallery:
        gallery.add("Ada", of_person(1, 1))
        gallery.add("Bob", of_person(2, 1))
        old = backup(path, usb, keep=None, now=NOW).path
        keys = key_runs(keys_of(path), "Ada")
        usb.rename(away)
        receipt = gallery.erase("Ada")
        assert receipt.spread.unreached == [usb]
        away.rename(usb)
        assert found(keys, *everything(usb)) == len(keys)
        # Even before that the device itself does not take her back.
        assert restore(old, path, force=False, now=NOW, master=master).still_forgotten == ["Ada"]
        backup(path, usb, keep=None, now=NOW + 1)
        assert found(keys, *everything(usb)) == 0


def test_who_comes_back_under_the_same_name_has_another_key(path: Path) -> None:
    with Gallery(path, MODEL, master=master) as gallery:
        gallery.add("Ada", of_person(1, 1))
        old = backup(path, path.parent / "backups", keep=None, now=NOW).path
        gallery.forget("Ada")
        gallery.add("Ada", of_person(5, 1))
        assert verify(old, master).people == 1
        assert verify(path, master).looks == 1
        assert restore(old, path, force=True, now=NOW, master=master).still_forgotten == ["Ada"]
    ring = keys_of(path)
    assert (len(ring.live), len(ring.destroyed)) == (1, 1)


@pytest.mark.parametrize("moment", ["DELETE FROM people", "COMMIT", "VACUUM", "PRAGMA wal_checkpoint"])
def test_a_killed_forgetting_is_finished_by_the_next_who_opens_the_gallery(path: Path, moment: str) -> None:
    with Gallery(path, MODEL, master=master) as gallery:
        gallery.add("Ada", of_person(1, 2))
        gallery.add("Bob", of_person(2, 1))
        keys = key_runs(keys_of(path), "Ada")
        script = f"""
def kill(statement):
    if statement.startswith({moment!r}):
        os.kill(os.getpid(), signal.SIGKILL)
gallery._open.set_trace_callback(kill)
gallery.forget("Ada")
"""
        assert in_a_child(path, CHILD_WITH_KEY + script).returncode == -9
        assert found(keys, *everything(path.parent)) == 0
        assert [identity.name for identity, _ in gallery.nearest(of_person(1, 1)[0], 5)] == ["Bob"]
        gallery.add("Ada", of_person(5, 1))
        assert [person.looks for person in gallery.people()] == [1, 1]
    Gallery(path, MODEL).close()
    assert verify(path, master).looks == 2


def test_a_killed_enrolment_leaves_nobody_and_a_key_of_nobody_at_most(path: Path) -> None:
    with Gallery(path, MODEL, master=master) as gallery:
        gallery.add("Ada", of_person(1, 1, size=8))
    for moment in ("INSERT INTO templates", "COMMIT"):
        script = f"""
def kill(statement):
    if statement.startswith({moment!r}):
        os.kill(os.getpid(), signal.SIGKILL)
gallery._open.set_trace_callback(kill)
gallery.add("Bob", [Embedding(vectors[0], model)])
"""
        assert in_a_child(path, CHILD_WITH_KEY + script).returncode == -9
    with Gallery(path, MODEL, master=master) as gallery:
        assert [person.identity.name for person in gallery.people()] == ["Ada"]
        gallery.add("Bob", of_person(2, 1, size=8))
        assert gallery.erase("Bob").keys >= 1
    assert len(keys_of(path).live) == 1


def test_a_key_file_that_outlived_its_gallery_still_knows_who_is_gone(path: Path) -> None:
    with Gallery(path, MODEL, master=master) as gallery:
        gallery.add("Ada", of_person(1, 1))
        gallery.add("Bob", of_person(2, 1))
        usb = path.parents[1] / "usb"
        old = backup(path, usb, keep=None, now=NOW).path
        shutil.copytree(usb, path.parents[1] / "copy")
        gallery.forget("Ada")
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    restored = restore(path.parents[1] / "copy" / old.name, path, force=False, now=NOW, master=master)
    assert (restored.people, restored.still_forgotten) == (1, ["Ada"])
    with pytest.raises(MasterKeyError):
        verify(path, other)

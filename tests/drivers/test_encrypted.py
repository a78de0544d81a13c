"""An encrypted gallery keeps no vector on the disk, opens with its master key alone, and survives kills."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edgeface.core.types import Embedding
from edgeface.drivers import keyring, sealed
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_encrypt import encrypt, rotate
from edgeface.drivers.gallery_restore import restore, verify
from edgeface.drivers.keyring import keyring_path, read_keyring
from edgeface.drivers.master_key import make_key_file, read_master
from edgeface.drivers.store import Gallery
from edgeface.errors import ConfigError, GalleryDamaged, MasterKeyError, StoreError
from tests.drivers.test_forgotten import MODEL, of_person, traces
from tests.drivers.test_store import _in_a_child

pytest.importorskip("cryptography", reason="the extra secure is not installed")

NOW = 1_764_057_600.0
WORDS = "correct horse battery staple"


def master(_salt: bytes) -> bytes:
    return b"m" * 32


def other(_salt: bytes) -> bytes:
    return b"o" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "gallery.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    """Ada with two looks and Bob with one, encrypted from the start."""
    with Gallery(path, MODEL, master=master) as opened:
        opened.add("Ada", of_person(1, 2))
        opened.add("Bob", of_person(2, 1))
        yield opened


def keys_of(path: Path) -> keyring.Keyring:
    [file] = path.parent.glob("*.keys")
    return read_keyring(file)


def names(path: Path) -> list[str]:
    with Gallery(path, MODEL, read_only=True) as gallery:
        return [person.identity.name for person in gallery.people()]


# Sealing and opening.


def test_no_part_of_a_vector_is_on_the_disk_and_the_search_gives_the_same(gallery: Gallery, path: Path) -> None:
    everybody = of_person(1, 2) + of_person(2, 1)
    assert traces(path.parent, everybody) == 0
    with Gallery(path, MODEL, read_only=True, master=master) as again:
        assert [t.embedding.vector.tobytes() for t in again.templates()] == [e.vector.tobytes() for e in everybody]
        [(who, cosine), _] = again.nearest(everybody[1], 2)
        assert (who.name, cosine) == ("Ada", pytest.approx(1, abs=1e-6))


def test_everybody_has_a_key_of_their_own_in_a_file_of_the_owner_alone(gallery: Gallery, path: Path) -> None:
    ring = keys_of(path)
    assert len(ring.live) == 2
    unwrapped = {ring.unwrap(key_id, master(b"")) for key_id in ring.live}
    assert len(unwrapped) == 2
    content = ring.path.read_bytes()
    assert not any(key in content for key in [*unwrapped, master(b"")])
    assert ring.path.stat().st_mode & 0o777 == 0o600


def test_a_vector_is_aes_256_gcm_under_its_person_s_key_and_bound_to_the_model(gallery: Gallery, path: Path) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    ring = keys_of(path)
    row = "SELECT t.vector, p.key, t.model FROM templates t JOIN people p ON p.id = t.person_id WHERE p.name = 'Bob'"
    stored, key_id, model = gallery._open.execute(row).fetchone()
    slot = ring.path.read_bytes()[ring.live[key_id].place :][: keyring.SLOT.size]
    wrapped = slot[36:96]
    key = AESGCM(b"m" * 32).decrypt(wrapped[:12], wrapped[12:], ring.id + key_id + slot[20:36])
    vector = AESGCM(key).decrypt(stored[:12], stored[12:], b"edgeface template 1\n" + model.encode())
    assert vector == of_person(2, 1)[0].vector.astype("<f4").tobytes()


def test_without_the_key_people_are_listed_and_forgotten_but_not_compared(gallery: Gallery, path: Path) -> None:
    with Gallery(path, MODEL) as keyless:
        assert [person.looks for person in keyless.people()] == [2, 1]
        for refused in (keyless.templates, lambda: keyless.add("Eve", of_person(3, 1))):
            with pytest.raises(MasterKeyError, match=r"is encrypted, and gallery\.key is not set"):
                refused()
        assert keyless.forget("Ada") == 2
    assert [identity.name for identity, _ in gallery.nearest(of_person(1, 1)[0], 5)] == ["Bob"]


def test_another_master_key_opens_nothing(gallery: Gallery, path: Path) -> None:
    with Gallery(path, MODEL, master=other) as wrong:
        for refused in (wrong.templates, lambda: wrong.add("Eve", of_person(3, 1))):
            with pytest.raises(MasterKeyError, match="its master key is another one"):
                refused()
    assert names(path) == ["Ada", "Bob"]


def test_a_plain_gallery_is_not_searched_with_a_key_as_if_it_were_encrypted(path: Path) -> None:
    with Gallery(path, MODEL) as plain:
        plain.add("Ada", of_person(1, 1))
    with Gallery(path, MODEL, master=master) as keyed:
        for refused in (keyed.templates, lambda: keyed.add("Eve", of_person(3, 1))):
            with pytest.raises(MasterKeyError, match="is not encrypted") as caught:
                refused()
        assert caught.value.hint == "`edgeface gallery encrypt`"
    assert list(path.parent.glob("*.keys")) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE templates SET vector = zeroblob(length(vector)) WHERE id = 1",
        "UPDATE templates SET vector = x'00' WHERE id = 1",
        "UPDATE templates SET model = 'cd' WHERE id = 1",
        "UPDATE templates SET vector = (SELECT vector FROM templates WHERE id = 3) WHERE id = 1",
    ],
)
def test_a_changed_a_swapped_and_a_relabelled_vector_are_damage(gallery: Gallery, path: Path, change: str) -> None:
    gallery._open.execute(change)
    with pytest.raises(GalleryDamaged, match="does not decrypt"):
        verify(path, master)


@pytest.mark.parametrize("change", ["key = NULL", "key = x'00'", "key = 'text'"])
def test_somebody_without_a_proper_key_is_damage(gallery: Gallery, path: Path, change: str) -> None:
    gallery._open.execute(f"UPDATE people SET {change} WHERE name = 'Ada'")
    with pytest.raises(GalleryDamaged, match="people holds values of the wrong kind"):
        verify(path, master)


def test_a_changed_slot_and_a_lost_key_file_are_named(gallery: Gallery, path: Path) -> None:
    ring = keys_of(path)
    slot = next(iter(ring.live.values()))
    content = bytearray(ring.path.read_bytes())
    content[slot.place + 50] ^= 1
    ring.path.write_bytes(content)
    with pytest.raises(StoreError, match="a slot was changed"):
        verify(path, master)
    ring.path.write_bytes(b"x" * 600)
    with pytest.raises(StoreError, match="is not a key file"):
        verify(path, master)
    ring.path.unlink()
    with pytest.raises(StoreError, match=r"key file .* is missing") as caught:
        verify(path, master)
    assert "backup" in caught.value.hint
    assert names(path) == ["Ada", "Bob"]


def test_a_slot_that_was_written_in_half_is_not_one_and_the_next_takes_its_place(gallery: Gallery, path: Path) -> None:
    ring = keys_of(path)
    with ring.path.open("ab") as stream:
        stream.write(b"\x01" * 60)
    gallery.add("Cy", of_person(3, 1))
    assert len(keys_of(path).live) == 3
    assert ring.path.stat().st_size == keyring.HEADER.size + 3 * keyring.SLOT.size


def test_what_another_process_enrols_and_forgets_is_seen(gallery: Gallery, path: Path) -> None:
    with Gallery(path, MODEL, read_only=True, master=master) as reader:
        assert len(reader.nearest(of_person(1, 1)[0], 5)) == 2
        gallery.add("Cy", of_person(3, 1))
        assert reader.nearest(of_person(3, 1)[0], 1)[0][0].name == "Cy"
        gallery.forget("Ada")
        assert {identity.name for identity, _ in reader.nearest(of_person(1, 1)[0], 5)} == {"Bob", "Cy"}


# Encrypting what is plain.


@pytest.fixture
def plain(path: Path) -> list[Embedding]:
    with Gallery(path, MODEL) as gallery:
        for seed in range(5):
            gallery.add(f"person {seed}", of_person(seed, 3))
    return [look for seed in range(5) for look in of_person(seed, 3)]


def test_a_plain_gallery_is_encrypted_and_leaves_no_vector_behind(path: Path, plain: list[Embedding]) -> None:
    assert traces(path.parent, plain) > 0
    done = encrypt(path, master)
    assert (done.people, done.looks, done.log_emptied) == (5, 15, True)
    assert traces(path.parent, plain) == 0
    with Gallery(path, MODEL, master=master) as gallery:
        assert [t.embedding.vector.tobytes() for t in gallery.templates()] == [e.vector.tobytes() for e in plain]
    with pytest.raises(StoreError, match="is encrypted already"):
        encrypt(path, master)


def test_who_has_it_open_goes_on_with_the_key_and_is_told_without(path: Path, plain: list[Embedding]) -> None:
    with Gallery(path, MODEL) as early:
        assert early.nearest(plain[0], 1)
        encrypt(path, master)
        with pytest.raises(MasterKeyError, match="is encrypted"):
            early.nearest(plain[0], 1)


@pytest.mark.parametrize("moment", ["INSERT INTO encryption", "UPDATE people", "UPDATE templates", "COMMIT", "VACUUM"])
def test_a_kill_while_it_is_encrypted_leaves_the_old_or_the_new(
    path: Path, plain: list[Embedding], moment: str
) -> None:
    script = f"""
import sqlite3
from edgeface.drivers import gallery_encrypt
careful = gallery_encrypt.open_gallery
def kill(statement):
    if statement.startswith({moment!r}):
        os.kill(os.getpid(), signal.SIGKILL)
def spied(path, *, read_only):
    connection = careful(path, read_only=read_only)
    connection.set_trace_callback(kill)
    return connection
gallery_encrypt.open_gallery = spied
gallery.close()
gallery_encrypt.encrypt(path, lambda salt: b"m" * 32)
"""
    assert _in_a_child(path, script).returncode == -9
    if moment == "VACUUM":
        with pytest.raises(MasterKeyError):
            verify(path)
        Gallery(path, MODEL).close()
        assert traces(path.parent, plain) == 0
    else:
        assert (verify(path).people, verify(path).looks) == (5, 15)
        assert encrypt(path, master).looks == 15
    assert verify(path, master).looks == 15


# The master key.


def test_rotation_wraps_the_same_keys_anew_and_overwrites_the_old_file(gallery: Gallery, path: Path) -> None:
    folder = path.parent / "backups"
    made = backup(path, folder, keep=None, now=NOW).path
    before = keys_of(path)
    kept = [os.open(file, os.O_RDONLY) for file in (before.path, folder / before.path.name)]
    done = rotate(path, master, other)
    assert (done.keys, done.spread.unreached) == (2, [])
    assert done.spread.reached == [before.path, folder / before.path.name]
    for descriptor in kept:
        assert set(os.pread(descriptor, 1 << 16, 0)) == {0}
        os.close(descriptor)
    after = keys_of(path)
    assert after.live.keys() == before.live.keys()
    for key_id in after.live:
        assert after.unwrap(key_id, other(b"")) == before.unwrap(key_id, master(b""))
    for file in (path, made):
        assert verify(file, other).looks == 3
        with pytest.raises(MasterKeyError):
            verify(file, master)
    with pytest.raises(MasterKeyError):
        rotate(path, master, other)


def test_a_plain_gallery_has_no_key_to_rotate(path: Path, plain: list[Embedding]) -> None:
    with pytest.raises(StoreError, match="is not encrypted"):
        rotate(path, master, other)


def test_a_kill_while_keys_are_rotated_leaves_the_old_or_the_new(gallery: Gallery, path: Path) -> None:
    script = """
from edgeface.drivers import durable, gallery_encrypt
gallery.close()
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
gallery_encrypt.rotate(path, lambda salt: b"m" * 32, lambda salt: b"o" * 32)
"""
    assert _in_a_child(path, script).returncode == -9
    assert verify(path, master).looks == 3
    rotate(path, master, other)
    assert verify(path, other).looks == 3


def test_a_key_file_is_made_once_and_must_be_private_and_whole(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "gallery.key"
    setting = f"file:{file}"
    assert make_key_file(setting) == file
    assert (file.stat().st_mode & 0o777, file.stat().st_size) == (0o600, 32)
    assert make_key_file(setting) is None
    give = read_master(setting)
    assert give
    assert give(b"") == file.read_bytes()
    for mode in (0o640, 0o604):
        file.chmod(mode)
        with pytest.raises(MasterKeyError, match=f"may be read by others: its mode is 0{mode:o}") as caught:
            _read(setting)
        assert caught.value.hint == f"chmod 600 {file}"
    file.chmod(0o600)
    for content, said in ((b"x" * 31, "has 31 bytes, 32 are needed"), (b"x" * 40, "has more than 32 bytes")):
        file.write_bytes(content)
        with pytest.raises(MasterKeyError, match=said):
            _read(setting)
    file.unlink()
    with pytest.raises(MasterKeyError, match="cannot be read: No such file"):
        _read(setting)


def _read(setting: str, ask: Callable[[], str] | None = None) -> bytes:
    give = read_master(setting, ask)
    assert give
    return give(b"s" * 16)


def test_a_credential_is_read_whatever_its_mode_and_named_when_it_was_not_passed(tmp_path: Path) -> None:
    file = tmp_path / "gallery"
    file.write_bytes(b"c" * 32)
    file.chmod(0o440)
    assert _read(f"credential:{file}") == b"c" * 32
    with pytest.raises(MasterKeyError, match="credential gallery was not passed to this process"):
        _read("credential:gallery")


def test_a_passphrase_is_asked_for_once_and_scrypt_makes_the_key_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    asked = []

    def ask() -> str:
        asked.append(1)
        return WORDS

    give = read_master("passphrase", ask)
    assert give
    assert asked == []
    wanted = hashlib.scrypt(WORDS.encode(), salt=b"s" * 16, n=2**15, r=8, p=3, dklen=32, maxmem=1 << 26)
    assert give(b"s" * 16) == wanted
    monkeypatch.setattr(sealed, "COST", 2)
    assert give(b"t" * 16) != wanted
    assert asked == [1]


def test_a_passphrase_may_stand_in_a_private_file_and_must_not_be_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "COST", 2)
    file = tmp_path / "words"
    file.write_text(WORDS + "\n")
    file.chmod(0o600)
    assert _read(f"passphrase:{file}") == _read("passphrase", lambda: WORDS)
    file.chmod(0o644)
    with pytest.raises(MasterKeyError, match="may be read by others"):
        _read(f"passphrase:{file}")
    with pytest.raises(ConfigError, match="has 5 characters"):
        _read("passphrase", lambda: "short")
    with pytest.raises(ConfigError, match="nobody to ask"):
        _read("passphrase")


@pytest.mark.parametrize("setting", ["file:", "file", "keyfile:/x", "credential:", "/etc/key"])
def test_another_form_of_the_setting_is_refused_with_those_there_are(setting: str) -> None:
    with pytest.raises(ConfigError, match=r"gallery\.key is") as caught:
        read_master(setting)
    assert '"file:PATH"' in caught.value.hint
    assert read_master("") is None


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


def test_vectors_that_are_compared_are_those_that_were_enrolled(gallery: Gallery) -> None:
    random = np.random.default_rng(5)
    crowd = {f"p{seed}": of_person(seed + 100, int(random.integers(1, 5))) for seed in range(20)}
    for name, looks in crowd.items():
        gallery.add(name, looks)
    query = of_person(107, 1)[0]
    found = {identity.name: cosine for identity, cosine in gallery.nearest(query, 100)}
    for name, looks in crowd.items():
        assert found[name] == pytest.approx(max(float(look.vector @ query.vector) for look in looks), abs=1e-6)

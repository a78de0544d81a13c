"""A master key is made once, kept to oneself, typed as a passphrase, and can be changed."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgeface.core.types import Embedding
from edgeface.drivers import sealed
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_encrypt import rotate
from edgeface.drivers.gallery_restore import verify
from edgeface.drivers.master_key import make_key_file, read_master
from edgeface.drivers.store import Gallery
from edgeface.errors import ConfigError, MasterKeyError, StoreError
from tests.drivers.locked import WORDS, household, keys_of, master, other, write_plain
from tests.drivers.stored import NOW, in_a_child

pytest.importorskip("cryptography", reason="the extra secure is not installed")


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    """Ada with two looks and Bob with one, encrypted from the start."""
    with household(path) as opened:
        yield opened


@pytest.fixture
def plain(path: Path) -> list[Embedding]:
    return write_plain(path)


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
    assert in_a_child(path, script).returncode == -9
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

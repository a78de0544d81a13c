"""A sealed file shows nothing, opens with its passphrase alone, and a changed bit is seen."""

from pathlib import Path

import numpy as np
import pytest

from edgeface.drivers import sealed
from edgeface.drivers.gallery_transfer import import_people
from edgeface.drivers.sealed import seal, unseal
from edgeface.errors import ConfigError, StoreError
from tests.drivers.locked import WORDS, bring_in
from tests.drivers.stored import MODEL

pytest.importorskip("cryptography", reason="the extra secure is not installed")

pytestmark = pytest.mark.usefixtures("cheap_scrypt")


def test_a_sealed_file_is_private_and_shows_nothing(file: Path) -> None:
    content = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    for secret in (b"Ada", MODEL.encode(), b"people", np.eye(8, dtype="<f4")[0].tobytes()):
        assert secret not in content


def test_the_same_content_is_never_sealed_the_same_twice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        seal(tmp_path / name, b"content", WORDS)
    first, second = (tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()
    start = len(sealed.MAGIC)
    assert first[start : start + 28] != second[start : start + 28]
    assert first[start + 28 :] != second[start + 28 :]


def test_the_format_is_aes_256_gcm_under_scrypt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    monkeypatch.undo()
    assert (sealed.COST, sealed.BLOCK, sealed.LANES) == (2**15, 8, 3)
    seal(tmp_path / "x", b"content", "Zoë's twelve")
    content = (tmp_path / "x").read_bytes()
    head, nonce, rest = content[:34], content[34:46], content[46:]
    passphrase = "Zoë's twelve".encode()
    key = hashlib.scrypt(passphrase, salt=head[18:], n=2**15, r=8, p=3, dklen=32, maxmem=1 << 26)
    assert head.startswith(b"edgeface sealed 1\n")
    assert AESGCM(key).decrypt(nonce, rest, head) == b"content"
    assert unseal(tmp_path / "x", "Zoe\u0308's twelve") == b"content"


def test_another_passphrase_does_not_open_it(file: Path, path: Path) -> None:
    with pytest.raises(StoreError, match="the passphrase is another one, or the file was changed"):
        import_people(file, WORDS + "!", path, model=MODEL, rule="skip")
    assert not path.exists()


def test_a_weak_passphrase_and_a_file_that_exists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has 11 characters, at least 12"):
        seal(tmp_path / "x", b"content", "x" * 11)
    assert not (tmp_path / "x").exists()
    seal(tmp_path / "x", b"content", WORDS)
    with pytest.raises(StoreError, match="exists already"):
        seal(tmp_path / "x", b"other", WORDS)
    assert unseal(tmp_path / "x", WORDS) == b"content"
    with pytest.raises(StoreError, match="cannot be written: No such file"):
        seal(tmp_path / "nowhere" / "x", b"content", WORDS)


@pytest.mark.parametrize("place", ["head", "salt", "nonce", "middle", "tag"])
def test_a_changed_bit_is_seen(file: Path, path: Path, place: str) -> None:
    content = bytearray(file.read_bytes())
    content[{"head": 16, "salt": 20, "nonce": 40, "middle": 200, "tag": -1}[place]] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError):
        bring_in(file, path)
    assert not path.exists()


@pytest.mark.parametrize("length", [0, 1, 17, 18, 34, 46, 61, 62, 200])
def test_a_file_cut_short_is_seen(file: Path, path: Path, length: int) -> None:
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(StoreError, match=r"is not a file of people|does not open"):
        bring_in(file, path)


def test_a_folder_a_missing_and_an_endless_file_are_named(tmp_path: Path, path: Path) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as stream:
        stream.truncate(sealed.MOST_BYTES + 2048)
    for file, message in (
        (tmp_path, "is not a file of people"),
        (Path("/dev/zero"), "is not a file of people"),
        (tmp_path / "nowhere", "cannot be read: No such file"),
        (tmp_path / "a\0b", "cannot be read: .*embedded null"),
        (huge, "is larger than 64 MiB"),
    ):
        with pytest.raises(StoreError, match=message):
            bring_in(file, path)

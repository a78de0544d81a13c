"""The pictures behind looks are kept only where that was asked for, under their person's key, and go with them."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from edgeface.core.align import CHIP_SIZE
from edgeface.drivers.disclosure import disclose
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_care import drop_chips, set_aside
from edgeface.drivers.gallery_chips import decode_chip, encode_chip
from edgeface.drivers.gallery_encrypt import encrypt
from edgeface.drivers.gallery_restore import restore, verify
from edgeface.drivers.keyring import keyring_path, read_keyring
from edgeface.drivers.store import Gallery
from edgeface.drivers.vault import ring_of
from edgeface.errors import GalleryDamaged, StoreError
from tests.drivers.stored import MODEL, of_person, windows


def master(_salt: bytes) -> bytes:
    return b"m" * 32


def chip_of(seed: int) -> np.ndarray:
    """Noise that no other picture shares a run of bytes with."""
    return np.random.default_rng(seed).integers(0, 256, (CHIP_SIZE, CHIP_SIZE, 3), np.uint8)


def remains(folder: Path, png: bytes) -> int:
    """Count the runs of 8 bytes of a picture's pixels that stand anywhere in the gallery's files."""
    wanted = np.frombuffer(png[64 : len(png) // 8 * 8 - 64], "<u8")
    files = [file for file in folder.glob("gallery*") if file.is_file()]
    return sum(int(np.isin(wanted, windows(file.read_bytes())).sum()) for file in files)


def enrol(gallery: Gallery, name: str, seed: int, looks: int = 2) -> list[np.ndarray]:
    chips = [chip_of(seed * 100 + number) for number in range(looks)]
    gallery.add(name, of_person(seed, looks), chips=chips)
    return chips


def test_a_chip_comes_back_pixel_by_pixel(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        chips = enrol(gallery, "Ada", 1)
        assert [chip.look for chip in gallery.chips()] == [look.id for look in gallery.looks()]
        kept = [decode_chip(chip.png, path) for chip in gallery.chips(1)]
    assert all((one == other).all() for one, other in zip(chips, kept, strict=True))


def test_without_chips_none_is_kept(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", of_person(1, 2))
        assert gallery.chips() == []


def test_half_of_the_chips_is_a_mistake_and_stores_nothing(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        with pytest.raises(ValueError, match="zip"):
            gallery.add("Ada", of_person(1, 2), chips=[chip_of(1)])
        assert gallery.people() == []


@pytest.mark.parametrize("key", [None, master], ids=["plain", "encrypted"])
def test_the_raw_files_show_a_chip_only_while_it_is_kept_and_plain(path: Path, key: object) -> None:
    if key:
        pytest.importorskip("cryptography", reason="the extra secure is not installed")
    with Gallery(path, MODEL, master=master if key else None) as gallery:
        chips = enrol(gallery, "Ada", 1)
        enrol(gallery, "Bob", 2)
        assert (remains(path.parent, encode_chip(chips[0])) > 1000) == (key is None)
        receipt = gallery.erase("Ada")
        assert (receipt.looks, receipt.chips, receipt.entry.amounts["chips"]) == (2, 2, 2)
        assert {chip.person for chip in gallery.chips()} == {2}
    assert remains(path.parent, encode_chip(chips[0])) == 0


def test_dropped_chips_leave_the_looks_but_no_byte(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        chips = enrol(gallery, "Ada", 1)
        enrol(gallery, "Bob", 2)
        assert drop_chips(gallery, "Ada") == 2
        assert remains(path.parent, encode_chip(chips[0])) == 0
        assert (len(gallery.looks()), len(gallery.chips())) == (4, 2)
        assert drop_chips(gallery) == 2
        assert gallery.chips() == []
        with pytest.raises(StoreError, match="nobody called 'Eve'"):
            drop_chips(gallery, "Eve")


def test_encrypting_a_gallery_seals_its_chips_under_the_key_of_their_person(path: Path) -> None:
    pytest.importorskip("cryptography", reason="the extra secure is not installed")
    with Gallery(path, MODEL) as gallery:
        chips = enrol(gallery, "Ada", 1)
    encrypt(path, master)
    assert remains(path.parent, encode_chip(chips[0])) == 0
    with Gallery(path, MODEL, master=master) as gallery:
        assert (decode_chip(gallery.chips()[0].png, path) == chips[0]).all()
        made = backup(path, path.parent / "usb", keep=None, now=0).path
        gallery.forget("Ada")
        ring = ring_of(gallery._open)
    assert ring and read_keyring(keyring_path(path.parent, ring)).live == {}
    restored = restore(made, path, force=False, now=0, master=master)
    assert restored.still_forgotten == ["Ada"]
    with Gallery(path, MODEL, master=master) as gallery:
        assert gallery.chips() == []


def test_a_backup_brings_chips_back_and_verifying_looks_at_each(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        enrol(gallery, "Ada", 1)
        made = backup(path, path.parent / "usb", keep=None, now=0).path
        gallery.forget("Ada")
    restore(made, path, force=False, now=0)
    with Gallery(path, MODEL) as gallery:
        assert len(gallery.chips()) == 2
        with gallery.changing() as connection:
            connection.execute("UPDATE chips SET picture = x'89504e47' WHERE look = 1")
    with pytest.raises(GalleryDamaged, match="a chip is no PNG of 112 px a side"):
        verify(path)


def test_somebody_is_told_of_their_chips(path: Path, tmp_path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        chips = enrol(gallery, "Ada", 1)
        set_aside(gallery, [2], "blurred")
        assert disclose(gallery, path, "Ada", tmp_path / "ada.json") == 2
    told = json.loads((tmp_path / "ada.json").read_text())["looks"]
    assert (decode_chip(base64.b64decode(told[0]["chip_png"]), path) == chips[0]).all()
    assert [look["set_aside"] for look in told] == [None, "blurred"]

"""An encrypted gallery keeps no vector on the disk, opens with its master key alone, and survives kills."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgeface.core.types import Embedding
from edgeface.drivers import keyring
from edgeface.drivers.gallery_encrypt import encrypt
from edgeface.drivers.gallery_restore import verify
from edgeface.drivers.store import Gallery
from edgeface.errors import GalleryDamaged, MasterKeyError, StoreError
from tests.drivers.locked import household, keys_of, master, other, write_plain
from tests.drivers.stored import MODEL, in_a_child, names, of_person, traces

pytest.importorskip("cryptography", reason="the extra secure is not installed")


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    """Ada with two looks and Bob with one, encrypted from the start."""
    with household(path) as opened:
        yield opened


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
    return write_plain(path)


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
    assert in_a_child(path, script).returncode == -9
    if moment == "VACUUM":
        with pytest.raises(MasterKeyError):
            verify(path)
        Gallery(path, MODEL).close()
        assert traces(path.parent, plain) == 0
    else:
        assert (verify(path).people, verify(path).looks) == (5, 15)
        assert encrypt(path, master).looks == 15
    assert verify(path, master).looks == 15


def test_vectors_that_are_compared_are_those_that_were_enrolled(gallery: Gallery) -> None:
    random = np.random.default_rng(5)
    crowd = {f"p{seed}": of_person(seed + 100, int(random.integers(1, 5))) for seed in range(20)}
    for name, looks in crowd.items():
        gallery.add(name, looks)
    query = of_person(107, 1)[0]
    found = {identity.name: cosine for identity, cosine in gallery.nearest(query, 100)}
    for name, looks in crowd.items():
        assert found[name] == pytest.approx(max(float(look.vector @ query.vector) for look in looks), abs=1e-6)

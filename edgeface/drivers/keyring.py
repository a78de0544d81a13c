"""The key file of a gallery: each person's key, wrapped, in a slot of its own that is overwritten to forget them.

The file is a header of 512 bytes and slots of 128, so that no slot straddles a sector. A slot is written and
overwritten in place: a wrapped key is nowhere but in its slot, and no older copy of it is left behind in free space.
Writers take turns by the transaction of the gallery's database in which they run.
"""

import hashlib
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeface.drivers.durable import replacing
from edgeface.drivers.master_key import KEY, Master
from edgeface.drivers.sealed import aes_gcm
from edgeface.errors import MasterKeyError, StoreError

MAGIC = b"edgeface keys 1\n"
"""Begins the file; format 1 is AES-256-GCM throughout."""
HEADER = struct.Struct("<16s16s16s28s436x")
"""Magic, the file's id, the salt of the passphrase, and a proof of the master key: a nonce and the tag of nothing."""
SLOT = struct.Struct("<B3x16s16s60s32x")
"""State, the key's id, the label of whose it is, and the wrapped key: nonce, ciphertext and tag."""
FREE, LIVE, DESTROYED = 0, 1, 2
ID, NONCE = 16, 12
"""Bytes."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """One person's key, of use with the master key only."""

    place: int
    """The slot's offset in bytes."""
    label: bytes
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Keyring:
    """A key file as it was at one moment."""

    path: Path
    id: bytes
    salt: bytes
    proof: bytes
    live: dict[bytes, WrappedKey]
    """By the key's id."""
    destroyed: frozenset[bytes]
    """Ids of keys that are gone for good."""

    def unlock(self, master: Master) -> bytes:
        """Return the master key. Raise MasterKeyError when this file has another one."""
        key = master(self.salt)
        cipher = aes_gcm(key)

        from cryptography.exceptions import InvalidTag

        try:
            cipher.decrypt(self.proof[:NONCE], self.proof[NONCE:], MAGIC + self.id + self.salt)
        except InvalidTag as error:
            raise MasterKeyError(
                f"key file {self.path} does not open: its master key is another one",
                hint="set gallery.key to the key with which the gallery was encrypted, or type the passphrase again",
            ) from error
        return key

    def unwrap(self, key_id: bytes, master_key: bytes) -> bytes:
        """Return a person's key of 32 bytes. Raise StoreError when its slot was changed."""
        slot, cipher = self.live[key_id], aes_gcm(master_key)

        from cryptography.exceptions import InvalidTag

        try:
            return cipher.decrypt(slot.wrapped[:NONCE], slot.wrapped[NONCE:], self.id + key_id + slot.label)
        except InvalidTag as error:
            raise StoreError(
                f"key file {self.path} is damaged: a slot was changed", hint="copy it back from a backup's folder"
            ) from error


def keyring_path(folder: Path, ring: bytes) -> Path:
    """Return where the key file of an id lies in the folder of a gallery, or of a backup."""
    return folder / f"gallery-{ring.hex()[:16]}.keys"


def label_of(ring: bytes, name: str) -> bytes:
    """Return by what a person's keys are found in a key file, 16 bytes."""
    return hashlib.sha256(ring + name.encode()).digest()[:16]


def read_keyring(path: Path) -> Keyring:
    """Read a key file. Raise StoreError when it is missing or none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise StoreError(
            f"the gallery's key file {path} is missing", hint="copy it back from the folder of a backup"
        ) from error
    except OSError as error:
        raise StoreError(f"key file {path} cannot be read: {error.strerror}") from error
    if len(content) < HEADER.size or not content.startswith(MAGIC):
        raise StoreError(f"{path} is not a key file", hint="copy it back from the folder of a backup")
    _, ring, salt, proof = HEADER.unpack_from(content)
    live: dict[bytes, WrappedKey] = {}
    destroyed: set[bytes] = set()
    for place in range(HEADER.size, _end(len(content)), SLOT.size):
        state, key_id, label, wrapped = SLOT.unpack_from(content, place)
        if state == LIVE:
            live[key_id] = WrappedKey(place, label, wrapped)
        elif state == DESTROYED:
            destroyed.add(key_id)
    return Keyring(path, ring, salt, proof, live, frozenset(destroyed))


def make_keyring(folder: Path, master: Master) -> Keyring:
    """Make an empty key file, on the disk when this returns. Raise StoreError."""
    ring = os.urandom(ID)
    path = keyring_path(folder, ring)
    head = _header(ring, master)
    try:
        with replacing(path) as draft:
            draft.write_bytes(head)
    except OSError as error:
        raise StoreError(f"key file {path} cannot be written: {error.strerror}") from error
    return read_keyring(path)


def add_keys(ring: Keyring, master_key: bytes, names: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """Make a key for each of some people; they are on the disk when this returns. Return their ids and keys.

    Raise StoreError.
    """
    made = [(os.urandom(ID), os.urandom(KEY)) for _ in names]
    cipher, slots = aes_gcm(master_key), []
    for name, (key_id, key) in zip(names, made, strict=True):
        nonce, label = os.urandom(NONCE), label_of(ring.id, name)
        wrapped = nonce + cipher.encrypt(nonce, key, ring.id + key_id + label)
        slots.append(SLOT.pack(LIVE, key_id, label, wrapped))
    _write(ring.path, {_end(ring.path.stat().st_size): b"".join(slots)})
    return made


def destroy_keys(ring: Keyring, key_ids: Iterable[bytes]) -> int:
    """Overwrite keys; the disk has it when this returns. Return how many there were. Raise StoreError."""
    places = {ring.live[key_id].place: key_id for key_id in key_ids if key_id in ring.live}
    _write(ring.path, {place: SLOT.pack(DESTROYED, key_id, b"", b"") for place, key_id in places.items()})
    return len(places)


def rewrap(ring: Keyring, old: Master, new: Master) -> Keyring:
    """Wrap every key with another master key, in a new file that takes the place of the old one. Raise StoreError."""
    old_key = ring.unlock(old)
    head = _header(ring.id, new)
    new_key = new(HEADER.unpack(head)[2])
    content = bytearray(ring.path.read_bytes())
    content[: HEADER.size] = head
    for key_id, slot in ring.live.items():
        nonce = os.urandom(NONCE)
        wrapped = nonce + aes_gcm(new_key).encrypt(nonce, ring.unwrap(key_id, old_key), ring.id + key_id + slot.label)
        SLOT.pack_into(content, slot.place, LIVE, key_id, slot.label, wrapped)
    _replace(ring.path, bytes(content))
    return read_keyring(ring.path)


def copy_keyring(ring: Keyring, folder: Path) -> Path:
    """Bring the one copy of a key file in a folder up to date, in place where it can be. Raise OSError."""
    path = keyring_path(folder, ring.id)
    if path.exists() and path.samefile(ring.path):
        return path
    content = ring.path.read_bytes()
    before = path.read_bytes() if path.exists() else b""
    if before[: HEADER.size] == content[: HEADER.size] and len(before) <= len(content):
        size = SLOT.size
        ends = range(HEADER.size, len(content), size)
        _write(path, {at: content[at : at + size] for at in ends if before[at : at + size] != content[at : at + size]})
    else:
        _replace(path, content)
    return path


def _header(ring: bytes, master: Master) -> bytes:
    salt, nonce = os.urandom(ID), os.urandom(NONCE)
    return HEADER.pack(MAGIC, ring, salt, nonce + aes_gcm(master(salt)).encrypt(nonce, b"", MAGIC + ring + salt))


def _end(size: int) -> int:
    """Return where the next slot goes; half of one at the end was never acknowledged."""
    return HEADER.size + max(size - HEADER.size, 0) // SLOT.size * SLOT.size


def _write(path: Path, slots: dict[int, bytes]) -> None:
    """Write slots in place, and wait for the disk."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            for place, content in slots.items():
                os.pwrite(descriptor, content, place)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"key file {path} cannot be written: {error.strerror}") from error


def _replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another, whose bytes are then overwritten."""
    old = os.open(path, os.O_WRONLY) if path.exists() else None
    try:
        with replacing(path) as draft:
            draft.write_bytes(content)
        if old is not None:
            os.pwrite(old, bytes(os.fstat(old).st_size), 0)
            os.fsync(old)
    finally:
        if old is not None:
            os.close(old)

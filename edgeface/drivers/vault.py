"""Seal the vectors of a gallery with a key for each person, and open them; a plain gallery's stay as they are."""

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from edgeface.drivers.audit import append
from edgeface.drivers.gallery_errors import RESTORE
from edgeface.drivers.gallery_file import transaction
from edgeface.drivers.key_copies import spread
from edgeface.drivers.keyring import NONCE, Keyring, add_keys, keyring_path, make_keyring, read_keyring
from edgeface.drivers.master_key import Master
from edgeface.drivers.sealed import TAG, aes_gcm
from edgeface.errors import GalleryDamaged, MasterKeyError, StoreError

SEALED = b"edgeface template 1\n"
"""What a sealed vector is bound to, with the model's digest: it cannot be passed off as another model's."""
CHIP = "chip"
"""What stands for the model's digest where a chip is sealed."""


class Vault:
    """The keys of one gallery as they are at one moment; without a key file what is sealed stays plain."""

    def __init__(self, path: Path, ring: Keyring | None = None, master_key: bytes = b"") -> None:
        self._path, self._ring, self._master_key = path, ring, master_key
        self._keys: dict[bytes, bytes] = {}

    @property
    def overhead(self) -> int:
        """How many bytes a stored vector is longer than a plain one."""
        return NONCE + TAG if self._ring else 0

    def key_of(self, connection: sqlite3.Connection, person: int) -> bytes | None:
        """Return the id of a person's key, which is made if there is none; None in a plain gallery."""
        self.make_keys(connection, [person])
        return connection.execute("SELECT key FROM people WHERE id = ?", (person,)).fetchone()[0]

    def make_keys(self, connection: sqlite3.Connection, people: Iterable[int]) -> None:
        """Give a key to those who have none, unless the gallery is plain."""
        if self._ring is None:
            return
        query = "SELECT id, name FROM people WHERE id = ? AND key IS NULL"
        keyless = [row for person in people for row in connection.execute(query, (person,))]
        if not keyless:
            return
        made = add_keys(self._ring, self._master_key, [name for _, name in keyless])
        self._keys |= dict(made)
        given = [(key_id, person) for (person, _), (key_id, _) in zip(keyless, made, strict=True)]
        connection.executemany("UPDATE people SET key = ? WHERE id = ?", given)

    def seal(self, vector: bytes, key_id: bytes | None, model: str) -> bytes:
        """Return what is stored of a vector: nonce, ciphertext and tag, or itself."""
        if key_id is None:
            return vector
        nonce = os.urandom(NONCE)
        return nonce + aes_gcm(self._key(key_id)).encrypt(nonce, vector, SEALED + model.encode())

    def open(self, stored: bytes, key_id: bytes | None, model: str) -> bytes | None:
        """Return the vector; None where its key was destroyed.

        Raise GalleryDamaged when it was changed, StoreError when its key is not in the key file.
        """
        if key_id is None or not isinstance(stored, bytes):
            return stored
        if self.is_gone(key_id):
            return None
        cipher = aes_gcm(self._key(key_id))

        from cryptography.exceptions import InvalidTag

        try:
            return cipher.decrypt(stored[:NONCE], stored[NONCE:], SEALED + model.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: shorter than a tag
            raise GalleryDamaged(
                f"gallery {self._path} is damaged: a stored vector does not decrypt", hint=RESTORE
            ) from error

    def is_gone(self, key_id: bytes | None) -> bool:
        """Tell whether a key was destroyed."""
        return key_id is not None and self._ring is not None and key_id in self._ring.destroyed

    def _key(self, key_id: bytes) -> bytes:
        if key_id not in self._keys:
            if self._ring is None or key_id not in self._ring.live:
                where = self._ring.path if self._ring else "any key file"
                raise StoreError(
                    f"somebody's key of gallery {self._path} is not in {where}",
                    hint="copy the key file back from the folder of a backup",
                )
            self._keys[key_id] = self._ring.unwrap(key_id, self._master_key)
        return self._keys[key_id]


def open_vault(connection: sqlite3.Connection, path: Path, master: Master | None, folder: Path | None = None) -> Vault:
    """Return the vault of an open gallery or backup, whose key file lies in its folder unless another is given.

    Raise MasterKeyError when the gallery is encrypted and there is no key, or plain although there is one.
    """
    ring = ring_of(connection)
    if ring is None:
        if master and connection.execute("SELECT EXISTS (SELECT 1 FROM templates)").fetchone()[0]:
            raise MasterKeyError(
                f"gallery {path} is not encrypted, although gallery.key is set", hint="`edgeface gallery encrypt`"
            )
        return Vault(path)
    if master is None:
        raise MasterKeyError(
            f"gallery {path} is encrypted, and gallery.key is not set",
            hint="set it in the configuration, or give it with -o gallery.key=...",
        )
    keys = read_keyring(keyring_path(folder or path.parent, ring))
    return Vault(path, keys, keys.unlock(master))


def open_vault_to_write(connection: sqlite3.Connection, path: Path, master: Master | None) -> Vault:
    """Return the vault likewise, within a transaction; with a key an empty gallery is encrypted from here on."""
    delete_keyless(connection, path)
    vault = open_vault(connection, path, master)
    if master and ring_of(connection) is None:
        ring = make_keyring(path.parent, master)
        connection.execute("INSERT INTO encryption VALUES (?)", (ring.id,))
        vault = Vault(path, ring, ring.unlock(master))
        vault.make_keys(connection, [person for (person,) in connection.execute("SELECT id FROM people").fetchall()])
    return vault


def ring_of(connection: sqlite3.Connection) -> bytes | None:
    """Return the id of a gallery's key file; None of a plain gallery."""
    if not connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'encryption')").fetchone()[0]:
        return None  # of an older schema
    found = connection.execute("SELECT ring FROM encryption").fetchone()
    return found[0] if found else None


def keyring_of(connection: sqlite3.Connection, path: Path) -> Keyring | None:
    """Read a gallery's key file; None of a plain gallery. No master key is needed. Raise StoreError."""
    ring = ring_of(connection)
    return read_keyring(keyring_path(path.parent, ring)) if ring else None


def delete_keyless(connection: sqlite3.Connection, path: Path) -> bool:
    """Delete who has lost their key: of a forgetting that was killed before it was done. Tell whether there was any."""
    ring_id = ring_of(connection)
    if ring_id is None or not keyring_path(path.parent, ring_id).exists():
        return False
    ring = read_keyring(keyring_path(path.parent, ring_id))
    doomed = [(person,) for person, key in connection.execute("SELECT id, key FROM people") if key in ring.destroyed]
    if doomed:
        spread(connection, ring)
        connection.executemany("DELETE FROM people WHERE id = ?", doomed)
        for (person,) in doomed:
            append(connection, "forgotten", person=person, keys=1)
    return bool(doomed)


def finish_forgetting(connection: sqlite3.Connection, path: Path) -> None:
    """Do so in a transaction of its own."""
    if ring_of(connection) is None:
        return
    with transaction(connection):
        delete_keyless(connection, path)

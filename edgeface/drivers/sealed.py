"""Seal bytes in a file that only a passphrase opens, and that nobody can change unseen."""

import os
import stat
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from edgeface.drivers.durable import replacing
from edgeface.errors import ConfigError, MissingExtra, StoreError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"edgeface sealed 1\n"
"""Begins the file; salt, nonce and ciphertext follow. Format 1 is AES-256-GCM under a key of scrypt, with the cost
below: what is not written cannot be set by a hostile file."""
SALT, NONCE, TAG = 16, 12, 16
"""Bytes."""
COST, BLOCK, LANES = 2**15, 8, 3
"""N, r and p of scrypt (RFC 7914): 32 MiB of memory, which a small Pi has, three times over."""
LEAST_PASSPHRASE = 12
"""Characters."""
MOST_BYTES = 64 << 20
MOST_PASSPHRASE_BYTES = 4096


def check_passphrase(passphrase: str) -> None:
    """Raise ConfigError for a passphrase that is soon guessed."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise ConfigError(
            f"the passphrase has {len(passphrase)} characters, at least {LEAST_PASSPHRASE} are needed",
            hint="take four words that have nothing to do with each other",
        )


def seal(path: Path, content: bytes, passphrase: str) -> None:
    """Write a new file, for the owner alone. Raise StoreError when it exists already or cannot be written."""
    check_passphrase(passphrase)
    if len(content) > MOST_BYTES:
        raise StoreError(f"{path} would be larger than {MOST_BYTES >> 20} MiB", hint="export fewer people at a time")
    salt, nonce = os.urandom(SALT), os.urandom(NONCE)
    head = MAGIC + salt
    sealed = aes_gcm(passphrase_key(passphrase, salt)).encrypt(nonce, content, head)
    try:
        if path.exists():
            raise StoreError(f"{path} exists already", hint="name another file")
        with replacing(path) as draft:
            draft.write_bytes(head + nonce + sealed)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", hint="name a file in another folder") from error


def unseal(path: Path, passphrase: str) -> bytes:
    """Return what was sealed. Raise StoreError when the file is none, is changed or has another passphrase."""
    content = _read(path)
    head, nonce = content[: len(MAGIC) + SALT], content[len(MAGIC) + SALT :][:NONCE]
    if not content.startswith(MAGIC) or len(content) < len(MAGIC) + SALT + NONCE + TAG:
        raise StoreError(f"{path} is not a file of people", hint="give a file that `edgeface gallery export` wrote")
    cipher = aes_gcm(passphrase_key(passphrase, head[len(MAGIC) :]))

    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(nonce, content[len(head) + NONCE :], head)
    except InvalidTag as error:
        raise StoreError(
            f"{path} does not open: the passphrase is another one, or the file was changed",
            hint="type the passphrase again; if it is right, copy the file again",
        ) from error


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"{path} is not a file of people", hint="give a file that `edgeface gallery export` wrote")
        if status.st_size > MOST_BYTES + 1024:
            raise StoreError(f"{path} is larger than {MOST_BYTES >> 20} MiB", hint="export fewer people at a time")
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"{path} cannot be read: {reason}") from error


def aes_gcm(key: bytes) -> "AESGCM":
    """Return AES-256-GCM under a key of 32 bytes. Raise MissingExtra without the package cryptography."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise _missing(error) from error
    return AESGCM(key)


def passphrase_key(passphrase: str, salt: bytes) -> bytes:
    """Return the 32 bytes that scrypt (RFC 7914) makes of a passphrase. Raise MissingExtra likewise."""
    try:
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
    except ImportError as error:
        raise _missing(error) from error
    normal = unicodedata.normalize("NFC", passphrase).encode()
    return Scrypt(salt=salt, length=32, n=COST, r=BLOCK, p=LANES).derive(normal)


def read_passphrase(file: Path) -> str:
    """Return the first line of a file. Raise ConfigError."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_PASSPHRASE_BYTES + 1)
        if len(content) > MOST_PASSPHRASE_BYTES:
            raise ConfigError(f"passphrase file {file} is larger than {MOST_PASSPHRASE_BYTES} bytes")
        return content.decode().partition("\n")[0].rstrip("\r")
    except OSError as error:
        raise ConfigError(f"passphrase file {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"passphrase file {file} is not UTF-8 text") from error


def _missing(error: ImportError) -> MissingExtra:
    return MissingExtra(f"encryption needs the package cryptography: {error}", hint="pip install 'edgeface[secure]'")

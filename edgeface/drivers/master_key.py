"""Where the master key of an encrypted gallery comes from: a file, a systemd credential or a passphrase."""

import os
import stat
from collections.abc import Callable
from functools import cache
from pathlib import Path

from edgeface.drivers.durable import make_folder, sync_folder
from edgeface.drivers.sealed import check_passphrase, passphrase_key, read_passphrase
from edgeface.errors import ConfigError, MasterKeyError

Master = Callable[[bytes], bytes]
"""Gives the 32 bytes of the master key for a key file's salt of 16 bytes; only a passphrase needs that. Raises
MasterKeyError, or ConfigError for a passphrase that cannot be read."""

Ask = Callable[[], str]
"""Asks the user for the passphrase. Raises ConfigError where there is nobody to ask."""

KEY = 32
"""Bytes."""
FORMS = '"file:PATH", "credential:NAME", "passphrase" or "passphrase:PATH"'


def read_master(key: str, ask: Ask | None = None) -> Master | None:
    """Return what gives the master key that the setting `gallery.key` names; None for an empty setting.

    Nothing is read or asked before the key is needed, and then once. Raise ConfigError for another form.
    """
    if not key:
        return None
    form, colon, place = key.partition(":")
    if form == "passphrase":
        passphrase = cache(lambda: _passphrase(Path(place).expanduser() if colon else None, ask))
        return cache(lambda salt: passphrase_key(passphrase(), salt))
    if form in ("file", "credential") and place:
        path = Path(place).expanduser()
        return cache(lambda _salt: _read(path, is_credential=form == "credential"))
    raise ConfigError(f"gallery.key is {key!r}", hint=f"use {FORMS}")


def make_key_file(key: str) -> Path | None:
    """Make the key file that `gallery.key` names, with random bytes and for the owner alone, unless it is there.

    Return its path if it was made. Raise MasterKeyError when it cannot be.
    """
    form, _, place = key.partition(":")
    path = Path(place).expanduser()
    if form != "file" or not place or path.exists():
        return None
    try:
        make_folder(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, os.urandom(KEY))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(path.parent)
    except OSError as error:
        raise MasterKeyError(f"key file {path} cannot be made: {error.strerror}") from error
    return path


def _passphrase(path: Path | None, ask: Ask | None) -> str:
    if path:
        if path.exists():
            _check_private(path, path.stat())
        passphrase = read_passphrase(path)
    elif ask:
        passphrase = ask()
    else:
        raise ConfigError("there is nobody to ask for the gallery's passphrase", hint=f"set gallery.key to {FORMS}")
    check_passphrase(passphrase)  # a short one was never accepted
    return passphrase


def _read(path: Path, *, is_credential: bool) -> bytes:
    if is_credential and not path.is_absolute():
        raise MasterKeyError(
            f"credential {path} was not passed to this process",
            hint="start it from a unit with LoadCredentialEncrypted=, or with `systemd-run`; see docs/gallery.md",
        )
    try:
        with path.open("rb") as stream:
            if not is_credential:  # systemd's own are readable through an access list, which looks like group rights
                _check_private(path, os.fstat(stream.fileno()))
            content = stream.read(KEY + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise MasterKeyError(f"master key {path} cannot be read: {reason}", hint="set gallery.key") from error
    if len(content) != KEY:
        size = f"more than {KEY}" if len(content) > KEY else str(len(content))
        raise MasterKeyError(f"master key {path} has {size} bytes, {KEY} are needed", hint="set gallery.key")
    return content


def _check_private(path: Path, status: os.stat_result) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise MasterKeyError(f"{path} may be read by others: its mode is {mode:04o}", hint=f"chmod 600 {path}")

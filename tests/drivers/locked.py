"""What tests of encrypted galleries share: two master keys, and what a gallery is seen to hold."""

from pathlib import Path

from edgeface.drivers import keyring
from edgeface.drivers.keyring import read_keyring
from edgeface.drivers.store import Gallery
from tests.drivers.test_forgotten import MODEL

NOW = 1_764_057_600.0
WORDS = "correct horse battery staple"


def master(_salt: bytes) -> bytes:
    return b"m" * 32


def other(_salt: bytes) -> bytes:
    return b"o" * 32


def keys_of(path: Path) -> keyring.Keyring:
    [file] = path.parent.glob("*.keys")
    return read_keyring(file)


def names(path: Path) -> list[str]:
    with Gallery(path, MODEL, read_only=True) as gallery:
        return [person.identity.name for person in gallery.people()]

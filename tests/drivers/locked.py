"""What tests of encrypted galleries and sealed files share: two master keys, a passphrase, and people."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeface.core.types import Embedding
from edgeface.drivers import keyring
from edgeface.drivers.gallery_transfer import import_people
from edgeface.drivers.keyring import read_keyring
from edgeface.drivers.store import Gallery
from tests.drivers.stored import MODEL, of_person

WORDS = "correct horse battery staple"


def master(_salt: bytes) -> bytes:
    return b"m" * 32


def other(_salt: bytes) -> bytes:
    return b"o" * 32


def keys_of(path: Path) -> keyring.Keyring:
    [file] = path.parent.glob("*.keys")
    return read_keyring(file)


@contextmanager
def household(path: Path) -> Iterator[Gallery]:
    """Open a gallery of Ada with two looks and Bob with one, encrypted from the start."""
    with Gallery(path, MODEL, master=master) as opened:
        opened.add("Ada", of_person(1, 2))
        opened.add("Bob", of_person(2, 1))
        yield opened


def write_plain(path: Path) -> list[Embedding]:
    """Write a gallery without a key, of five people with three looks each, and return the looks."""
    with Gallery(path, MODEL) as gallery:
        for seed in range(5):
            gallery.add(f"person {seed}", of_person(seed, 3))
    return [look for seed in range(5) for look in of_person(seed, 3)]


def bring_in(file: Path, path: Path, rule: Any = "skip", model: str = MODEL) -> list[tuple[str | None, str]]:
    """Import a file of people; return under which name each is stored and what was done."""
    return [(person.stored_as, person.action) for person in import_people(file, WORDS, path, model=model, rule=rule)]

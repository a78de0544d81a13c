"""Take people out of one gallery in a sealed file, and into another by a rule for names that are there already."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

from edgeface.core.names import MAX_NAME, clean_name, suggest
from edgeface.drivers.audit import append
from edgeface.drivers.gallery_errors import store_errors
from edgeface.drivers.gallery_file import empty_log, open_gallery, transaction
from edgeface.drivers.gallery_rows import ENROLLED, STORED, write_looks, write_person
from edgeface.drivers.master_key import Master
from edgeface.drivers.parcel import PackedPerson, Parcel, pack, unpack
from edgeface.drivers.sealed import seal, unseal
from edgeface.drivers.store import Gallery
from edgeface.drivers.vault import Vault, open_vault_to_write
from edgeface.errors import EmbeddingMismatch, StoreError

Rule = Literal["skip", "rename", "replace"]
"""What becomes of somebody whose name is in the gallery already."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one person of a file."""

    name: str
    """As the file has it."""
    stored_as: str | None
    """None: skipped."""
    looks: int
    action: Literal["added", "skipped", "renamed", "replaced"]


def export_people(gallery: Gallery, file: Path, passphrase: str, names: Sequence[str] = ()) -> tuple[int, int]:
    """Seal people, all or those named, in a new file; return how many people and looks.

    Raise StoreError when there is nobody, a name is unknown, or the file cannot be written.
    """
    known = {person.identity.name: person for person in gallery.people() if person.looks}
    wanted = dict.fromkeys(map(clean_name, names)) or known
    for name in wanted:
        if name not in known:
            raise StoreError(f"nobody called {name!r} is in the gallery", hint=suggest(name, known))
    if not wanted:
        raise StoreError("nobody is in the gallery, so nobody can be exported", hint="enrol somebody first")
    chosen = [known[name] for name in wanted]
    models = sorted({person.model for person in chosen})
    if len(models) > 1:
        raise StoreError(f"the gallery mixes models {', '.join(model[:12] for model in models)}")
    packed = pack(chosen, gallery.templates(), models[0])
    with gallery.changing() as connection:
        for person in chosen:
            append(connection, "exported", person=person.identity.id, looks=person.looks)
        seal(file, packed, passphrase)
    return len(chosen), sum(person.looks for person in chosen)


def import_people(
    file: Path, passphrase: str, path: Path, *, model: str, rule: Rule, master: Master | None = None
) -> list[Imported]:
    """Add the people of a sealed file to a gallery, all of them in one transaction or none.

    `model` is the SHA-256 of the model in use, `master` gives the key of an encrypted gallery. Raise EmbeddingMismatch
    for looks of another model, StoreError for a file that does not open or that edgeface has not written so.
    """
    parcel = unpack(unseal(file, passphrase), file)
    if parcel.model != model:
        raise EmbeddingMismatch(
            f"the looks in {file} were made with model {parcel.model[:12]}…, this device uses {model[:12]}…",
            hint="give that model's bundle with --model, or enrol these people again from photos",
        )
    with closing(open_gallery(path, read_only=False)) as gallery, store_errors(path):
        with transaction(gallery):
            vault = open_vault_to_write(gallery, path, master)
            _check_fits(gallery, vault, parcel, path)
            imported = [_import(gallery, vault, person, model, rule) for person in parcel.people]
        empty_log(gallery)  # of the looks that were replaced
    return imported


def _check_fits(gallery: sqlite3.Connection, vault: Vault, parcel: Parcel, path: Path) -> None:
    of_enrolled = f"FROM templates t JOIN people p ON p.id = t.person_id WHERE {ENROLLED}"
    for other, length in gallery.execute(f"SELECT DISTINCT t.model, length(t.vector) {of_enrolled}"):
        if other != parcel.model:
            raise EmbeddingMismatch(
                f"gallery {path} was made with model {other[:12]}…, the file with {parcel.model[:12]}…",
                hint="import into another gallery file with --gallery",
            )
        size = (length - vault.overhead) // STORED.itemsize
        if size != parcel.size:
            raise EmbeddingMismatch(f"gallery {path} has vectors of {size} values, the file of {parcel.size}")


def _import(gallery: sqlite3.Connection, vault: Vault, person: PackedPerson, model: str, rule: Rule) -> Imported:
    name, looks = person.name, len(person.looks)
    if not _is_there(gallery, name):
        _store(gallery, vault, name, person, model)
        return Imported(name, name, looks, "added")
    if rule == "skip":
        return Imported(name, None, 0, "skipped")
    if rule == "replace":
        gallery.execute("DELETE FROM templates WHERE person_id = (SELECT id FROM people WHERE name = ?)", (name,))
        gallery.execute("UPDATE people SET enrolled_at = ? WHERE name = ?", (person.enrolled, name))
        _store(gallery, vault, name, person, model)
        return Imported(name, name, looks, "replaced")
    ends = (f" ({number})" for number in count(2))
    free = next(new for end in ends if not _is_there(gallery, new := name[: MAX_NAME - len(end)] + end))
    _store(gallery, vault, free, person, model)
    return Imported(name, free, looks, "renamed")


def _is_there(gallery: sqlite3.Connection, name: str) -> bool:
    return gallery.execute("SELECT 1 FROM people WHERE name = ?", (name,)).fetchone() is not None


def _store(gallery: sqlite3.Connection, vault: Vault, name: str, person: PackedPerson, model: str) -> None:
    number = write_person(gallery, name, person.enrolled)
    write_looks(gallery, vault, number, person.embeddings(model))
    append(gallery, "imported", person=number, looks=len(person.looks))

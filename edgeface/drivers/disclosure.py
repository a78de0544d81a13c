"""Write all that is kept about one person to a file that they can read: the answer to a request for access."""

import base64
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeface.core.names import clean_name, suggest
from edgeface.drivers.audit import append, read_entries
from edgeface.drivers.consent import read_consents
from edgeface.drivers.durable import replacing
from edgeface.drivers.store import Gallery
from edgeface.errors import StoreError

FORMAT = 1


def disclose(gallery: Gallery, path: Path, name: str, file: Path) -> int:
    """Write what the gallery at `path` keeps about a person as plain JSON, for the owner alone; return how many looks.

    Times are ISO-8601, UTC; a chip that is kept is a PNG in base64. The audit log tells of it. Raise StoreError when
    nobody has that name or the file exists or cannot be written.
    """
    name = clean_name(name)
    known = {person.identity.name: person for person in gallery.people()}
    if name not in known:
        raise StoreError(f"nobody called {name!r} is in gallery {path}", hint=suggest(name, known))
    if file.exists():
        raise StoreError(f"{file} exists already", hint="name another file")
    person = known[name]
    number = person.identity.id
    looks = [look for look in gallery.looks() if look.identity.id == number]
    chips = {chip.look: base64.b64encode(chip.png).decode("ascii") for chip in gallery.chips(number)}
    with gallery.changing() as connection:
        append(connection, "disclosed", person=number, looks=len(looks))
        consent = read_consents(connection).get(number)
        log = [entry for entry in read_entries(connection, path) if entry.person == number]
        content = {
            "format": FORMAT,
            "name": name,
            "number": number,
            "enrolled": _iso(person.enrolled),
            "consent": _consent(asdict(consent)) if consent else None,
            "looks": [
                {
                    "source": look.source,
                    "created": _iso(look.created),
                    "model": look.embedding.model,
                    "set_aside": look.set_aside,
                    "vector": look.embedding.vector.tolist(),
                    "chip_png": chips.get(look.id),
                }
                for look in looks
            ],
            "visits": [
                {"at": _iso(visit.at), "model": visit.model, "similarity": visit.similarity}
                for visit in gallery.visits(number)
            ],
            "log": [{"at": _iso(e.at), "actor": e.actor, "action": e.action, "amounts": e.amounts} for e in log],
        }
        try:
            with replacing(file) as draft:
                draft.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise StoreError(
                f"{file} cannot be written: {error.strerror}", hint="name a file in another folder"
            ) from error
    return len(looks)


def _consent(consent: dict[str, Any]) -> dict[str, Any]:
    expires = consent["expires"]
    return consent | {"given": _iso(consent["given"]), "expires": None if expires is None else _iso(expires)}


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

"""The people whom one device hands to another, as checked JSON."""

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from edgeface.core.names import clean_name
from edgeface.core.prepare import is_unit
from edgeface.core.types import Embedding, Vector
from edgeface.drivers.gallery_rows import STORED, Person, Template
from edgeface.errors import ConfigError, StoreError
from edgeface.settings import read_section

FORMAT = 1
MOST_PEOPLE, MOST_LOOKS, MOST_VALUES, MOST_SOURCE = 10_000, 1_000, 4_096, 1_000
"""Of a parcel, of a person, of a vector; and the characters that tell where a look is from."""
LAST_SECOND = 253402300799
"""The end of the year 9999, UTC."""
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class PackedLook:
    """One look; `vector` is base64 of little-endian 32-bit floats of unit length."""

    vector: str
    source: str
    created: float
    """Seconds since the Unix epoch, UTC."""


@dataclass(frozen=True, slots=True)
class PackedPerson:
    """Somebody, with at least one look."""

    name: str
    enrolled: float
    """Seconds since the Unix epoch, UTC."""
    looks: list[PackedLook]

    def embeddings(self, model: str) -> list[tuple[Embedding, str, float]]:
        """Return each look as embedding, source and time."""
        return [(Embedding(unpack_vector(look.vector), model), look.source, look.created) for look in self.looks]


@dataclass(frozen=True, slots=True)
class Parcel:
    """People of one model, whose SHA-256 goes with them."""

    format: int
    model: str
    people: list[PackedPerson]

    @property
    def size(self) -> int:
        """How many values each vector has."""
        return len(unpack_vector(self.people[0].looks[0].vector))


def pack(people: Iterable[Person], templates: Iterable[Template], model: str) -> bytes:
    """Return the JSON of people and all their looks, which one model made; somebody without a look is left out."""
    by_person = {number: list(looks) for number, looks in groupby(templates, lambda look: look.identity.id)}
    packed = [
        PackedPerson(
            person.identity.name,
            person.enrolled,
            [PackedLook(_pack_vector(t.embedding.vector), t.source, t.created) for t in by_person[person.identity.id]],
        )
        for person in people
        if person.identity.id in by_person
    ]
    return json.dumps(asdict(Parcel(FORMAT, model, packed)), ensure_ascii=False).encode()


def unpack(content: bytes, path: Path) -> Parcel:
    """Read a parcel that anybody may have written. Raise StoreError naming `path` and what is wrong."""
    try:
        table = json.loads(content)
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: it is no JSON object")
        written = table.get("format", FORMAT)
        if written != FORMAT:
            raise ConfigError(f"{path}: it has format {written!r:.20}, this edgeface reads {FORMAT}")
        parcel = read_section(Parcel, table, source=str(path))
        _check(parcel, path)
    except ConfigError as error:
        raise StoreError(f"file of people {error.message}", hint="export it again, with this version") from error
    except (ValueError, RecursionError) as error:
        raise StoreError(f"file of people {path} is not JSON: {error}", hint="export it again") from error
    return parcel


def unpack_vector(text: str) -> Vector:
    """Return a vector, (size,), from its text: little-endian float32 in base64."""
    return np.frombuffer(base64.b64decode(text), STORED).astype(np.float32)


def _pack_vector(vector: Vector) -> str:
    return base64.b64encode(vector.astype(STORED).tobytes()).decode("ascii")


def _check(parcel: Parcel, path: Path) -> None:
    if not DIGEST.fullmatch(parcel.model):
        raise ConfigError(f"{path}: model is not a SHA-256")
    if not 1 <= len(parcel.people) <= MOST_PEOPLE:
        raise ConfigError(f"{path}: it holds {len(parcel.people)} people, 1 to {MOST_PEOPLE} are allowed")
    seen: set[str] = set()
    sizes: set[int] = set()
    for place, person in enumerate(parcel.people):
        where = f"{path}: people.{place}"
        if not _is_clean(person.name) or person.name in seen:
            raise ConfigError(f"{where}: the name {person.name!a:.120} is impossible or comes twice")
        seen.add(person.name)
        if not 1 <= len(person.looks) <= MOST_LOOKS:
            raise ConfigError(f"{where}: {len(person.looks)} looks, 1 to {MOST_LOOKS} are allowed")
        if not 0 <= person.enrolled <= LAST_SECOND:
            raise ConfigError(f"{where}: enrolled is no time: {person.enrolled:g}")
        sizes |= {_checked_size(look, where) for look in person.looks}
    if len(sizes) > 1:
        raise ConfigError(f"{path}: vectors of one model differ in size: {sorted(sizes)}")


def _is_clean(name: str) -> bool:
    try:
        return clean_name(name) == name
    except ConfigError:
        return False


def _checked_size(look: PackedLook, where: str) -> int:
    if not 0 <= look.created <= LAST_SECOND:
        raise ConfigError(f"{where}: created is no time: {look.created:g}")
    if len(look.source) > MOST_SOURCE:
        raise ConfigError(f"{where}: source has {len(look.source)} characters, {MOST_SOURCE} are allowed")
    try:
        values = base64.b64decode(look.vector, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"{where}: a vector is not base64: {error}") from error
    size, rest = divmod(len(values), STORED.itemsize)
    if rest or not 1 <= size <= MOST_VALUES:
        raise ConfigError(f"{where}: a vector has {len(values)} bytes, 4 to {MOST_VALUES * 4} are allowed")
    vector = np.frombuffer(values, STORED)
    if not is_unit(vector):
        raise ConfigError(f"{where}: a vector is not of unit length")
    return size

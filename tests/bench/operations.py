"""What is asked of a gallery that is crashed, and what it must hold afterwards; made up from a seed, without a network.

People who are remembered without being enrolled are in the state by a handle, which says of which operation they are.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from edgeface.core.align import CHIP_SIZE
from edgeface.core.types import Embedding, Image
from edgeface.drivers import model_upgrade
from edgeface.drivers.gallery_file import connect_to_write, empty_log, transaction
from edgeface.drivers.gallery_rows import MARK, STORED, UNKNOWN, Template
from edgeface.drivers.gallery_upgrade import migrate_file
from edgeface.drivers.store import Gallery
from edgeface.drivers.unknowns import PREFIX, Unknowns
from edgeface.succession import move_looks

MODEL, OTHER = "ab" * 32, "cd" * 32
TURN = {MODEL: 0, OTHER: 1}
SIZE = 256
CROWD, STRANGERS = 24, 8
"""About so many people are enrolled, and remembered, at a time."""
HANDLE = "?"
"""Begins the handle of somebody who is remembered."""
BARE = " without a picture"
"""Ends the digest of a look that was remembered before it was enrolled, and goes with the model that made it."""
OLDER = 6
"""The schema from which a gallery is migrated; there was nothing yet to remember who is not enrolled."""
VISITS, IGNORED = "visits", "ignored"
"""What is counted of somebody who is remembered, beside the digests of their looks."""

State = dict[str, Counter[str]]
"""The digests of each person's vectors, by name or handle."""


@dataclass(frozen=True)
class Operation:
    """Something that is asked of a gallery."""

    kind: str
    """enrol or forget somebody; backup; migrate: from an older schema; upgrade: to the other of two models; rotate: to
    the master key of number `seed`; remember somebody unknown, see them come, ignore or lose (forget) them, call them
    by a name; or expire: let go of all of them who are not ignored."""
    name: str = ""
    seed: int = 0
    looks: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.name or '-'} {self.seed} {self.looks}"

    @staticmethod
    def parse(text: str) -> "Operation":
        kind, name, seed, looks = text.split()
        return Operation(kind, name.replace("-", ""), int(seed), int(looks))

    @property
    def handle(self) -> str:
        """Who is remembered by it."""
        return f"{HANDLE}{self.seed}:{self.looks}"

    def of(self, handle: str, kind: str, name: str = "") -> "Operation":
        """Return an operation on somebody who is remembered."""
        seed, looks = map(int, handle.removeprefix(HANDLE).split(":"))
        return Operation(kind, name, seed, looks)

    def embeddings(self, model: str = MODEL) -> list[Embedding]:
        """Return the looks as a model sees them: the other one sees the values turned by one place."""
        vectors = np.random.default_rng(self.seed).normal(size=(self.looks, SIZE))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return [Embedding(np.roll(vector, TURN[model]), model) for vector in vectors.astype(np.float32)]

    def chips(self) -> list[Image]:
        """Return pictures from which a model can tell which look it is."""
        chips = np.zeros((self.looks, CHIP_SIZE, CHIP_SIZE, 3), np.uint8)
        for number in range(self.looks):
            chips[number].flat[:9] = np.frombuffer(self.seed.to_bytes(8) + bytes([number]), np.uint8)
        return list(chips)

    def apply(self, state: State) -> State:
        """Return what a gallery holds after it."""
        after = dict(state)
        digests = Counter(map(digest, self.embeddings()))
        if self.kind == "enrol":
            after[self.name] = after.get(self.name, Counter()) + digests
        elif self.kind == "forget":
            del after[self.name]
        elif self.kind == "remember":
            after[self.handle] = digests + Counter({VISITS: 1})
        elif self.kind in ("come", "ignore"):
            after[self.handle] = state[self.handle] | Counter({IGNORED: int(self.kind == "ignore")})
            after[self.handle][VISITS] += self.kind == "come"
        elif self.kind == "lose":
            del after[self.handle]
        elif self.kind == "name":
            del after[self.handle]
            after[self.name] = after.get(self.name, Counter()) + Counter({f"{one}{BARE}": 1 for one in digests})
        elif self.kind in ("expire", "upgrade"):
            after = {name: looks for name, looks in state.items() if name not in self.ending(state)}
        elif self.kind == "migrate":
            after = {name: looks for name, looks in state.items() if not name.startswith(HANDLE)}
        if self.kind == "upgrade":
            after = {name: _pictured(looks) for name, looks in after.items()}
        return after

    def ending(self, state: State) -> list[str]:
        """Return the names and handles of who is forgotten by it."""
        if self.kind == "forget":
            return [self.name]
        if self.kind == "lose":
            return [self.handle]
        strangers = [name for name in state if name.startswith(HANDLE)]
        if self.kind == "expire":
            return [name for name in strangers if not state[name][IGNORED]]
        return strangers if self.kind == "upgrade" else []


def choose(random: Random, state: State) -> Operation:
    """Return something that is possible now, of people or of those who are remembered."""
    if random.random() < 0.4:
        return _choose_unknown(random, state)
    people = sorted(name for name in state if not name.startswith(HANDLE))
    if people and random.random() < len(people) / CROWD / 2:
        return Operation("forget", random.choice(people))
    name = random.choice(people) if people and random.random() < 0.2 else f"p{random.getrandbits(48)}"
    return Operation("enrol", name, random.getrandbits(48), random.randint(1, 5))


def _choose_unknown(random: Random, state: State) -> Operation:
    strangers = sorted(name for name in state if name.startswith(HANDLE))
    new = Operation("remember", "", random.getrandbits(48), random.randint(1, 5))
    if not strangers or random.random() > 0.5 + len(strangers) / STRANGERS / 2:
        return new
    people = sorted(name for name in state if not name.startswith(HANDLE))
    name = random.choice(people) if people and random.random() < 0.2 else f"p{random.getrandbits(48)}"
    kind = random.choice(("come", "ignore", "lose", "name", "name", "expire"))
    one = new.of(random.choice(strangers), kind, name if kind == "name" else "")
    return Operation(kind) if kind == "expire" else one


@dataclass(frozen=True)
class ChipReader:
    """An embedder that sees a look in a chip as one of the two models would."""

    model: str

    def embed(self, chips: Sequence[Image]) -> list[Embedding]:
        marks = [chip.reshape(-1)[:9].tobytes() for chip in chips]
        looks = [Operation("enrol", "", int.from_bytes(mark[:8]), mark[8] + 1) for mark in marks]
        return [look.embeddings(self.model)[-1] for look in looks]


def digest(embedding: Embedding) -> str:
    """Return the digest of a look, the same whichever model has seen it."""
    vector = np.roll(embedding.vector, -TURN[embedding.model])
    return hashlib.sha256(vector.astype(STORED).tobytes()).hexdigest()


def digest_of(template: Template) -> str:
    """Return the digest of a stored look of somebody who is enrolled."""
    return digest(template.embedding) + BARE * template.source.startswith(PREFIX)


def model_in_use(path: Path) -> tuple[str, str]:
    """Return the model that a gallery is of, and the one that it goes over to, or would."""
    upgrades = model_upgrade.upgrades_of(path)
    if not upgrades:
        return MODEL, OTHER
    last = upgrades[-1]
    return (last.old, last.new) if last.ended is None else (last.new, last.old)


def perform(gallery: Gallery, path: Path, asked: Operation, models: tuple[str, str], *, both: bool) -> list[str]:
    """Do what is asked in a gallery that is open for the first of the models.

    Return the names, as they are stored, of who is forgotten by it.
    """
    if asked.kind == "migrate":
        _age(path)
        migrate_file(path)
        return []
    if asked.kind == "upgrade":
        return _upgrade(gallery, path, models)
    if asked.kind == "enrol":
        upcoming = asked.embeddings(models[1]) if both else []
        gallery.add(asked.name, asked.embeddings(models[0]), chips=asked.chips(), upcoming=upcoming)
        return []
    if asked.kind == "forget":
        return [gallery.erase(asked.name).name]
    return _perform_unknown(gallery, asked, models[0])


def _perform_unknown(gallery: Gallery, asked: Operation, model: str) -> list[str]:
    unknowns = Unknowns(gallery, keep_seconds=-1, most=10**6, away_seconds=-1e9)
    if asked.kind == "remember":
        unknowns.remember(asked.embeddings(model))
        return []
    if asked.kind == "expire":
        return [receipt.name for receipt in unknowns.sweep()]
    first = digest(asked.embeddings(model)[0])
    [number] = [look.identity.id for look in gallery.unknown_looks() if digest(look.embedding) == first]
    if asked.kind == "name":
        unknowns.name(number, asked.name)
        return [f"{MARK}{PREFIX}{number}"]
    if asked.kind == "lose":
        return [unknowns.forget(number).name]
    assert (unknowns.came if asked.kind == "come" else unknowns.ignore)(number)
    return []


def _age(path: Path) -> None:
    """Leave a gallery as an edgeface of the schema OLDER would have."""
    with closing(connect_to_write(path)) as connection:
        for pragma in ("foreign_keys", "secure_delete"):
            connection.execute(f"PRAGMA {pragma} = ON")
        with transaction(connection):
            connection.execute(f"DELETE FROM people AS p WHERE {UNKNOWN}")
            for table in ("visits", "unknowns"):
                connection.execute(f"DROP TABLE {table}")
            connection.execute("DELETE FROM migrations WHERE number > ?", (OLDER,))
        empty_log(connection)


def _upgrade(gallery: Gallery, path: Path, models: tuple[str, str]) -> list[str]:
    """Go over to the other model, as `succession` does."""
    with gallery.changing() as connection:
        model_upgrade.begin(connection, *models, now=time.time())
    move_looks(gallery, path, ChipReader(models[1]))
    with gallery.changing() as connection:
        assert not model_upgrade.unmoved_looks(connection)
        model_upgrade.finish(connection, now=time.time())
    gallery.wipe()
    return [receipt.name for receipt in Unknowns(gallery, keep_seconds=0).drop_lost()]


def _pictured(looks: Counter[str]) -> Counter[str]:
    return Counter({look: count for look, count in looks.items() if not look.endswith(BARE)})

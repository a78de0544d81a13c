"""What a gallery must hold after a crash: all that was acknowledged, and of the rest all or nothing."""

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

from edgeface.core.align import CHIP_SIZE
from edgeface.core.types import Embedding, Image
from edgeface.drivers import model_upgrade
from edgeface.drivers.gallery_rows import STORED
from edgeface.drivers.master_key import Master
from edgeface.drivers.store import Gallery
from edgeface.errors import MasterKeyError, StoreError
from edgeface.succession import move_looks

MODEL, OTHER = "ab" * 32, "cd" * 32
TURN = {MODEL: 0, OTHER: 1}
SIZE = 256
CROWD = 24
"""About so many people are enrolled at a time."""

State = dict[str, Counter[str]]
"""The digests of each person's vectors."""


@dataclass(frozen=True)
class Operation:
    """Something that is asked of a gallery; made up from a seed, without a network."""

    kind: str
    """enrol, forget, backup, upgrade: to the other of two models, or rotate: to the master key of number `seed`."""
    name: str = ""
    seed: int = 0
    looks: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.name or '-'} {self.seed} {self.looks}"

    @staticmethod
    def parse(text: str) -> "Operation":
        kind, name, seed, looks = text.split()
        return Operation(kind, name, int(seed), int(looks))

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
        if self.kind == "enrol":
            after[self.name] = after.get(self.name, Counter()) + Counter(map(digest, self.embeddings()))
        elif self.kind == "forget":
            del after[self.name]
        return after


def choose(random: Random, state: State) -> Operation:
    """Return an enrolment, further looks of somebody, or a forgetting that is possible now."""
    if state and random.random() < len(state) / CROWD / 2:
        return Operation("forget", random.choice(sorted(state)))
    name = random.choice(sorted(state)) if state and random.random() < 0.2 else f"p{random.getrandbits(48)}"
    return Operation("enrol", name, random.getrandbits(48), random.randint(1, 5))


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


def model_in_use(path: Path) -> tuple[str, str]:
    """Return the model that a gallery is of, and the one that it goes over to, or would."""
    upgrades = model_upgrade.upgrades_of(path)
    if not upgrades:
        return MODEL, OTHER
    last = upgrades[-1]
    return (last.old, last.new) if last.ended is None else (last.new, last.old)


def perform(gallery: Gallery, path: Path, asked: Operation, models: tuple[str, str], *, both: bool) -> None:
    """Do what is asked in a gallery that is open for the first of the models."""
    if asked.kind == "upgrade":
        with gallery.changing() as connection:
            model_upgrade.begin(connection, *models, now=time.time())
        move_looks(gallery, path, ChipReader(models[1]))
        with gallery.changing() as connection:
            assert all(person.moved == person.looks for person in model_upgrade.progress(connection))
            model_upgrade.finish(connection, now=time.time())
    elif asked.kind == "enrol":
        upcoming = asked.embeddings(models[1]) if both else []
        gallery.add(asked.name, asked.embeddings(models[0]), chips=asked.chips(), upcoming=upcoming)
    else:
        gallery.forget(asked.name)


def _content(gallery: Gallery, model: str) -> State:
    found: State = {}
    for template in gallery.templates():
        if template.embedding.model != model:
            raise StoreError("a vector of another model was read")
        found.setdefault(template.identity.name, Counter())[digest(template.embedding)] += 1
    return found


@dataclass
class Findings:
    """What crashes did; the faults, from `lost` to `traces`, must stay 0."""

    acknowledged: int = 0
    """Operations that had returned when the crash came."""
    half_way: int = 0
    """Galleries that were found between two models, and go on from there."""
    lost: int = 0
    """Acknowledged enrolments of which anything is missing."""
    resurrected: int = 0
    """Acknowledged forgettings whose person is there."""
    corrupt: int = 0
    """Galleries or backups that do not open, fail the integrity check or hold what nobody asked for in full."""
    traces: int = 0
    """Forgotten people of whom a vector is still in the gallery's files."""
    seen: list[str] = field(default_factory=list)
    """Each fault in words."""
    master: Master | None = None
    """The master key of encrypted galleries."""
    coming: Master | None = None
    """The one that it may be already, while it is being changed."""

    def judge(self, path: Path, before: State, pending: Operation | None, where: str) -> State:
        """Open the gallery as the next command would, and return what it holds."""
        try:
            now, coming = model_in_use(path)
            with Gallery(path, now, master=self._fitting(path, now)) as gallery, gallery.beside(coming) as moved:
                found = _content(gallery, now)
                nobody = {person.identity.name for person in gallery.people()} - set(found)
                last = gallery.upgrade()
                half_way = last is not None and last.ended is None
                new = _content(moved, coming) if half_way else {}
                self.half_way += half_way
        except StoreError as error:
            self.corrupt += 1
            self.seen.append(f"{where}: {error}")
            return before
        if any(looks - found.get(name, Counter()) for name, looks in new.items()):
            self.corrupt += 1
            self.seen.append(f"{where}: the model to come has looks that nobody has")
        after = pending.apply(before) if pending else before
        if nobody or found not in (before, after):
            self._blame(found, before, after, where)
        return found

    def _fitting(self, path: Path, model: str) -> Master | None:
        """Return the master key that opens the gallery, of the two that may."""
        if self.coming is None:
            return self.master
        with Gallery(path, model, master=self.master) as gallery:
            try:
                gallery.templates()
            except MasterKeyError:
                return self.coming
        return self.master

    def _blame(self, found: State, before: State, after: State, where: str) -> None:
        lost = [name for name in before if name in after and before[name] - found.get(name, Counter())]
        extra = [name for name in found if name not in before and name not in after]
        self.lost += len(lost)
        self.resurrected += len(extra)
        self.corrupt += not lost and not extra  # half of the operation that was going on
        self.seen.append(f"{where}: lost {lost}, resurrected {extra}, found {sorted(found)}")

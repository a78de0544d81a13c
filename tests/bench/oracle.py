"""What a gallery must hold after a crash: all that was acknowledged, and of the rest all or nothing."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

from edgeface.core.types import Embedding
from edgeface.drivers.gallery_rows import STORED
from edgeface.drivers.master_key import Master
from edgeface.drivers.store import Gallery
from edgeface.errors import StoreError

MODEL = "ab" * 32
SIZE = 256
CROWD = 24
"""About so many people are enrolled at a time."""

State = dict[str, Counter[str]]
"""The digests of each person's vectors."""


@dataclass(frozen=True)
class Operation:
    """Something that is asked of a gallery; made up from a seed, without a network."""

    kind: str
    """enrol, forget or backup."""
    name: str = ""
    seed: int = 0
    looks: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.name or '-'} {self.seed} {self.looks}"

    @staticmethod
    def parse(text: str) -> "Operation":
        kind, name, seed, looks = text.split()
        return Operation(kind, name, int(seed), int(looks))

    def embeddings(self) -> list[Embedding]:
        vectors = np.random.default_rng(self.seed).normal(size=(self.looks, SIZE))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return [Embedding(vector, MODEL) for vector in vectors.astype(np.float32)]

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


def digest(embedding: Embedding) -> str:
    return hashlib.sha256(embedding.vector.astype(STORED).tobytes()).hexdigest()


@dataclass
class Findings:
    """What crashes did; everything but `acknowledged` must stay 0."""

    acknowledged: int = 0
    """Operations that had returned when the crash came."""
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

    def judge(self, path: Path, before: State, pending: Operation | None, where: str) -> State:
        """Open the gallery as the next command would, and return what it holds."""
        try:
            with Gallery(path, MODEL, master=self.master) as gallery:
                found: State = {}
                for template in gallery.templates():
                    found.setdefault(template.identity.name, Counter())[digest(template.embedding)] += 1
                nobody = {person.identity.name for person in gallery.people()} - set(found)
        except StoreError as error:
            self.corrupt += 1
            self.seen.append(f"{where}: {error}")
            return before
        after = pending.apply(before) if pending else before
        if nobody or found not in (before, after):
            self._blame(found, before, after, where)
        return found

    def _blame(self, found: State, before: State, after: State, where: str) -> None:
        lost = [name for name in before if name in after and before[name] - found.get(name, Counter())]
        extra = [name for name in found if name not in before and name not in after]
        self.lost += len(lost)
        self.resurrected += len(extra)
        self.corrupt += not lost and not extra  # half of the operation that was going on
        self.seen.append(f"{where}: lost {lost}, resurrected {extra}, found {sorted(found)}")

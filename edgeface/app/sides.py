"""Match faces by one model, or by two side by side while a gallery goes over from one to the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgeface.app.stages import Stage, untimed
from edgeface.core.decision import Policy, judge, settle
from edgeface.core.protocols import Embedder, Index, PartialIndex
from edgeface.core.types import Embedding, Face, Image, Match


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A model, the people as it sees them, and when it names one."""

    embedder: Embedder
    index: Index
    policy: Policy


@dataclass(frozen=True, slots=True, eq=False)
class Successor:
    """The model that a gallery is being upgraded to, and those who are moved."""

    embedder: Embedder
    index: PartialIndex
    policy: Policy


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One look at a face, and whom it shows."""

    match: Match
    embedding: Embedding
    """By the model in use: while a gallery goes over to another one, by the old model, whoever is named."""


def match(
    faces: Sequence[Face],
    chips: Sequence[Image],
    side: Side,
    successor: Successor | None = None,
    *,
    stage: Stage = untimed,
) -> list[Look]:
    """Look at each face, given its chip, and say whom it shows.

    With a successor each face is embedded by both models, each vector is compared with those of its own model, and
    each model judges by a policy of its own; `core.decision.settle` makes one word of the two.
    """
    before = _by(faces, chips, side, stage)
    if successor is None:
        return before
    after = _by(faces, chips, successor, stage)
    settled = [settle(old.match, new.match, successor.index.holds) for old, new in zip(before, after, strict=True)]
    return [replace(old, match=said) for old, said in zip(before, settled, strict=True)]


def _by(faces: Sequence[Face], chips: Sequence[Image], side: Side | Successor, stage: Stage) -> list[Look]:
    with stage("embed"):
        embeddings = side.embedder.embed(chips)
    with stage("search"):
        nearest = [side.index.nearest(embedding, 2) for embedding in embeddings]
    with stage("decide"):
        looks = zip(faces, embeddings, nearest, strict=True)
        return [Look(judge(face, people, side.policy), embedding) for face, embedding, people in looks]

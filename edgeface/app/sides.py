"""Match faces by one model, or by two side by side while a gallery goes over from one to the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgeface.app.stages import Stage, untimed
from edgeface.core.decision import Policy, judge, settle
from edgeface.core.protocols import Embedder, Index, PartialIndex
from edgeface.core.types import Face, Image, Match


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


def match(
    faces: Sequence[Face],
    chips: Sequence[Image],
    side: Side,
    successor: Successor | None = None,
    *,
    stage: Stage = untimed,
) -> list[Match]:
    """Say whom each face shows, given its chip.

    With a successor each face is embedded by both models, each vector is compared with those of its own model, and
    each model judges by a policy of its own; `core.decision.settle` makes one word of the two.
    """
    before = _by(faces, chips, side, stage)
    if successor is None:
        return before
    after = _by(faces, chips, successor, stage)
    return [settle(old, new, successor.index.holds) for old, new in zip(before, after, strict=True)]


def _by(faces: Sequence[Face], chips: Sequence[Image], side: Side | Successor, stage: Stage) -> list[Match]:
    with stage("embed"):
        embeddings = side.embedder.embed(chips)
    with stage("search"):
        nearest = [side.index.nearest(embedding, 2) for embedding in embeddings]
    with stage("decide"):
        return [judge(face, people, side.policy) for face, people in zip(faces, nearest, strict=True)]

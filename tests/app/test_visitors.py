"""Unknown people get the same id on every visit, where they are remembered."""

from dataclasses import replace

import numpy as np
import pytest

from edgeface.app.pipeline import Pipeline
from edgeface.app.run import watch
from edgeface.app.visitors import Visitors
from edgeface.core.decision import Policy
from edgeface.core.presence import Presence
from edgeface.core.tracking import Tracker
from edgeface.core.types import Identity, Visitor
from edgeface.errors import StoreError
from tests.fakes import (
    BLUE,
    RED,
    YELLOW,
    ColourEmbedder,
    ListSink,
    PaintedCamera,
    Square,
    SquareDetector,
    gallery_of,
    paint,
)

STRANGER, OTHER, ALICE, NOBODY = paint(Square(BLUE)), paint(Square(YELLOW)), paint(Square(RED)), paint()
AWAY = [NOBODY] * 40


class FakeMemory:
    """Unknown people in memory; every look-up of somebody is a visit."""

    def __init__(self, *, fails=False):
        self.looks, self.visitors, self.fails = {}, {}, fails

    def nearest(self, query, k):
        best = {
            number: max(float(np.dot(look.vector, query.vector)) for look in looks)
            for number, looks in self.looks.items()
        }
        ordered = sorted(best.items(), key=lambda item: -item[1])[:k]
        return [(Identity(number, str(number)), cosine) for number, cosine in ordered]

    def remember(self, embeddings):
        if self.fails:
            raise StoreError("gallery is full")
        number = len(self.visitors) + 1
        self.looks[number] = list(embeddings)
        self.visitors[number] = Visitor(f"unknown-{number}", 0)
        return number

    def came(self, number):
        self.visitors[number] = replace(self.visitors[number], visits=self.visitors[number].visits + 1)
        return self.visitors[number]

    def forget(self, number):
        del self.looks[number], self.visitors[number]


@pytest.fixture
def memory():
    return FakeMemory()


def watched(memory, pictures):
    sink, policy = ListSink(), Policy(threshold=0.8)
    pipeline = Pipeline(
        detector=SquareDetector(),
        embedder=ColourEmbedder(),
        index=gallery_of(alice=RED),
        policy=policy,
        tracker=Tracker(),
    )
    visitors = Visitors(memory, policy, 1.5)
    watch(PaintedCamera(pictures), pipeline, Presence(patience_seconds=2.0), [sink], visitors=visitors)
    return [(e.kind, e.name, e.unknown and e.unknown.name, e.unknown and e.unknown.visits) for e in sink.events]


def test_somebody_who_comes_again_has_the_same_id_and_another_person_another_one(memory):
    events = watched(memory, [STRANGER] * 10 + AWAY + [OTHER] * 10 + AWAY + [STRANGER] * 10)
    assert events == [
        ("arrived", None, "unknown-1", 1),
        ("left", None, "unknown-1", 1),
        ("arrived", None, "unknown-2", 1),
        ("left", None, "unknown-2", 1),
        ("arrived", None, "unknown-1", 2),
        ("left", None, "unknown-1", 2),
    ]
    assert watched(memory, [STRANGER] * 10)[0] == ("arrived", None, "unknown-1", 3)


def test_who_is_enrolled_is_not_remembered(memory):
    assert watched(memory, [ALICE] * 10)[0] == ("arrived", "alice", None, None)
    assert memory.looks == {}


def test_who_is_enrolled_and_turns_away_is_not_remembered(memory):
    watched(memory, [ALICE] * 10 + [paint(Square((150, 40, 150)))] * 30)
    assert memory.looks == {}


def test_who_turns_out_to_be_enrolled_is_forgotten_again(memory):
    events = watched(memory, [STRANGER] * 10 + [ALICE] * 10)
    assert ("arrived", "alice", None, None) in events
    assert memory.looks == {}


def test_of_whom_is_ignored_there_is_no_event(memory):
    watched(memory, [STRANGER] * 10)
    memory.visitors[1] = replace(memory.visitors[1], ignored=True)
    assert watched(memory, [STRANGER] * 10) == []


def test_a_memory_that_fails_costs_the_id_and_no_event(caplog):
    events = watched(FakeMemory(fails=True), [STRANGER] * 10)
    assert events == [("arrived", None, None, None), ("left", None, None, None)]
    assert [record.getMessage() for record in caplog.records] == [
        "an unknown person is not remembered: gallery is full"
    ]

"""Two models side by side: each meets its own vectors only, and both are asked about each face."""

import numpy as np

from edgeface.app.identify import identify
from edgeface.app.pipeline import Pipeline
from edgeface.app.sides import Successor
from edgeface.core.align import align
from edgeface.core.decision import Policy
from edgeface.core.tracking import Tracker
from edgeface.core.types import Frame
from tests.fakes import (
    BLUE,
    GREEN,
    MODEL,
    NEW_MODEL,
    PINKISH,
    RED,
    ColourEmbedder,
    FakeGallery,
    HueEmbedder,
    Square,
    SquareDetector,
    gallery_of,
    paint,
)

OLD, NEW = Policy(0.8), Policy(0.9)


class OneModelOnly(FakeGallery):
    """Fails when it is asked about a vector of another model."""

    def __init__(self, model, looks):
        super().__init__()
        self.model, self.looks = model, looks

    def nearest(self, query, k):
        assert query.model == self.model
        return super().nearest(query, k)


def sides(**people):
    """Return the parts of a pipeline whose gallery goes over: who is given with True is moved."""
    old = gallery_of(**{name: colour for name, (colour, _) in people.items()}).looks
    new, embedder, detector = [], HueEmbedder(), SquareDetector()
    for identity, _ in old:
        colour, moved = people[identity.name]
        if moved:
            image = paint(Square(colour))
            [face] = detector.detect(image)
            new += [(identity, embedding) for embedding in embedder.embed([align(image, face.landmarks)])]
    return {
        "detector": detector,
        "embedder": ColourEmbedder(),
        "index": OneModelOnly(MODEL, old),
        "policy": OLD,
        "successor": Successor(HueEmbedder(), OneModelOnly(NEW_MODEL, new), NEW),
    }


def names(matches):
    return [match.identity.name if match.identity else None for match in matches]


def test_the_moved_and_the_others_are_named_and_a_stranger_is_not():
    parts = sides(alice=(RED, True), bob=(GREEN, False))
    picture = paint(Square(RED, left=0), Square(GREEN, left=150), Square(BLUE, left=300))
    matches = identify(picture, **parts)
    assert sorted(map(str, names(matches))) == ["None", "alice", "bob"]
    assert (parts["embedder"].chips_seen, parts["successor"].embedder.chips_seen) == (3, 3)


def test_somebody_like_a_person_who_is_not_moved_is_told_apart_by_the_old_model_s_margin():
    assert names(identify(paint(Square(RED)), **sides(alice=(RED, True), twin=(PINKISH, False)))) == ["alice"]
    assert names(identify(paint(Square(RED)), **sides(alice=(RED, False), twin=(PINKISH, False)))) == [None]


def test_a_stream_is_voted_on_by_both_models():
    pipeline = Pipeline(tracker=Tracker(patience_seconds=1.0), **sides(alice=(RED, True), bob=(GREEN, False)))
    picture = paint(Square(RED), Square(GREEN, left=300))
    for number in range(3):
        seen = pipeline.recognize(Frame(picture, 100 + number / 10))
    assert {face.verdict.identity.name for face in seen.faces if face.verdict.identity} == {"alice", "bob"}


def test_nobody_to_look_at_is_nothing_to_embed():
    parts = sides(alice=(RED, True))
    assert identify(np.zeros((180, 520, 3), np.uint8), **parts) == []
    assert parts["successor"].embedder.chips_seen == 0


def test_a_stranger_s_looks_are_of_the_model_in_use_while_it_is_changed():
    pipeline = Pipeline(tracker=Tracker(patience_seconds=1.0), **sides(alice=(RED, True)))
    for number in range(5):
        [seen] = pipeline.recognize(Frame(paint(Square(BLUE)), 100 + number / 10)).faces
    assert (seen.verdict.state, [look.model for look in seen.looks]) == ("unknown", [MODEL] * 5)

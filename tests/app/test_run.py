"""From frames to events, and how a watch ends."""

import pytest

from edgeface.app.pipeline import Pipeline
from edgeface.app.run import watch
from edgeface.core.decision import Policy
from edgeface.core.presence import Presence
from edgeface.core.tracking import Tracker
from edgeface.errors import CameraError
from tests.fakes import (
    BLUE,
    GREEN,
    RED,
    START,
    ColourEmbedder,
    ListSink,
    PaintedCamera,
    Square,
    SquareDetector,
    gallery_of,
    paint,
)

ALICE, BOB, STRANGER, NOBODY = paint(Square(RED)), paint(Square(GREEN)), paint(Square(BLUE)), paint()


class FailingCamera(PaintedCamera):
    """Fails in some way after its last picture."""

    def __init__(self, pictures, failure):
        super().__init__(pictures)
        self.failure = failure

    def frames(self):
        yield from super().frames()
        raise self.failure


def watched(camera, **options):
    sink = ListSink()
    pipeline = Pipeline(
        detector=SquareDetector(),
        embedder=ColourEmbedder(),
        index=gallery_of(alice=RED, bob=GREEN),
        policy=Policy(threshold=0.8),
        tracker=Tracker(),
    )
    try:
        summary = watch(camera, pipeline, Presence(patience_seconds=2.0), [sink], **options)
    finally:
        watched.events = [(event.kind, event.name, round(event.at - START, 3)) for event in sink.events]
    return summary


def test_somebody_arrives_once_and_leaves_at_their_last_sight():
    watched(PaintedCamera([NOBODY] * 10 + [ALICE] * 20 + [NOBODY] * 40))
    assert watched.events == [("arrived", "alice", 1.2), ("left", "alice", 2.9)]


def test_a_glimpse_is_not_an_arrival():
    watched(PaintedCamera([NOBODY, ALICE, ALICE] + [NOBODY] * 30))
    assert watched.events == []


def test_a_stranger_has_no_name():
    watched(PaintedCamera([STRANGER] * 10))
    assert watched.events == [("arrived", None, 0.4), ("left", None, 0.9)]


def test_a_short_absence_is_no_departure():
    watched(PaintedCamera([ALICE] * 5 + [NOBODY] * 15 + [ALICE] * 5))
    assert watched.events == [("arrived", "alice", 0.2), ("left", "alice", 2.4)]


def test_who_is_present_leaves_when_the_source_ends():
    summary = watched(PaintedCamera([paint(Square(RED, left=40), Square(GREEN, left=400))] * 5))
    assert sorted(watched.events) == [
        ("arrived", "alice", 0.2),
        ("arrived", "bob", 0.2),
        ("left", "alice", 0.4),
        ("left", "bob", 0.4),
    ]
    assert (summary.frames, summary.events) == (5, 4)
    assert summary.seconds == pytest.approx(0.4)


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), CameraError("camera 0 stalls"), SystemExit(0)])
def test_who_is_present_leaves_however_the_watch_ends(failure):
    with pytest.raises(type(failure)):
        watched(FailingCamera([ALICE] * 5, failure))
    assert watched.events == [("arrived", "alice", 0.2), ("left", "alice", 0.4)]


def test_a_source_without_frames_is_no_event():
    assert watched(PaintedCamera([])).frames == 0
    assert watched.events == []


def test_with_a_duty_only_every_nth_frame_is_examined():
    seen = []
    summary = watched(PaintedCamera([ALICE] * 12), every=4, on_frame=seen.append)
    assert summary.frames == 3
    assert [recognition.frame.seconds - START for recognition in seen] == pytest.approx([0, 0.4, 0.8])

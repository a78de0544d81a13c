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


def watched(camera, patience_seconds=2.0, **options):
    sink = ListSink()
    pipeline = Pipeline(
        detector=SquareDetector(),
        embedder=ColourEmbedder(),
        index=gallery_of(alice=RED, bob=GREEN),
        policy=Policy(threshold=0.8),
        tracker=Tracker(),
    )
    try:
        summary = watch(camera, pipeline, Presence(patience_seconds=patience_seconds), [sink], **options)
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


def lit(*squares):
    """The same people with the light on."""
    return paint(*squares, wall=90)


@pytest.mark.parametrize(("colour", "name", "arrives"), [(RED, "alice", 0.2), (BLUE, None, 0.4)])
def test_a_light_switched_on_and_off_neither_ends_nor_repeats_a_visit(colour, name, arrives):
    dark, bright = paint(Square(colour)), lit(Square(colour))
    watched(PaintedCamera([dark] * 20 + [bright] * 20 + [dark] * 20))
    assert watched.events == [("arrived", name, arrives), ("left", name, 5.9)]


def test_a_light_that_flickers_neither_ends_nor_repeats_a_visit():
    watched(PaintedCamera([ALICE, lit(Square(RED))] * 40))
    assert watched.events == [("arrived", "alice", pytest.approx(0.3, abs=0.1)), ("left", "alice", 7.9)]


def test_who_stands_up_close_to_the_lens_does_not_end_the_visits_behind():
    behind, close = Square(RED, left=20), Square(GREEN, left=300, top=2, size=176)
    watched(PaintedCamera([paint(behind)] * 20 + [paint(behind, close)] * 20 + [paint(behind)] * 10))
    assert [event for event in watched.events if event[1] == "alice"] == [
        ("arrived", "alice", 0.2),
        ("left", "alice", 4.9),
    ]
    assert ("arrived", "bob", 2.2) in watched.events


def test_at_one_frame_a_second_a_visit_lasts_through_every_light():
    camera = PaintedCamera([ALICE, ALICE, ALICE, lit(Square(RED)), ALICE, lit(Square(RED))], fps=1)
    watched(camera, patience_seconds=10.0)
    assert watched.events == [("arrived", "alice", 2.0), ("left", "alice", 5.0)]


def test_a_source_without_frames_is_no_event():
    assert watched(PaintedCamera([])).frames == 0
    assert watched.events == []


def test_with_a_duty_only_every_nth_frame_is_examined():
    seen = []
    summary = watched(PaintedCamera([ALICE] * 12), every=4, on_frame=seen.append)
    assert summary.frames == 3
    assert [recognition.frame.seconds - START for recognition in seen] == pytest.approx([0, 0.4, 0.8])


def test_the_camera_is_said_to_be_up_with_its_first_frame_and_down_when_it_fails():
    told = []
    with pytest.raises(CameraError):
        watched(FailingCamera([ALICE] * 3, CameraError("it was unplugged")), on_camera=told.append)
    assert [(event.state, event.reason, round(event.at - START, 3)) for event in told] == [
        ("up", None, 0.0),
        ("down", "it was unplugged", 0.2),
    ]


def test_a_recording_that_ends_is_no_camera_that_fails():
    told = []
    watched(PaintedCamera([ALICE] * 3), on_camera=told.append)
    assert [event.state for event in told] == ["up"]

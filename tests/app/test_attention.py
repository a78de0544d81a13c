"""The motion gate spares searches and loses nobody."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface import wiring_cameras
from edgeface.app.attention import Attention
from edgeface.app.pipeline import Pipeline
from edgeface.app.run import watch
from edgeface.config import load
from edgeface.core.decision import Policy
from edgeface.core.duty import Duty, DutyLimits
from edgeface.core.faceless import Faceless
from edgeface.core.motion import Motion
from edgeface.core.presence import Presence
from edgeface.core.tracking import Tracker
from tests.fakes import (
    BLUE,
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

FPS = 5
ALICE, STRANGER, NOBODY = paint(Square(RED)), paint(Square(BLUE)), paint()
BOWED = paint(Square(RED, turned=True))
"""Alice, of whom the detector sees a face that cannot be judged."""


class CountingDetector(SquareDetector):
    """Counts searches; blind in those whose numbers it is given. It remembers what is in a picture, to be fast."""

    def __init__(self, blind=()):
        self.searches, self.blind, self.known = 0, blind, {}

    def detect(self, image):
        self.searches += 1
        if id(image) not in self.known:
            self.known[id(image)] = super().detect(image)
        return [] if self.searches in self.blind else self.known[id(image)]


def watched(pictures, *, gate=True, patience_seconds=10.0, blind=()):
    """Return the events, as kind, name and seconds, and how many frames were searched."""
    sink, detector = ListSink(), CountingDetector(blind)
    pipeline = Pipeline(
        detector=detector,
        embedder=ColourEmbedder(),
        index=gallery_of(alice=RED),
        policy=Policy(threshold=0.8),
        tracker=Tracker(patience_seconds=1.5),
    )
    duty = Duty(Motion(), DutyLimits(check_seconds=2.0, follow_seconds=1.5))
    attention = Attention(duty, Faceless(10.0)) if gate else None
    watch(PaintedCamera(pictures, fps=FPS), pipeline, Presence(patience_seconds), [sink], attention=attention)
    told = [(event.kind, getattr(event, "name", None), round(event.at - START, 3)) for event in sink.events]
    return told, detector.searches


def test_who_stands_still_for_minutes_has_not_left():
    pictures = [NOBODY] * 20 + [ALICE] * 180 * FPS
    events, _ = watched(pictures)
    assert events == [("arrived", "alice", 4.4), ("left", "alice", 183.8)]


def test_a_stranger_who_stands_still_has_not_left_either():
    events, _ = watched([NOBODY] * 20 + [STRANGER] * 120 * FPS)
    assert events == [("arrived", None, 4.8), ("left", None, 123.8)]


def test_who_is_background_already_and_unseen_for_nine_seconds_has_not_left():
    # For the detector she is gone, track and all, while nothing in the picture moves.
    before = 20 + 60 * FPS
    events, searches = watched([NOBODY] * 20 + [ALICE] * 180 * FPS, blind=range(before, before + 9 * FPS))
    assert searches > before + 9 * FPS
    assert events == [("arrived", "alice", 4.4), ("left", "alice", 183.8)]


def test_who_stood_there_before_edgeface_began_and_never_moves_arrives():
    assert watched([ALICE] * 30)[0] == [("arrived", "alice", 0.4), ("left", "alice", 5.8)]


def test_a_face_that_only_turns_to_the_camera_when_all_is_still_is_found_by_the_regular_search():
    blind = range(0, 200)
    events, searches = watched([NOBODY] * 20 + [ALICE] * 400 * FPS, blind=blind)
    assert searches > 200
    assert [event[:2] for event in events] == [("arrived", "alice"), ("left", "alice")]


def test_an_empty_room_is_hardly_searched():
    events, searches = watched([NOBODY] * 60 * FPS)
    assert (events, searches) == ([], 30)


def test_without_a_gate_every_frame_is_searched():
    assert watched([NOBODY] * 60 * FPS, gate=False)[1] == 300


def test_who_moves_for_ten_seconds_without_a_face_is_told_of_once():
    pacing = [paint(Square(RED, left=20 * (number % 20))) for number in range(20)]
    events, searches = watched([NOBODY] * 100 + pacing * 5, blind=range(10_000))
    assert events == [("no_face", None, 30.0)]
    assert searches >= 100


def test_who_shows_a_face_and_turns_away_while_walking_is_no_somebody_without_a_face():
    pacing = [paint(Square(RED, left=20 * (number % 20))) for number in range(20)]
    events, _ = watched([ALICE] * 20 + pacing * 2, blind=range(20, 10_000))
    assert [kind for kind, *_ in events] == ["arrived", "left"]


@pytest.mark.parametrize(
    ("gate", "source", "gated"),
    [
        ("live", "0", True),
        ("live", "rtsp://door/stream", True),
        ("live", "film.mp4", False),
        ("live", "pictures", False),
        ("always", "film.mp4", True),
        ("never", "0", False),
    ],
)
def test_live_cameras_have_a_gate_and_recordings_are_searched_in_full(gate, source, gated):
    config = load([], [f"motion.gate={gate}", f"camera.source={source}"])
    assert (wiring_cameras.make_attention(config) is not None) == gated


SCENES = st.lists(st.tuples(st.sampled_from("NASB"), st.integers(1, 75)), min_size=1, max_size=6)


@settings(max_examples=10, deadline=None)
@given(SCENES)
def test_whoever_comes_and_goes_the_events_are_those_of_a_watch_without_a_gate(scenes):
    kinds = {"N": NOBODY, "A": ALICE, "S": STRANGER, "B": BOWED}
    pictures = [kinds[kind] for kind, frames in scenes for _ in range(frames)]
    assert watched(pictures)[0] == watched(pictures, gate=False)[0]

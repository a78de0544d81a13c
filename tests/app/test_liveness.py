"""Names are withheld from pictures, and only from them: a painted face whose nose moves is alive."""

import math

import pytest

from edgeface.app.liveness import Prover
from edgeface.app.liveness_trials import live_trial, rate_of, trials_of
from edgeface.app.pipeline import Pipeline
from edgeface.app.run import watch
from edgeface.core.decision import Policy
from edgeface.core.liveness import LivenessLimits
from edgeface.core.presence import Presence
from edgeface.core.tracking import Tracker
from edgeface.core.types import Event, UnprovenEvent
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

MOTION = LivenessLimits(turns=0)


def facing(colour, degrees=0.0, **place):
    """Paint somebody whose nose, a white dot, points so far to their left."""
    square = Square(colour, **place)
    image = paint(square)
    column = square.left + square.size // 2 + round(math.tan(math.radians(degrees)) * 35.2 * 0.5)
    row = square.top + 72
    image[row - 2 : row + 2, column - 2 : column + 2] = 255
    return image


def still(colour, seconds=6.0):
    return [facing(colour)] * round(seconds * 10)


def living(colour, seconds=6.0):
    return [facing(colour, 25 * math.sin(number / 5)) for number in range(round(seconds * 10))]


def turning(*degrees, colour=RED):
    """Look ahead, then turn to each side and back."""
    views = [0, *(view for angle in degrees for view in (angle, 0))]
    return [facing(colour, view) for view in views for _ in range(8)]


def watched(pictures, limits=MOTION, sides=("left",), *, required=True):
    sink, drawn = ListSink(), iter(sides * 50)
    pipeline = Pipeline(
        detector=SquareDetector(),
        embedder=ColourEmbedder(),
        index=gallery_of(alice=RED, bob=GREEN),
        policy=Policy(threshold=0.8),
        tracker=Tracker(),
    )
    prover = Prover(limits, lambda: next(drawn), required=required)
    watch(PaintedCamera(pictures), pipeline, Presence(patience_seconds=2.0), [sink], prover=prover)
    return sink.events


def names(events):
    return [(event.kind, event.name) for event in events if isinstance(event, Event)]


def test_a_still_picture_gets_no_name_and_the_one_event_says_that_it_is_unproven():
    [event] = watched(still(RED))
    assert (event.kind, event.state, event.turns) == ("unproven", "failed", ())
    assert event.relief < 0.01


def test_a_picture_that_stays_is_told_of_once():
    assert len(watched(still(RED, seconds=35))) == 1


def test_who_moves_as_the_living_do_arrives_when_that_is_proven_and_nothing_else_is_told():
    events = watched(living(RED))
    assert names(events) == [("arrived", "alice"), ("left", "alice")]
    assert all(event.liveness.verdict == "alive" for event in events)
    assert events[0].at - START > MOTION.window_seconds


def test_strangers_need_no_proof():
    assert names(watched(still(BLUE))) == [("arrived", None), ("left", None)]


def test_evidence_of_one_face_is_none_for_another_in_its_place():
    assert ("arrived", "alice") not in names(watched(living(BLUE) + still(RED)))
    assert ("arrived", "bob") not in names(watched(living(RED) + still(GREEN)))


def test_a_picture_beside_the_living_person_is_not_proven_by_them():
    both = [one.copy() for one in living(RED)]
    for image in both:
        image[:, 300:] = facing(GREEN, left=350)[:, 300:]
    assert names(watched(both)) == [("arrived", "alice"), ("left", "alice")]


def test_turns_are_asked_for_and_the_name_comes_after_them():
    limits = LivenessLimits(turns=2, least_relief=0.02)
    events = watched(turning(30, -30), limits, ("left", "right"))
    assert [(event.kind, event.turns) for event in events if isinstance(event, UnprovenEvent)] == [
        ("unproven", ("left", "right"))
    ]
    assert names(events) == [("arrived", "alice"), ("left", "alice")]


def test_after_a_wrong_turn_other_turns_are_asked_for():
    limits = LivenessLimits(turns=1, least_relief=0.02)
    events = watched(turning(-30, 0, -30), limits, ("left", "right"))
    asked = [event.turns for event in events if isinstance(event, UnprovenEvent)]
    assert asked == [("left",), ("right",)]
    assert names(events)[0] == ("arrived", "alice")


def test_to_log_withholds_nothing_and_says_at_the_end_what_was_seen():
    [arrived, left] = watched(living(RED), required=False)
    assert arrived.at - START < 0.5
    assert (arrived.liveness.verdict, left.liveness.verdict) == ("unproven", "alive")
    [arrived, left] = watched(still(RED), required=False)
    assert (arrived.name, left.liveness.verdict) == ("alice", "unproven")


def test_every_face_of_a_film_that_is_followed_for_long_enough_is_a_trial():
    film = living(RED, 5) + [paint()] * 30 + still(GREEN, 5) + [paint()] * 30 + living(BLUE, 1)
    trials = trials_of(PaintedCamera(film), SquareDetector(), MOTION)
    assert [trial.alive for trial in trials] == [True, False, False]
    refused = rate_of("living", trials, genuine=True, least_seconds=3.25)
    assert (refused.count, refused.trials, refused.too_short, refused.rate) == (1, 2, 1, 0.5)
    accepted = rate_of("print", trials, genuine=False, least_seconds=3.25)
    assert (accepted.count, accepted.trials) == (1, 2)
    assert accepted.low == pytest.approx(0.0945, abs=1e-3) and accepted.high == pytest.approx(0.9055, abs=1e-3)


def test_without_a_trial_there_is_no_rate():
    rate = rate_of("print", [], genuine=False)
    assert (rate.rate, rate.low, rate.median_relief, rate.trials) == (None, None, None, 0)


@pytest.mark.parametrize(("degrees", "alive"), [((30, -30), True), ((30, 30), False), ((), False)])
def test_a_trial_at_the_camera_asks_for_turns(degrees, alive):
    drawn, told = iter(("left", "right") * 9), []
    limits = LivenessLimits(turns=2, least_relief=0.02)
    camera = PaintedCamera(turning(*degrees) + still(RED, 12))
    trial = live_trial(camera, SquareDetector(), limits, draw=lambda: next(drawn), tell=told.append)
    assert trial.alive is alive
    assert told == ["look at the camera, then turn your head: left, right; look ahead after each turn"]


def test_nobody_before_the_camera_is_a_trial_that_failed():
    trial = live_trial(
        PaintedCamera([paint()] * 20), SquareDetector(), MOTION, draw=lambda: "left", tell=lambda line: None
    )
    assert not trial.alive

"""Somebody who moves for long and shows no face is told once."""

import pytest

from edgeface.core.faceless import PAUSE_SECONDS, Faceless
from edgeface.core.types import NoFaceEvent

FPS = 4


def told(*spans):
    """Return the events of spans of (seconds, moves, seen)."""
    faceless, events, frame = Faceless(10.0), [], 0
    for seconds, moves, seen in spans:
        for _ in range(round(seconds * FPS)):
            event = faceless.update(100 + frame / FPS, moves=moves, seen=seen)
            events += [(event.at - 100, event.seconds)] if event else []
            frame += 1
    return events


MOVING, FACE, STILL = (True, False), (True, True), (False, False)


def test_motion_without_a_face_is_told_once_after_its_time():
    assert told((60, *MOVING)) == [(10.0, 10.0)]


def test_a_short_motion_is_not_told():
    assert told((9.9, *MOVING), (60, *STILL)) == []


def test_a_short_rest_does_not_interrupt_it_and_a_long_one_does():
    assert told((6, *MOVING), (PAUSE_SECONDS - 0.5, *STILL), (6, *MOVING)) == [(10.0, 10.0)]
    assert told((6, *MOVING), (PAUSE_SECONDS + 1, *STILL), (6, *MOVING)) == []


def test_it_is_told_again_after_a_rest():
    assert told((20, *MOVING), (PAUSE_SECONDS + 1, *STILL), (20, *MOVING)) == [(10.0, 10.0), (34.0, 10.0)]


def test_a_face_ends_it_and_it_begins_anew():
    assert told((9, *MOVING), (1, *FACE), (9, *MOVING)) == []
    assert told((15, *MOVING), (1, *FACE), (15, *MOVING)) == [(10.0, 10.0), (26.0, 10.0)]


def test_while_somebody_is_here_nothing_is_told_however_long_they_turn_away():
    assert told((300, True, True)) == []


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_clock_that_is_set_makes_no_motion_last(jump):
    faceless = Faceless(10.0)
    assert faceless.update(5000.0, moves=True, seen=False) is None
    assert faceless.update(5000.0 + jump, moves=True, seen=False) is None
    assert faceless.update(5010.0 + jump, moves=True, seen=False) is None


def test_the_event_bears_the_time_at_which_it_had_lasted_long_enough():
    faceless = Faceless(0.0)
    assert faceless.update(7.0, moves=True, seen=False) == NoFaceEvent(7.0, 0.0)

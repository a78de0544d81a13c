"""The pace of a loop on a board that gets hot and cools down again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeface.core.governor import FIRST_PERIOD_SECONDS, Governor, GovernorLimits, Heat

LIMITS = GovernorLimits(slow_above_celsius=75, resume_below_celsius=70, slowest_period_seconds=0.5)


def governed(*temperatures):
    """Return the period after each reading, and the states that were told."""
    governor, periods, told = Governor(LIMITS), [], []
    for place, celsius in enumerate(temperatures):
        event = governor.update(Heat(celsius), float(place))
        periods.append(governor.period_seconds)
        if event:
            told.append((event.state, event.reason, event.celsius, event.at))
    return periods, told


def test_a_cool_board_is_left_alone():
    assert governed(40, 69.9, 74.9) == ([0, 0, 0], [])


def test_a_hot_board_is_slowed_step_by_step_and_no_further_than_the_slowest():
    periods, told = governed(75, 80, 85, 85)
    assert periods == [0.25, 0.5, 0.5, 0.5]
    assert told == [("slowed", "temperature", 75, 0.0)]


def test_between_the_two_temperatures_all_stays_as_it_is():
    assert governed(72)[0] == [0]
    assert governed(76, 76, 72, 70, 74)[0] == [0.25, 0.5, 0.5, 0.5, 0.5]


def test_a_board_that_is_cool_again_is_freed_step_by_step():
    periods, told = governed(76, 76, 69, 69, 69)
    assert periods == [0.25, 0.5, 0.25, 0, 0]
    assert told == [("slowed", "temperature", 76, 0.0), ("ok", None, 69, 3.0)]


def test_a_processor_that_its_firmware_throttles_is_hot_at_any_temperature():
    governor = Governor(LIMITS)
    event = governor.update(Heat(60.2, throttled=True, under_voltage=True), 1.0)
    assert event is not None
    assert (event.state, event.reason) == ("slowed", "throttled")
    assert event.detail == "the firmware throttles the processor, as its power supply is too weak: 60 °C"
    assert governor.update(Heat(60), 2.0) is not None
    assert governor.period_seconds == 0


def test_a_board_without_sensors_is_never_slowed():
    governor = Governor(LIMITS)
    assert governor.update(Heat(), 0.0) is None
    assert governor.period_seconds == 0


@pytest.mark.parametrize("slowest", [0.1, 0.3, 1.0])
def test_a_fast_limit_is_kept_too_and_ends(slowest):
    governor = Governor(GovernorLimits(75, 70, slowest))
    for at in range(5):
        governor.update(Heat(90), float(at))
        assert 0 < governor.period_seconds <= slowest
    for at in range(5):
        governor.update(Heat(20), float(at))
    assert governor.period_seconds == 0


@given(st.lists(st.floats(20, 100), max_size=60))
def test_slowed_and_freed_are_told_in_turn_and_match_the_pace(temperatures):
    periods, told = governed(*temperatures)
    states = [state for state, *_ in told]
    assert states == (["slowed", "ok"] * len(states))[: len(states)]
    assert all(period == 0 or FIRST_PERIOD_SECONDS <= period <= 0.5 for period in periods)
    if periods:
        assert bool(periods[-1]) == (states[-1:] == ["slowed"])

"""Which file of a bundle on how many threads is the fastest, with embedders whose time is known."""

from dataclasses import replace

import numpy as np
import pytest

from edgeface.app.race import LEAST_ROUNDS, Candidate, Timed, fastest, race

CHIP = np.zeros((112, 112, 3), np.uint8)


class Clock:
    """A time that only goes on when somebody works."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


class Slow:
    """An embedder that takes known times, one after the other."""

    model = "m"

    def __init__(self, clock, *seconds):
        self._clock, self._seconds, self.calls = clock, seconds, 0

    def embed(self, chips):
        self._clock.seconds += self._seconds[self.calls % len(self._seconds)]
        self.calls += 1
        return []


def candidate(variant, threads=1, accepted=None, problem=None):
    return Candidate(variant, threads, accepted, problem)


def timed(variant, p50, **more):
    return Timed(candidate(variant, **more), p50, p50, p50)


def test_everybody_runs_as_often_and_the_first_time_does_not_count():
    clock = Clock()
    quick, slow = Slow(clock, 9, *[0.001] * 99), Slow(clock, 9, *[0.003] * 99)
    runners = [(candidate("quick"), quick), (candidate("slow"), slow)]
    found = race(runners, CHIP, seconds=0.01, now=clock, cpu=clock)
    assert [each.p50_ms for each in found] == pytest.approx([1, 3])
    assert quick.calls == slow.calls == LEAST_ROUNDS + 1


def test_a_race_goes_on_until_time_is_up():
    clock = Clock()
    runner = Slow(clock, 0.1)
    [found] = race([(candidate("one"), runner)], CHIP, seconds=10, now=clock, cpu=clock)
    assert 100 <= runner.calls - 1 <= 101
    assert found.p95_ms == pytest.approx(100)


def test_the_least_median_wins():
    assert fastest([timed("a", 3.0), timed("b", 2.0), timed("c", 4.0)]).candidate.variant == "b"


def test_what_recognises_less_cannot_win_however_fast_it_is():
    good, poor, near = (
        timed("good", 9, accepted=0.90),
        timed("poor", 1, accepted=0.88),
        timed("near", 5, accepted=0.895),
    )
    assert fastest([good, poor]).candidate.variant == "good"
    assert fastest([good, poor, near]).candidate.variant == "near"


def test_what_was_never_measured_cannot_win_against_what_was():
    assert fastest([timed("known", 9, accepted=0.9), timed("unknown", 1)]).candidate.variant == "known"
    assert fastest([timed("one", 9), timed("other", 1)]).candidate.variant == "other"


def test_of_about_equal_times_fewer_threads_win():
    two, one = timed("int8", 2.00, threads=2), timed("int8", 2.09, threads=1)
    assert fastest([two, one]).candidate.threads == 1
    assert fastest([two, replace(one, p50_ms=2.2)]).candidate.threads == 2


def test_what_has_a_problem_is_left_out_and_of_nothing_nothing_wins():
    assert fastest([timed("broken", 1, problem="no"), timed("good", 9)]).candidate.variant == "good"
    assert fastest([timed("broken", 1, problem="no")]) is None
    assert fastest([]) is None

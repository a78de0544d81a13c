"""The stopwatch, and what is made of its times."""

from itertools import count

import numpy as np
import pytest

from edgeface.app.stages import Stopwatch, stage_times, untimed


def ticking(step):
    """Return a clock that goes on by so many seconds whenever it is read."""
    ticks = count()
    return lambda: next(ticks) * step


def test_what_happens_inside_of_a_stage_is_timed_by_both_clocks():
    stopwatch = Stopwatch(ticking(0.5), ticking(0.25))
    with stopwatch("frame"), stopwatch("detect"):
        pass
    assert stopwatch.close_frame() == 1.5
    assert stopwatch.frames == [{"detect": (0.5, 0.25), "frame": (1.5, 0.75)}]


def test_the_times_of_several_faces_of_a_frame_are_added():
    stopwatch = Stopwatch(ticking(0.5), ticking(0.25))
    with stopwatch("frame"):
        for _ in range(3):
            with stopwatch("align"):
                pass
    stopwatch.close_frame()
    assert stopwatch.frames[0]["align"] == (1.5, 0.75)


def test_a_stage_that_fails_is_timed_too():
    stopwatch = Stopwatch(ticking(1), ticking(1))
    with stopwatch("frame"), pytest.raises(RuntimeError), stopwatch("embed"):
        raise RuntimeError
    stopwatch.close_frame()
    assert stopwatch.frames[0]["embed"] == (1, 1)


def test_frames_are_kept_apart():
    stopwatch = Stopwatch(ticking(1), ticking(1))
    for stage in ("detect", "track"):
        with stopwatch("frame"), stopwatch(stage):
            pass
        stopwatch.close_frame()
    assert [sorted(frame) for frame in stopwatch.frames] == [["detect", "frame"], ["frame", "track"]]


def test_percentiles_are_over_the_frames_with_work_and_means_over_all():
    frames = [{"frame": (0.1, 0.05), "embed": (0.002 * number, 0.001)} for number in range(1, 4)]
    frames += [{"frame": (0.1, 0.05)}] * 7
    embed, frame = stage_times(frames)
    assert (embed.stage, embed.frames, frame.stage, frame.frames) == ("embed", 3, "frame", 10)
    assert (embed.p50_ms, embed.cpu_p50_ms) == pytest.approx((4, 1))
    assert embed.p95_ms == pytest.approx(np.percentile([2, 4, 6], 95))
    assert (embed.mean_ms, embed.cpu_mean_ms) == pytest.approx((12 / 10, 3 / 10))
    assert (frame.mean_ms, frame.cpu_mean_ms) == pytest.approx((100, 50))


def test_stages_come_in_the_order_of_a_frames_journey_and_unknown_ones_last():
    frames = [dict.fromkeys(("frame", "sing", "decide", "capture"), (1.0, 1.0))]
    assert [time.stage for time in stage_times(frames)] == ["capture", "decide", "frame", "sing"]


def test_no_frames_have_no_stages():
    assert stage_times([]) == []


def test_nothing_is_timed_unless_it_is_wanted():
    with untimed("detect") as nothing:
        assert nothing is None

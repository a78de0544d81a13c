"""What the loop takes, in the painted world."""

from itertools import count

import pytest

from edgeface.app.bench import SEARCHED_SECONDS, WARM_UP_FRAMES, TimedCamera, first_look, measure
from edgeface.app.pipeline import Pipeline
from edgeface.app.stages import STAGES, Stopwatch
from edgeface.core.decision import Policy
from edgeface.core.presence import Presence
from edgeface.core.tracking import Tracker
from tests.fakes import RED, ColourEmbedder, PaintedCamera, Square, SquareDetector, gallery_of, paint


def ticking():
    """Return a clock that goes on by a millisecond whenever it is read."""
    ticks = count()
    return lambda: next(ticks) / 1000


def measured(pictures, people, *, seconds=1000.0, turn=lambda: True):
    stopwatch = Stopwatch(ticking(), ticking())
    pipeline = Pipeline(
        detector=SquareDetector(),
        embedder=ColourEmbedder(),
        index=people,
        policy=Policy(0.8),
        tracker=Tracker(),
        stage=stopwatch,
    )
    camera = TimedCamera(PaintedCamera(pictures), stopwatch, seconds=seconds, turn=turn)
    return measure(camera, pipeline, Presence(), stopwatch)


def test_every_stage_of_a_recognised_face_is_timed():
    found = measured([paint(Square(RED))] * 20, gallery_of(alice=RED))
    assert [time.stage for time in found.stages] == list(STAGES)
    assert (found.frames, found.named, found.events) == (20 - WARM_UP_FRAMES, 20 - WARM_UP_FRAMES, 2)
    times = {time.stage: time for time in found.stages}
    assert times["detect"].frames == found.frames
    assert times["embed"].frames == times["search"].frames == 1  # a second after the vote was clear
    assert found.fps == pytest.approx(1000 / times["frame"].mean_ms)
    assert found.cpu_fps == pytest.approx(1000 / times["frame"].cpu_mean_ms)


def test_the_stages_are_parts_of_the_frame():
    found = measured([paint(Square(RED))] * 20, gallery_of(alice=RED))
    *parts, whole = found.stages
    assert whole.stage == "frame"
    assert sum(part.mean_ms for part in parts) < whole.mean_ms


def test_a_machine_too_busy_for_the_given_time_still_measures_a_frame():
    found = measured([paint(Square(RED))] * 20, gallery_of(alice=RED), seconds=1e-9)
    assert found.frames == 1


def test_without_a_face_nothing_is_embedded_or_named():
    found = measured([paint()] * 8, gallery_of(alice=RED))
    assert {time.stage for time in found.stages} == {"capture", "cut", "detect", "track", "decide", "frame"}
    assert (found.named, found.events) == (0, 0)


def test_a_face_that_is_not_good_enough_is_not_embedded():
    found = measured([paint(Square(RED, sharp=False))] * 8, gallery_of(alice=RED))
    assert {"align", "quality"} <= {time.stage for time in found.stages}
    assert "embed" not in {time.stage for time in found.stages}


def test_too_few_frames_say_how_many_are_needed():
    with pytest.raises(ValueError, match="5 frames are too few, more than 5"):
        measured([paint()] * WARM_UP_FRAMES, gallery_of())


def test_time_ends_a_source_that_goes_on():
    assert measured([paint()] * 1000, gallery_of(), seconds=1.0).frames < 100


def test_who_gives_the_turns_may_end_it():
    turns = iter([True] * 9)
    assert measured([paint()] * 1000, gallery_of(), turn=lambda: next(turns, False)).frames == 9 - WARM_UP_FRAMES


def test_the_first_good_look_is_taken():
    blurred, sharp = paint(Square(RED, sharp=False)), paint(Square(RED))
    look = first_look(PaintedCamera([paint(), blurred, sharp]), SquareDetector(), ColourEmbedder())
    assert look is not None
    assert (look.width, look.height) == (520, 180)
    assert gallery_of(alice=RED).nearest(look.embedding, 1)[0][1] == pytest.approx(1)


def test_a_look_is_searched_for_only_so_long():
    late = [paint()] * int(SEARCHED_SECONDS + 2) + [paint(Square(RED))]
    assert first_look(PaintedCamera(late, fps=1), SquareDetector(), ColourEmbedder()) is None
    assert first_look(PaintedCamera(late, fps=2), SquareDetector(), ColourEmbedder()) is not None

"""The loop shows what it sees and waits for nobody."""

import threading

import pytest

from edgeface.app import window as window_module
from edgeface.app.window import Window
from edgeface.core.types import CameraEvent, Event, Frame, Gap
from edgeface.errors import CallerGone, CameraError, ControlError
from tests.fakes import GREEN, RED, START, PaintedCamera, Square, paint

ALICE, BOB = paint(Square(RED)), paint(Square(GREEN))


def no_rest(seconds):
    """Look again at once."""


def wait():
    """Be somebody who still waits."""


class Gaps(PaintedCamera):
    """Sees nothing."""

    def frames(self):
        for number in range(8):
            yield Gap(START + number)


def test_a_view_gives_the_newest_frame_and_the_loop_gets_them_all():
    window = Window(lambda: 0.0, no_rest)
    with window.view(wait) as view:
        given = list(window.over(PaintedCamera([ALICE] * 5)).frames())
        assert len(given) == 5
        assert next(view.frames()) is given[-1]


def test_the_end_of_the_daemon_ends_the_views_that_are_open_and_those_to_come():
    window = Window(lambda: 0.0, no_rest)
    with window.view(wait) as view:
        list(window.over(PaintedCamera([ALICE])).frames())
        window.end()
        with pytest.raises(ControlError, match="the daemon ended meanwhile"):
            next(view.frames())
    with window.view(wait) as late, pytest.raises(ControlError, match="the daemon ended meanwhile"):
        next(late.frames())


def test_what_was_seen_before_a_view_is_open_is_not_shown(monkeypatch):
    monkeypatch.setattr(window_module, "CHECK_SECONDS", 0.001)
    monkeypatch.setattr(window_module, "PATIENCE_SECONDS", 0.01)
    window = Window(lambda: 0.0, no_rest)
    list(window.over(PaintedCamera([ALICE])).frames())
    with window.view(wait) as view, pytest.raises(CameraError):
        next(view.frames())


def test_several_look_on_side_by_side():
    window = Window(lambda: 0.0, no_rest)
    with window.view(wait) as one, window.view(wait) as other:
        [frame] = window.over(PaintedCamera([ALICE])).frames()
        assert next(one.frames()) is next(other.frames()) is frame


def test_gaps_are_shown_too_so_that_time_goes_on():
    window = Window(lambda: 0.0, no_rest)
    with window.view(wait) as view:
        list(window.over(Gaps([])).frames())
        assert next(view.frames()) == Gap(START + 7)


def test_who_looks_on_is_woken_by_the_next_frame():
    window, seen = Window(lambda: 0.0, no_rest), []
    with window.view(wait) as view:
        thread = threading.Thread(target=lambda: seen.append(next(view.frames())))
        thread.start()
        [frame] = window.over(PaintedCamera([ALICE])).frames()
        thread.join()
    assert seen == [frame]


def test_who_looks_on_rests_between_two_frames_and_not_before_the_first():
    rests = []
    window = Window(lambda: 0.0, rests.append)
    with window.view(wait) as view:
        seen = view.frames()
        for rested in (0, 1, 2):
            list(window.over(PaintedCamera([ALICE])).frames())
            next(seen)
            assert len(rests) == rested
    view.close()


def test_a_loop_that_hangs_is_no_reason_to_wait_for_ever(monkeypatch):
    monkeypatch.setattr(window_module, "CHECK_SECONDS", 0.001)
    monkeypatch.setattr(window_module, "PATIENCE_SECONDS", 0.01)
    with Window(lambda: 0.0, no_rest).view(wait) as view, pytest.raises(CameraError, match="shows no frame"):
        next(view.frames())


def test_a_view_ends_when_nobody_waits_for_it():
    def check():
        raise CallerGone("user 5 does not wait")

    with Window(lambda: 0.0, no_rest).view(check) as view, pytest.raises(CallerGone):
        next(view.frames())


def test_frames_are_counted_by_the_second_and_gaps_are_none():
    ticks = [0.0]
    window = Window(lambda: ticks[0], no_rest)
    assert window.frames_per_second is None
    for _ in window.over(PaintedCamera([ALICE] * 21)).frames():
        ticks[0] += 0.125
    assert window.frames_per_second == pytest.approx(8, rel=0.1)
    for _ in window.over(Gaps([])).frames():
        ticks[0] += 1.0
    assert window.frames_per_second == 0.0


def test_the_last_event_of_a_person_is_remembered():
    window = Window(lambda: 0.0, no_rest)
    arrived = Event("arrived", "alice", START, 0.9, 1)
    window.emit(arrived)
    window.emit(CameraEvent("ok", None, "", "0", START))
    window.close()
    assert window.last_event is arrived


def test_of_several_cameras_one_is_looked_at_and_others_are_refused_by_name():
    window = Window(lambda: 0.0, no_rest)
    window.begin(["door", "yard"])
    cameras = {name: window.over(PaintedCamera([picture]), name) for name, picture in (("door", ALICE), ("yard", BOB))}
    with window.view(wait) as first, window.view(wait, "yard") as second:
        for camera in cameras.values():
            list(camera.frames())
        for view, picture in ((first, ALICE), (second, BOB)):
            seen = next(view.frames())
            assert isinstance(seen, Frame) and seen.image is picture
    with pytest.raises(ControlError, match="no camera called 'attic'") as caught, window.view(wait, "attic"):
        pass
    assert caught.value.hint == "choose one of door, yard"

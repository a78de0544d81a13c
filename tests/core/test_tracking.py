import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeface.core.tracking import Tracker, iou
from edgeface.core.types import Box, Face


def face(left, top=0.0, width=100.0, height=100.0):
    return Face(Box(left, top, width, height), np.zeros((5, 2), np.float32), 0.9)


def follow(frames, **settings):
    """The numbers of the tracks in each frame; frames are pairs of seconds and faces."""
    tracker = Tracker(**settings)
    return [[track.number for track in tracker.update(faces, seconds).active] for seconds, faces in frames]


def test_a_face_that_stays_keeps_its_number():
    assert follow([(0.0, [face(0)]), (0.04, [face(3)]), (0.08, [face(6)])]) == [[1], [1], [1]]


def test_a_track_tells_since_when_and_where_it_was_seen():
    tracker, last = Tracker(), face(6)
    tracker.update([face(3)], 10.0)
    (track,) = tracker.update([last], 10.5).active
    assert (track.number, track.first_seconds, track.last_seconds) == (1, 10.0, 10.5)
    assert track.face is last


def test_the_active_tracks_come_in_the_order_of_the_faces():
    assert follow([(0.0, [face(0), face(500)]), (0.1, [face(505), face(5)])]) == [[1, 2], [2, 1]]


def test_a_newcomer_gets_the_next_number():
    assert follow([(0.0, [face(0)]), (0.1, [face(500), face(0)])]) == [[1], [2, 1]]


def test_at_a_few_frames_a_second_a_face_may_move_half_its_size():
    assert follow([(0.0, [face(0)]), (0.3, [face(50, 50)]), (0.6, [face(100, 0)])]) == [[1], [1], [1]]


def test_a_face_that_moved_by_its_own_size_is_another():
    assert follow([(0.0, [face(0)]), (0.3, [face(100)])]) == [[1], [2]]


def test_a_near_face_of_another_size_is_another():
    small = face(30, 60, 35, 35)
    assert follow([(0.0, [face(0)]), (0.1, [small])]) == [[1], [2]]


def test_after_a_cut_the_track_runs_on_when_somebody_stands_in_the_same_place():
    """Nothing here looks at faces: that identity is not carried over is the ballot's work."""
    assert follow([(0.0, [face(0)]), (0.04, [face(20, 10)])]) == [[1], [1]]


def test_a_short_loss_is_bridged():
    assert follow([(0.0, [face(0)]), (0.5, []), (1.0, [face(10)])]) == [[1], [], [1]]


def test_no_gap_longer_than_the_patience_is_bridged():
    tracker = Tracker(patience_seconds=1.0)
    tracker.update([face(0)], 0.0)
    update = tracker.update([face(0)], 1.01)
    assert [track.number for track in update.active] == [2]
    assert update.ended == [1]


def test_an_ended_track_is_told_once():
    tracker = Tracker(patience_seconds=1.0)
    tracker.update([face(0), face(500)], 0.0)
    assert tracker.update([face(500)], 0.9).ended == []
    assert tracker.update([face(500)], 1.5).ended == [1]
    assert tracker.update([], 1.6).ended == []
    assert tracker.update([], 9.0).ended == [2]
    assert tracker.update([], 99.0).ended == []


def test_a_lost_face_is_not_active():
    tracker = Tracker()
    tracker.update([face(0)], 0.0)
    assert tracker.update([], 0.1).active == []


def test_the_better_overlap_wins_whatever_the_order():
    first, second = face(0), face(40)
    assert follow([(0.0, [first, second]), (0.1, [face(38), face(2)])]) == [[1, 2], [2, 1]]
    assert follow([(0.0, [first, second]), (0.1, [face(2), face(38)])]) == [[1, 2], [1, 2]]


def test_an_overlap_is_preferred_to_a_near_centre():
    assert follow([(0.0, [face(0)]), (0.1, [face(55, 30), face(45)])]) == [[1], [2, 1]]


def test_two_faces_of_a_frame_never_share_a_track():
    assert follow([(0.0, [face(0)]), (0.1, [face(1), face(2)])]) == [[1], [1, 2]]


def test_a_clock_that_jumps_back_ends_the_tracks():
    tracker = Tracker(patience_seconds=1.0)
    tracker.update([face(0)], 1000.0)
    update = tracker.update([face(0)], 5.0)
    assert ([track.number for track in update.active], update.ended) == ([2], [1])


def test_a_looser_overlap_may_be_asked_for():
    wide, tall = face(0, 0, 200, 50), face(75, -75, 50, 200)
    assert follow([(0.0, [wide]), (0.1, [face(160, 0, 200, 50)])], min_iou=0.1) == [[1], [1]]
    assert iou(wide.box, tall.box) == pytest.approx(2500 / 17500)


def test_boxes_without_area_are_no_trouble():
    nothing = face(0, 0, 0, 0)
    assert follow([(0.0, [nothing]), (0.1, [nothing, face(0)])], min_iou=0.0) == [[1], [2, 3]]


boxes = st.builds(Box, st.integers(0, 9), st.integers(0, 9), st.integers(0, 8), st.integers(0, 8))


@given(boxes, boxes)
def test_the_overlap_is_what_counting_pixels_gives(a, b):
    def pixels(box):
        return {(x, y) for x in range(20) for y in range(20) if inside(box, x, y)}

    def inside(box, x, y):
        return box.left <= x < box.left + box.width and box.top <= y < box.top + box.height

    either = pixels(a) | pixels(b)
    assert iou(a, b) == pytest.approx(len(pixels(a) & pixels(b)) / len(either) if either else 0.0)


@given(st.lists(st.lists(boxes, max_size=5), max_size=8), st.floats(0.05, 3))
def test_every_face_gets_a_track_and_every_number_one_life(frames, step):
    tracker, alive, over, known = Tracker(), set(), set(), 0
    for index, found in enumerate(frames):
        faces = [Face(box, np.zeros((5, 2), np.float32), 0.9) for box in found]
        update = tracker.update(faces, index * step)
        numbers = [track.number for track in update.active]
        assert [track.face for track in update.active] == faces
        assert len(set(numbers)) == len(numbers)
        assert alive.issuperset(update.ended) and not over.intersection(numbers)
        over |= set(update.ended)
        new = sorted(set(numbers) - alive)
        assert new == list(range(known + 1, known + 1 + len(new)))
        known += len(new)
        alive = (alive | set(numbers)) - over
        assert all(track.last_seconds == index * step >= track.first_seconds for track in update.active)

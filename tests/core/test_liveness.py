import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.core.align import TEMPLATE
from edgeface.core.liveness import LivenessLimits, Proof, relief

HEAD = np.column_stack([TEMPLATE - TEMPLATE.mean(axis=0), [0, 0, -17, -3, -3]]) / 35.0
"""Five landmarks in space, in distances between the eyes: the nose stands out by half of one."""

FACE_PX = 100.0


def seen(yaw=0.0, pitch=0.0, *, flat=False):
    """Project the head, or a print of it, turned by angles in degrees; positive yaw turns to the person's left."""
    about, up = np.radians([yaw, pitch])
    points = HEAD * (1, 1, 0) if flat else HEAD
    turn_y = [[np.cos(about), 0, -np.sin(about)], [0, 1, 0], [np.sin(about), 0, np.cos(about)]]
    turn_x = [[1, 0, 0], [0, np.cos(up), -np.sin(up)], [0, np.sin(up), np.cos(up)]]
    return (points @ np.array(turn_y).T @ np.array(turn_x).T)[:, :2] * FACE_PX + (320, 240)


def proven(landmarks, limits=None, sides="left", fps=10.0):
    """Give a proof one face a frame; return it and whether it ever failed."""
    drawn = itertools.cycle([sides] if isinstance(sides, str) else sides)
    proof = Proof(limits or LivenessLimits(turns=0), lambda: next(drawn))
    results = [proof.update(face.astype(np.float32), 1000 + number / fps) for number, face in enumerate(landmarks)]
    return proof, not all(results)


def sway(degrees, seconds=6.0, fps=10.0, **options):
    """Turn to both sides and back, once in four seconds."""
    return [seen(degrees * np.sin(2 * np.pi * n / fps / 4), **options) for n in range(round(seconds * fps))]


def turned(*degrees, hold=8):
    """Look ahead, then turn to each angle and back, smoothly."""
    corners = [0.0, 0.0, *itertools.chain.from_iterable((angle, angle, 0.0, 0.0) for angle in degrees)]
    return [seen(yaw) for yaw in np.interp(np.arange(0, len(corners) - 1, 1 / hold), range(len(corners)), corners)]


@given(st.lists(st.tuples(*[st.floats(-2, 2)] * 6), min_size=2, max_size=20))
@settings(max_examples=50, deadline=None)
def test_no_affine_motion_of_a_picture_has_relief(maps):
    shapes = [HEAD[:, :2] @ (np.eye(2) * 3 + np.reshape(numbers[:4], (2, 2))) + numbers[4:] for numbers in maps]
    assert relief(shapes) < 1e-6


def test_relief_is_the_third_singular_value_as_a_slow_loop_finds_it():
    shapes = np.random.default_rng(5).normal(0, 1, (9, 5, 2))
    rows = []
    for shape in shapes:
        centred = shape - shape.mean(axis=0)
        size = np.sqrt(sum(float(point @ point) for point in centred) / 5)
        rows += [centred[:, 0] / size, centred[:, 1] / size]
    gram = sum(np.outer(row, row) for row in rows)
    assert relief(shapes) == pytest.approx(np.sqrt(np.sort(np.linalg.eigvalsh(gram))[-3] / 9))


def test_relief_does_not_depend_on_place_or_size_and_grows_with_the_turn():
    little, much = relief(sway(5)), relief(sway(20))
    assert relief([3 * face + 50 for face in sway(20)]) == pytest.approx(much)
    assert 0 < little < much


@pytest.mark.parametrize("shapes", [np.empty((0, 5, 2)), np.ones((1, 5, 2)), np.ones((8, 5, 2))])
def test_nothing_one_face_and_faces_without_extent_have_no_relief(shapes):
    assert relief(shapes) == 0


def test_what_is_no_landmarks_is_refused():
    with pytest.raises(ValueError, match="must be"):
        relief(np.ones((3, 4, 2)))


def test_a_head_that_moves_proves_itself_and_a_print_that_moves_alike_does_not():
    head, _ = proven(sway(20))
    flat, failed = proven(sway(20, flat=True))
    assert head.alive and head.relief > 0.1
    assert not flat.alive and flat.relief < 1e-6 and not failed


def test_the_proof_fails_when_its_time_is_over_and_begins_anew():
    still, failed = proven([seen()] * 110, LivenessLimits(turns=0, seconds=10))
    assert failed and not still.alive
    late, failed = proven([seen()] * 110 + sway(20), LivenessLimits(turns=0, seconds=10))
    assert failed and late.alive


def test_turns_are_asked_for_in_order_and_prove_it():
    limits = LivenessLimits(turns=3)
    proof, failed = proven(turned(30, -30, 30), limits, ("left", "right", "left"))
    assert proof.asked == ("left", "right", "left")
    assert proof.alive and not failed


@pytest.mark.parametrize("degrees", [(-30, 30), (30, 30), (30,), (10, -10)])
def test_other_turns_fewer_or_smaller_ones_prove_nothing(degrees):
    proof, _ = proven(turned(*degrees), LivenessLimits(turns=2), ("left", "right"))
    assert not proof.alive


def test_a_wrong_turn_fails_at_once_and_others_are_asked_for():
    proof, failed = proven(turned(-30), LivenessLimits(turns=2), ("left", "right", "right", "right"))
    assert failed and proof.asked == ("right", "right")


def test_turns_of_a_face_that_shows_too_little_relief_prove_nothing():
    proof, _ = proven(turned(30, -30), LivenessLimits(least_relief=0.9, turns=2), ("left", "right"))
    assert not proof.alive


def test_a_pause_begins_anew():
    faces = sway(20, seconds=2.5)
    proof = Proof(LivenessLimits(turns=0), lambda: "left")
    for begin in (0, 10, 20):
        for number, face in enumerate(faces):
            proof.update(face.astype(np.float32), begin + number / 10)
    assert not proof.alive and proof.relief == 0


def test_a_clock_that_jumps_back_begins_anew():
    proof = Proof(LivenessLimits(turns=0), lambda: "left")
    for number, face in enumerate(sway(20)):
        proof.update(face.astype(np.float32), 1000 - number / 10)
    assert not proof.alive


def test_a_profile_is_no_evidence():
    wild = np.random.default_rng(3).normal(0, 20, (80, 5, 2))
    proof, _ = proven([seen(75) + off for off in wild * [0, 1]])
    assert proof.relief == 0


def test_few_frames_a_second_only_take_longer():
    assert proven(sway(20, seconds=9, fps=5), fps=5)[0].alive

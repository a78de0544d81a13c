"""Recognition in a painted world, where who is who is exactly known."""

import numpy as np
import pytest

from edgeface.app.pipeline import Pipeline
from edgeface.core.decision import Policy
from edgeface.core.tracking import Tracker
from edgeface.core.types import Frame
from tests.fakes import BLUE, GREEN, PINKISH, RED, ColourEmbedder, Square, SquareDetector, gallery_of, paint

POLICY = Policy(threshold=0.8, margin=0.05, votes_needed=3, votes_of=5)


class Eyes:
    """A pipeline that is shown pictures at ten frames a second."""

    def __init__(self, **people):
        self.embedder = ColourEmbedder()
        self.pipeline = Pipeline(
            detector=SquareDetector(),
            embedder=self.embedder,
            index=gallery_of(**people),
            policy=POLICY,
            tracker=Tracker(patience_seconds=1.0),
            reverify_seconds=1.0,
        )
        self.seconds = 100.0

    def show(self, *squares, frames=1, wall=0, seconds_apart=0.1):
        """Show a picture for some frames and return the faces of the last."""
        for _ in range(frames):
            self.seconds += seconds_apart
            recognition = self.pipeline.recognize(Frame(paint(*squares, wall=wall), self.seconds))
        return recognition.faces


def names(faces):
    return [face.verdict.identity.name if face.verdict.identity else face.verdict.state for face in faces]


def test_an_empty_frame_shows_nobody():
    assert Eyes(alice=RED).show() == []


def test_somebody_enrolled_is_known_after_as_many_looks_as_votes_are_needed():
    eyes = Eyes(alice=RED, bob=GREEN)
    assert names(eyes.show(Square(RED), frames=2)) == ["undecided"]
    assert names(eyes.show(Square(RED))) == ["alice"]


def test_who_is_not_enrolled_is_unknown_and_never_the_nearest_name():
    eyes = Eyes(alice=RED, bob=GREEN)
    assert names(eyes.show(Square(BLUE), frames=4)) == ["undecided"]
    assert names(eyes.show(Square(BLUE))) == ["unknown"]


def test_a_face_about_as_near_to_two_people_is_neither():
    assert names(Eyes(alice=RED, alices_twin=PINKISH).show(Square(RED), frames=5)) == ["unknown"]


def test_in_an_empty_gallery_everybody_is_unknown():
    assert names(Eyes().show(Square(RED), frames=5)) == ["unknown"]


def test_two_people_in_a_frame_are_told_apart():
    eyes = Eyes(alice=RED, bob=GREEN)
    faces = eyes.show(Square(RED, left=40), Square(GREEN, left=400), frames=3)
    assert {name: face.face.box.left for name, face in zip(names(faces), faces, strict=True)} == {
        "alice": 40,
        "bob": 400,
    }
    assert {face.track for face in faces} == {1, 2}


def test_a_decided_face_is_embedded_once_a_second_and_no_more():
    eyes = Eyes(alice=RED)
    eyes.show(Square(RED), frames=3)
    assert eyes.embedder.chips_seen == 3
    eyes.show(Square(RED), frames=31)
    assert eyes.embedder.chips_seen == pytest.approx(3 + 3, abs=1)


def test_a_track_in_which_somebody_else_appears_loses_its_name_soon():
    eyes = Eyes(alice=RED, bob=GREEN)
    eyes.show(Square(RED), frames=3)
    assert names(eyes.show(Square(GREEN), frames=14)) == ["bob"]
    assert names(eyes.show(Square(BLUE), frames=16)) == ["unknown"]


@pytest.mark.parametrize(
    "poor",
    [Square(RED, sharp=False), Square(RED, light=0.2), Square(RED, size=20), Square(RED, turned=True)],
    ids=["blurred", "dark", "small", "turned away"],
)
def test_a_face_never_seen_well_stays_undecided_and_costs_no_embedding(poor):
    eyes = Eyes(alice=RED)
    assert names(eyes.show(poor, frames=20)) == ["undecided"]
    assert eyes.embedder.chips_seen == 0


def test_poor_looks_neither_help_nor_harm_a_name():
    eyes = Eyes(alice=RED)
    eyes.show(Square(RED), frames=2)
    assert names(eyes.show(Square(RED, sharp=False), frames=10)) == ["undecided"]
    assert names(eyes.show(Square(RED))) == ["alice"]
    assert names(eyes.show(Square(RED, sharp=False), frames=30)) == ["alice"]


def test_after_an_absence_the_vote_starts_anew():
    eyes = Eyes(alice=RED)
    [before] = eyes.show(Square(RED), frames=3)
    eyes.show(frames=12)
    [after] = eyes.show(Square(RED))
    assert (after.track, names([after])) == (before.track + 1, ["undecided"])


def test_where_a_film_cuts_no_name_stays_behind_for_whoever_stands_there_next():
    eyes = Eyes(alice=RED, bob=GREEN)
    assert names(eyes.show(Square(RED), frames=3)) == ["alice"]
    assert names(eyes.show(Square(GREEN), wall=90)) == ["undecided"]
    assert names(eyes.show(Square(GREEN), wall=90, frames=2)) == ["bob"]


def test_who_is_never_seen_well_after_a_cut_does_not_inherit_a_name():
    eyes = Eyes(alice=RED)
    eyes.show(Square(RED), frames=3)
    assert names(eyes.show(Square(GREEN, turned=True), wall=90, frames=20)) == ["undecided"]


def test_a_light_switched_on_costs_a_new_vote_and_no_track():
    eyes = Eyes(alice=RED)
    [before] = eyes.show(Square(RED), frames=3)
    [at_once] = eyes.show(Square(RED), wall=90)
    [soon] = eyes.show(Square(RED), wall=90, frames=2)
    assert names([before, at_once, soon]) == ["alice", "undecided", "alice"]
    assert before.track == at_once.track == soon.track


def test_a_light_that_flickers_does_not_keep_a_name_from_being_found():
    eyes = Eyes(alice=RED)
    found = [name for step in range(60) for name in names(eyes.show(Square(RED), wall=90 * (step % 2)))]
    assert found.count("alice") > 45
    assert "unknown" not in found


def test_at_one_frame_a_second_no_light_begins_a_vote_anew():
    eyes = Eyes(alice=RED)
    found = [name for step in range(6) for name in names(eyes.show(Square(RED), wall=90 * (step % 2), seconds_apart=1))]
    assert found == ["undecided"] * 2 + ["alice"] * 4


def test_of_two_faces_that_look_like_somebody_only_the_nearer_one_bears_the_name():
    eyes = Eyes(alice=RED)
    faces = eyes.show(Square(PINKISH, left=40), Square(RED, left=400), frames=8)
    assert {face.face.box.left: name for name, face in zip(names(faces), faces, strict=True)} == {
        40: "undecided",
        400: "alice",
    }


def test_the_frame_is_passed_on_untouched():
    eyes, image = Eyes(alice=RED), paint(Square(RED))
    recognition = eyes.pipeline.recognize(Frame(image, 5.0))
    assert recognition.frame.image is image
    assert np.array_equal(image, paint(Square(RED)))

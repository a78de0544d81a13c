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

    def show(self, *squares, frames=1):
        """Show a picture for some frames and return the faces of the last."""
        for _ in range(frames):
            self.seconds += 0.1
            recognition = self.pipeline.recognize(Frame(paint(*squares), self.seconds))
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


def test_the_frame_is_passed_on_untouched():
    eyes, image = Eyes(alice=RED), paint(Square(RED))
    recognition = eyes.pipeline.recognize(Frame(image, 5.0))
    assert recognition.frame.image is image
    assert np.array_equal(image, paint(Square(RED)))

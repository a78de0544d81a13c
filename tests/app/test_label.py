"""What is written at a face in the annotated video."""

import pytest

from edgeface.app.annotate import label
from edgeface.app.pipeline import Labelled
from edgeface.core.decision import Verdict
from edgeface.core.types import Identity
from tests.fakes import RED, Square, SquareDetector, paint


@pytest.mark.parametrize(
    ("verdict", "text", "is_name"),
    [
        (Verdict("known", Identity(1, "bob"), 0.714), "bob 0.71", True),
        (Verdict("unknown", None, 0.3), "unknown", False),
        (Verdict("undecided", None, 0.9), "?", False),
    ],
)
def test_a_label_says_what_is_known_of_a_face(verdict, text, is_name):
    [face] = SquareDetector().detect(paint(Square(RED)))
    assert label(Labelled(1, face, verdict)) == (face.box, text, is_name)

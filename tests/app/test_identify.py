"""Photos: one look a face, and nobody is given the nearest name."""

import pytest

from edgeface.app.identify import identify
from edgeface.core.decision import Policy
from tests.fakes import (
    BLUE,
    GREEN,
    PINKISH,
    RED,
    ColourEmbedder,
    FakeGallery,
    Square,
    SquareDetector,
    gallery_of,
    paint,
)


def identified(gallery, *squares):
    return identify(
        paint(*squares),
        detector=SquareDetector(),
        embedder=ColourEmbedder(),
        index=gallery,
        policy=Policy(threshold=0.8, margin=0.05),
    )


def test_every_face_gets_a_match_largest_first():
    matches = identified(gallery_of(alice=RED, bob=GREEN), Square(BLUE, size=60, left=300), Square(RED))
    assert [match.identity.name if match.identity else None for match in matches] == ["alice", None]
    assert matches[0].similarity == pytest.approx(1, abs=0.01)
    assert matches[0].runner_up == pytest.approx(-1 / 3, abs=0.05)


def test_a_photo_without_a_face_has_no_match():
    assert identified(gallery_of(alice=RED)) == []


def test_between_two_alike_people_nobody_is_named():
    [match] = identified(gallery_of(alice=RED, twin=PINKISH), Square(RED))
    assert match.identity is None
    assert match.runner_up > 0.97


def test_an_empty_gallery_names_nobody():
    [match] = identified(FakeGallery(), Square(RED))
    assert (match.identity, match.similarity, match.runner_up) == (None, -1, -1)

"""When a frame is searched closely, and when it is enough to follow."""

import cv2
import numpy as np
import pytest

from edgeface.app.pipeline import Pipeline
from edgeface.app.search import LEAST_FOLLOWED_PX, Coarse, Searcher
from edgeface.core.decision import Policy
from edgeface.core.tracking import Tracker
from edgeface.core.types import Frame
from tests.fakes import GREEN, RED, START, ColourEmbedder, Square, SquareDetector, gallery_of, paint


class Noting(SquareDetector):
    """A detector that writes its name into a list whenever it is used, and may be blind to small faces."""

    def __init__(self, name, used, least_px=0):
        self._name, self._used, self._least_px = name, used, least_px

    def detect(self, image):
        self._used.append(self._name)
        return [face for face in super().detect(image) if face.box.width >= self._least_px]


@pytest.fixture
def used():
    return []


@pytest.fixture
def search(used):
    searcher = Searcher(Noting("close", used), Coarse(Noting("coarse", used, least_px=60), 520, close_seconds=0.5))

    def search(*squares, at=0.0, closely=False):
        used.clear()
        faces = searcher.search(Frame(paint(*squares), START + at), closely=closely)
        return len(faces), list(used)

    return search


def test_a_large_face_is_searched_closely_once_and_then_followed(search):
    assert search(Square(RED)) == (1, ["close"])
    assert search(Square(RED), at=0.1) == (1, ["coarse"])
    assert search(Square(RED), at=0.2) == (1, ["coarse"])


def test_every_now_and_then_the_search_is_close(search):
    search(Square(RED))
    assert search(Square(RED), at=0.49) == (1, ["coarse"])
    assert search(Square(RED), at=0.5) == (1, ["close"])
    assert search(Square(RED), at=0.6) == (1, ["coarse"])


def test_a_look_wants_a_close_search(search):
    search(Square(RED))
    assert search(Square(RED), at=0.1, closely=True) == (1, ["close"])


def test_where_nobody_was_the_search_is_close(search):
    assert search() == (0, ["close"])
    assert search(at=0.1) == (0, ["close"])


def test_a_face_that_is_lost_or_new_is_searched_for_closely_at_once(search):
    search(Square(RED))
    assert search(at=0.1) == (0, ["coarse", "close"])
    search(Square(RED), at=0.2)
    assert search(Square(RED), Square(GREEN, left=300), at=0.3) == (2, ["coarse", "close"])


def test_small_faces_are_never_followed(search):
    search(Square(RED, size=LEAST_FOLLOWED_PX - 2))
    assert search(Square(RED, size=LEAST_FOLLOWED_PX - 2), at=0.1) == (1, ["close"])


def test_a_small_newcomer_beside_a_large_face_waits_for_the_next_close_search(search):
    search(Square(RED))
    both = (Square(RED), Square(GREEN, left=300, size=50))
    assert search(*both, at=0.3) == (1, ["coarse"])
    assert search(*both, at=0.5) == (2, ["close"])


def test_a_clock_that_jumps_back_makes_the_search_close(search):
    search(Square(RED))
    assert search(Square(RED), at=-10) == (1, ["close"])


def test_without_a_coarse_detector_every_search_is_close(used):
    searcher = Searcher(Noting("close", used))
    for number in range(3):
        searcher.search(Frame(paint(Square(RED)), START + number / 10), closely=False)
    assert used == ["close"] * 3


def test_whoever_is_looked_at_was_searched_for_closely(used):
    """Three looks until the vote is clear, then one a second; in between the face is followed."""
    embedder = ColourEmbedder()
    pipeline = Pipeline(
        detector=Noting("close", used),
        coarse=Coarse(Noting("coarse", used), 520, close_seconds=10),
        embedder=embedder,
        index=gallery_of(alice=RED),
        policy=Policy(0.8),
        tracker=Tracker(),
    )
    for number in range(23):
        before = embedder.chips_seen
        used.clear()
        seen = pipeline.recognize(Frame(paint(Square(RED)), START + number / 10))
        looked = embedder.chips_seen > before
        assert used == (["close"] if looked else ["coarse"])
        assert number < 2 or seen.faces[0].verdict.state == "known"
    assert embedder.chips_seen == 5


def test_after_a_cut_the_search_is_close(used):
    pipeline = Pipeline(
        detector=Noting("close", used),
        coarse=Coarse(Noting("coarse", used), 520, close_seconds=10),
        embedder=ColourEmbedder(),
        index=gallery_of(alice=RED),
        policy=Policy(0.8),
        tracker=Tracker(),
    )
    for number in range(6):
        pipeline.recognize(Frame(paint(Square(RED)), START + number / 10))
    used.clear()
    pipeline.recognize(Frame(paint(Square(RED), wall=120), START + 0.6))
    assert used == ["close"]


def test_a_face_found_in_the_small_picture_stands_in_the_pixels_of_the_full_one():
    full = paint(Square(RED, left=120, top=40, size=112))
    sizes = []

    class Sizing(SquareDetector):
        def detect(self, image):
            sizes.append(image.shape[:2])
            return super().detect(image)

    [alone] = Searcher(Sizing()).search(Frame(full, START), closely=True)
    small = np.asarray(cv2.resize(full, (260, 60), interpolation=cv2.INTER_AREA), np.uint8)
    [found] = Searcher(Sizing()).search(Frame(full, START, small), closely=True)
    assert sizes == [(180, 520), (60, 260)]
    assert (found.box.left, found.box.width) == pytest.approx((alone.box.left, alone.box.width), abs=4)
    assert (found.box.top, found.box.height) == pytest.approx((alone.box.top, alone.box.height), abs=6)
    assert found.landmarks == pytest.approx(alone.landmarks, abs=6)
    assert found.landmarks.dtype == np.float32


def test_chips_are_cut_from_the_full_picture_though_faces_are_sought_in_the_small_one():
    """The small picture has no colours, so that only the full one can give a name."""
    full = paint(Square(RED))
    grey = np.repeat(cv2.resize(full, (260, 90)).max(axis=2, keepdims=True), 3, axis=2)
    pipeline = Pipeline(
        detector=SquareDetector(),
        embedder=ColourEmbedder(),
        index=gallery_of(alice=RED),
        policy=Policy(0.8),
        tracker=Tracker(),
    )
    seen = [pipeline.recognize(Frame(full, START + number / 10, grey)) for number in range(3)]
    [face] = seen[-1].faces
    assert face.verdict.identity is not None and face.verdict.identity.name == "alice"

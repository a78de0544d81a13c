"""Enrolment accepts good looks and says why it refuses others; nothing is stored by halves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeface.app.closeup import CloseUp
from edgeface.app.enroll import Enroller
from edgeface.core.align import align
from edgeface.errors import EnrollmentError, LooksLikeAnother, NoFaceFound, PoorPhoto, SeveralFacesFound
from tests.fakes import (
    GREEN,
    PINKISH,
    RED,
    ColourEmbedder,
    FakeGallery,
    PaintedCamera,
    Square,
    SquareDetector,
    gallery_of,
    paint,
)

PHOTOS = {
    "red.jpg": paint(Square(RED)),
    "red2.jpg": paint(Square(RED, size=80)),
    "pink.jpg": paint(Square(PINKISH)),
    "green.jpg": paint(Square(GREEN)),
    "nobody.jpg": paint(),
    "two.jpg": paint(Square(RED), Square(GREEN, left=400)),
    "small.jpg": paint(Square(RED, size=25)),
    "dark.jpg": paint(Square(RED, light=0.2)),
    "blurred.jpg": paint(Square(RED, sharp=False)),
    "turned.jpg": paint(Square(RED, turned=True)),
}


def enroller(gallery):
    return Enroller(detector=SquareDetector(), embedder=ColourEmbedder(), people=gallery, threshold=0.8)


def enrol(gallery, name, *photos, force=False):
    read = lambda path: PHOTOS[str(path)]  # noqa: E731 (the photos are a table)
    return enroller(gallery).from_photos(name, list(map(Path, photos)), read=read, force=force)


def test_each_photo_becomes_a_look_of_its_own():
    gallery = FakeGallery()
    enrolled = enrol(gallery, "alice", "red.jpg", "red2.jpg")
    assert enrolled.identity.name == "alice"
    assert [(identity.name, embedding.vector.shape) for identity, embedding in gallery.looks] == [("alice", (3,))] * 2
    assert [(look.source, look.face.box.width) for look in enrolled.looks] == [
        ("red.jpg", 112),
        ("red2.jpg", 80),
    ]


@pytest.mark.parametrize(
    ("photo", "error", "reason"),
    [
        ("nobody.jpg", NoFaceFound, "nobody.jpg: no face found"),
        ("two.jpg", SeveralFacesFound, "two.jpg: 2 faces found, exactly one is needed"),
        ("small.jpg", PoorPhoto, "small.jpg: face is 25 px wide"),
        ("dark.jpg", PoorPhoto, "dark.jpg: too dark"),
        ("blurred.jpg", PoorPhoto, "blurred.jpg: too blurred"),
        ("turned.jpg", PoorPhoto, "turned.jpg: turned away"),
    ],
)
def test_a_photo_is_refused_with_its_reason_even_by_force(photo, error, reason):
    gallery = FakeGallery()
    with pytest.raises(error, match=reason) as refusal:
        enrol(gallery, "alice", photo, force=True)
    assert refusal.value.hint
    assert refusal.value.exit_code == 5
    assert gallery.looks == []


def test_one_refused_photo_keeps_all_from_being_stored():
    gallery = FakeGallery()
    with pytest.raises(NoFaceFound):
        enrol(gallery, "alice", "red.jpg", "nobody.jpg")
    assert gallery.looks == []


def test_all_refusals_are_listed_at_once():
    with pytest.raises(EnrollmentError, match="2 of 3 photos are refused") as refusal:
        enrol(FakeGallery(), "alice", "dark.jpg", "red.jpg", "nobody.jpg")
    lines = str(refusal.value).splitlines()
    assert lines[1].startswith("  dark.jpg: too dark")
    assert lines[2] == "  nobody.jpg: no face found"


def test_a_face_like_somebody_elses_is_refused_and_named_unless_forced():
    gallery = gallery_of(alice=RED, bob=GREEN)
    with pytest.raises(LooksLikeAnother, match=r"pink.jpg: looks like alice.*0\.99, the limit is 0\.80") as refusal:
        enrol(gallery, "carol", "pink.jpg")
    assert "--force" in refusal.value.hint
    enrol(gallery, "carol", "pink.jpg", force=True)
    assert [identity.name for identity, _ in gallery.looks] == ["alice", "bob", "carol"]


def test_more_photos_of_somebody_enrolled_are_welcome():
    gallery = gallery_of(alice=RED)
    enrol(gallery, "alice", "red2.jpg")
    assert [identity.id for identity, _ in gallery.looks] == [1, 1]


def from_camera(gallery, pictures, *, seconds=2.0):
    said = []
    camera = PaintedCamera(pictures)
    return enroller(gallery).from_camera("alice", camera, seconds=seconds, tell=said.append), said


def test_the_best_look_at_the_camera_is_kept_and_the_reasons_are_told_as_they_change():
    gallery = FakeGallery()
    pictures = [paint()] * 3 + [paint(Square(RED, light=0.2))] * 3 + [paint(Square(RED, size=60)), paint(Square(RED))]
    enrolled, said = from_camera(gallery, pictures)
    assert enrolled.looks[0].face.box.width == 112
    assert len(gallery.looks) == 1
    assert [line.partition(":")[2][:10].strip() for line in said] == [
        "no face fo"[:9],
        "too dark:",
        "good, hol",
    ]


def test_only_the_given_seconds_of_the_camera_count():
    with pytest.raises(NoFaceFound, match="no acceptable look in 1 s; last: camera: no face found"):
        from_camera(FakeGallery(), [paint()] * 15 + [paint(Square(RED))] * 5, seconds=1.0)


def test_at_a_camera_without_a_good_look_the_last_reason_is_given():
    with pytest.raises(PoorPhoto, match="too blurred"):
        from_camera(FakeGallery(), [paint(), paint(Square(RED, sharp=False))])


def test_a_camera_without_frames_enrols_nobody():
    with pytest.raises(NoFaceFound, match="no frame came"):
        from_camera(FakeGallery(), [])


def test_a_face_at_the_camera_like_somebody_elses_is_refused():
    with pytest.raises(LooksLikeAnother):
        from_camera(gallery_of(bob=RED), [paint(Square(RED))])


def test_the_stored_vector_is_that_of_the_best_look():
    gallery = FakeGallery()
    enrolled, _ = from_camera(gallery, [paint(Square(RED))])
    [expected] = ColourEmbedder().embed([enrolled.looks[0].chip])
    assert np.array_equal(gallery.looks[0][1].vector, expected.vector)


def test_landmarks_are_found_anew_where_the_face_has_more_pixels_than_was_searched():
    class Rough(SquareDetector):
        """Finds faces, but not where their eyes are."""

        def detect(self, image):
            return [replace(face, landmarks=face.landmarks + 20) for face in super().detect(image)]

    looks = []
    for searched_px in (260, 520):
        close = CloseUp(SquareDetector(), 320, searched_px)
        careful = Enroller(
            detector=Rough(), embedder=ColourEmbedder(), people=FakeGallery(), threshold=0.8, close_up=close
        )
        looks.append(careful.look(PHOTOS["red.jpg"], "camera"))
    [exact] = SquareDetector().detect(PHOTOS["red.jpg"])
    assert looks[0].face.landmarks == pytest.approx(exact.landmarks)
    assert np.array_equal(looks[0].chip, align(PHOTOS["red.jpg"], exact.landmarks))
    assert looks[1].face.landmarks == pytest.approx(exact.landmarks + 20)


@pytest.mark.parametrize(("keeps", "kept"), [(True, 2), (False, 0)])
def test_chips_are_kept_only_where_they_are_wanted(keeps, kept):
    gallery = FakeGallery()
    keeper = Enroller(
        detector=SquareDetector(), embedder=ColourEmbedder(), people=gallery, threshold=0.8, keeps_chips=keeps
    )
    keeper.from_photos("alice", [Path("red.jpg"), Path("red2.jpg")], read=lambda path: PHOTOS[str(path)])
    assert [chip.shape for chip in gallery.chips] == [(112, 112, 3)] * kept

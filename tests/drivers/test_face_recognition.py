"""face_recognition's way to recognise, on a photograph."""

from importlib.util import find_spec

import numpy as np
import pytest

from edgeface.drivers import face_recognition
from edgeface.drivers.face_recognition import FaceRecognition, locate_dlib_weights
from edgeface.errors import MissingExtra


@pytest.fixture(scope="module")
def peer():
    if not (find_spec("dlib") and find_spec("face_recognition_models")):
        pytest.skip("dlib and its weights belong to the extra peers")
    return FaceRecognition()


def describe(peer, image):
    place = max(peer.find(image), key=lambda place: place.area())
    return peer.describe(image, peer.align(image, place))


def test_a_mirrored_face_is_the_same_person_and_random_vectors_are_nobody(peer, astronaut):
    vector = describe(peer, astronaut)
    others = np.random.default_rng(0).normal(size=(20, peer.vector_size))
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    again = describe(peer, np.ascontiguousarray(astronaut[:, ::-1]))
    assert peer.match(np.vstack([others, vector]), again) == 20
    assert peer.match(others, again) is None


def test_a_wall_has_no_face(peer):
    assert peer.find(np.full((120, 160, 3), 90, np.uint8)) == []


@pytest.mark.parametrize("missing", ["dlib", "face_recognition_models"])
def test_what_is_missing_is_named_with_what_to_install(monkeypatch, missing):
    found = type("Spec", (), {"submodule_search_locations": ["/models"]})
    monkeypatch.setattr(face_recognition, "find_spec", lambda name: None if name == missing else found)
    with pytest.raises(MissingExtra, match=missing) as refused:
        locate_dlib_weights()
    assert refused.value.hint == "pip install 'edgeface[peers]'"

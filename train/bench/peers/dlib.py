"""dlib's ResNet, which face_recognition uses, for `edgeface evaluate people CHIPS --also train/bench/peers/dlib.py`.

It needs `pip install 'edgeface[peers]'`. Vectors are compared by
Euclidean distance, as face_recognition does. dlib aligns a face in its own way to 150 px, by 68 landmarks that it
searches for on our chip of 128 px, in the square where the face of an aligned chip lies. Five landmarks, or a
fixed cut, did less well on 1,490 chips: TAR at FAR 1e-3 of 59.2 % and 55.9 %, with 68 of them 60.8 %.
Source: King 2009, "Dlib-ml", and dlib's dnn_face_recognition example.
"""

from pathlib import Path

import dlib  # pyright: ignore[reportMissingImports] (optional)
import numpy as np
import numpy.typing as npt

from edgeface.drivers.face_recognition import RESNET, locate_dlib_weights
from edgeface.errors import MissingExtra

FACE = (20, 28, 108, 116)
"""Left, top, right, bottom of the face in a chip of 128 px."""


class Dlib:
    """The network, on a chip that it cuts itself."""

    name = "dlib"
    size = 128
    distance = "euclidean"

    def __init__(self, models: Path) -> None:
        weights = models / RESNET
        self.file_bytes = weights.stat().st_size
        self._network = dlib.face_recognition_model_v1(str(weights))
        self._landmarks = dlib.shape_predictor(str(models / "shape_predictor_68_face_landmarks.dat"))

    def embed(self, chips: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return (n, 128) vectors, not of unit length."""
        return np.array([self._describe(np.ascontiguousarray(chip)) for chip in chips], np.float32)

    def _describe(self, chip: npt.NDArray[np.uint8]) -> list[float]:
        found = self._landmarks(chip, dlib.rectangle(*FACE))
        return list(self._network.compute_face_descriptor(chip, found))


def load() -> Dlib:
    """Open the weights inside of their package."""
    try:
        return Dlib(locate_dlib_weights())
    except MissingExtra as error:
        raise ModuleNotFoundError("dlib's weights", name="face_recognition_models") from error

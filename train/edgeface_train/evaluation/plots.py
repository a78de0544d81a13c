"""Draw a report: trade-offs on probit axes, similarities of both kinds of pairs, one-shot search, slices."""

from collections.abc import Sequence
from io import BytesIO
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeface_train.evaluation.columns import MANIFEST
from edgeface_train.evaluation.results import Estimate, Report, Result, Search
from edgeface_train.page import Picture

COLOURS = ("#2c6fbb", "#d98a00", "#2a9d3f", "#8e44ad", "#c0392b", "#34495e")
LONGEST = 30
"""Characters of a slice's name."""
CROWD = 3
"""Slices whose names stand side by side."""
STYLES = ("o-", "s--", "^:")
TICKS = (1e-5, 1e-4, 1e-3, 1e-2, 5e-2, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9)
LEAST, MOST = 1e-6, 1 - 1e-6
"""Rates are drawn no nearer to 0 and 1, which lie infinitely far away on a probit axis."""


def draw_det(report: Report) -> Picture:
    """Draw misses and false accepts of all pairs on probit axes, where equal normal distributions give a line."""
    figure, axes = _figure(7.5, 6)
    for result, colour in _coloured(report.results):
        far = probit(result.curve.far)
        axes.plot(far, probit(_rest(result.curve.tar)), color=colour, label=result.name)
        low, high = (probit(_rest(bound)) for bound in (result.curve.high, result.curve.low))
        axes.fill_between(far, low, high, color=colour, alpha=0.15, linewidth=0)
    misses = [1 - tar for result in report.results for tar in result.curve.tar]
    fars = [far for result in report.results for far in result.curve.far]
    for axis, rates, name in ((axes.xaxis, fars, "false accepts (FAR), %"), (axes.yaxis, misses, "false rejects, %")):
        ticks = _ticks(rates)
        axis.set_ticks(probit(ticks), [f"{100 * tick:g}" for tick in ticks])
        axis.set_label_text(name)
    axes.set_xlim(*_limits(fars))
    axes.set_ylim(*_limits(misses))
    return _finish(figure, axes, "All pairs: misses against false accepts on probit axes; bands are 95 % over people")


def draw_roc(report: Report) -> Picture:
    """Draw TAR against FAR, the latter on a logarithmic axis."""
    figure, axes = _figure(7.5, 4.5)
    for result, colour in _coloured(report.results):
        percent = [100 * np.asarray(values) for values in (result.curve.tar, result.curve.low, result.curve.high)]
        axes.plot(result.curve.far, percent[0], color=colour, label=result.name)
        axes.fill_between(result.curve.far, percent[1], percent[2], color=colour, alpha=0.15, linewidth=0)
    axes.set_xscale("log")
    axes.set_xlabel("false accepts (FAR)")
    axes.set_ylabel("genuine pairs accepted (TAR), %")
    return _finish(figure, axes, "All pairs: receiver operating characteristic")


def draw_histograms(report: Report) -> Picture:
    """Draw the similarities of genuine and impostor pairs of each network, with its threshold."""
    figure, panels = _figure(7.5, 2.4 * len(report.results), rows=len(report.results))
    for axes, result in zip(panels if len(report.results) > 1 else [panels], report.results, strict=True):
        edges = np.asarray(result.histogram.edges)
        for shares, name, colour in (
            (result.histogram.impostor, "two people", COLOURS[4]),
            (result.histogram.genuine, "one person", COLOURS[0]),
        ):
            axes.stairs(100 * np.asarray(shares), edges, fill=True, alpha=0.5, color=colour, label=name)
        at = next(at for at in result.operating if at.far == 1e-3)
        axes.axvline(at.threshold, color="grey", linestyle="--", linewidth=1, label="threshold at FAR 1e-3")
        axes.set_title(result.name, fontsize=10)
        axes.set_ylabel("pairs, %")
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)
    figure.supxlabel("similarity", fontsize=10)
    return _picture(figure, "Similarities of pairs of one person and of two people, each adding up to 100 %")


def draw_searches(report: Report, fpir: float) -> Picture:
    """Draw how many searches of enrolled people miss, against the size of the gallery, at one FPIR."""
    figure, axes = _figure(9, 4.5)
    kinds = sorted({search.looks for result in report.results for search in result.searches})
    drawn = [(result, colour, looks) for result, colour in _coloured(report.results) for looks in kinds]
    for place, (result, colour, looks) in enumerate(drawn):
        row = [search for search in result.searches if search.looks == looks and search.fpir == fpir]
        if row:
            aside = 1.03 ** (place - len(drawn) / 2)  # so that bars do not hide each other
            style = STYLES[kinds.index(looks) % len(STYLES)]
            _with_bars(axes, row, colour, style, f"{result.name}, {_chips(looks)}", aside)
    axes.set_xscale("log")
    sizes = sorted({search.enrolled for result in report.results for search in result.searches})
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("people enrolled")
    axes.set_ylabel(f"enrolled people missed (FNIR at FPIR {100 * fpir:g} %), %")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    return _picture(figure, f"Open-set search at FPIR {100 * fpir:g} %: bars are 95 % over people")


def draw_slices(report: Report) -> Picture:
    """Draw the false rejects of every slice, a panel a condition."""
    names = list(dict.fromkeys(piece.condition for piece in report.results[0].slices))
    rows = max(2, (len(names) + 1) // 2)
    figure, panels = _figure(9, 3.2 * rows, rows=rows, columns=2)
    for axes in np.ravel(panels)[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(np.ravel(panels), names, strict=False):
        for number, (result, colour) in enumerate(_coloured(report.results)):
            pieces = [piece for piece in result.slices if piece.condition == name]
            offset = 0.12 * (number - (len(report.results) - 1) / 2)
            drawn = [(place + offset, piece.fnmr) for place, piece in enumerate(pieces) if piece.fnmr]
            axes.errorbar(
                [place for place, _ in drawn],
                [100 * fnmr.value for _, fnmr in drawn],
                yerr=_lengths([fnmr for _, fnmr in drawn]),
                fmt="o",
                color=colour,
                capsize=3,
                label=result.name,
            )
            crowded = {"rotation": 40, "ha": "right"} if len(pieces) > CROWD else {}
            axes.set_xticks(range(len(pieces)), [_label(piece.chips) for piece in pieces], fontsize=8, **crowded)
        axes.set_ylim(bottom=0)
        axes.set_title(_plain(name), fontsize=10)
        axes.grid(alpha=0.3)
    np.ravel(panels)[0].legend(fontsize=8)
    figure.supylabel("false rejects at the one threshold of FAR 1e-3, %", fontsize=10)
    told = any(name.startswith(MANIFEST) for name in names)
    more = ", and by what the manifest says of both" if told else ""
    return _picture(figure, f"Pairs by their poorer chip, in thirds of the chips{more}")


def probit(rates: Sequence[float] | npt.NDArray) -> list[float]:
    """Return the standard normal quantile of each rate, kept off 0 and 1."""
    normal = NormalDist()
    return [normal.inv_cdf(min(max(float(rate), LEAST), MOST)) for rate in rates]


def _with_bars(axes: Any, row: Sequence[Search], colour: str, style: str, label: str, aside: float) -> None:
    axes.errorbar(
        [search.enrolled * aside for search in row],
        [100 * search.fnir.value for search in row],
        yerr=_lengths([search.fnir for search in row]),
        fmt=style,
        color=colour,
        markersize=5,
        capsize=3,
        label=label,
    )


def _lengths(estimates: Sequence[Estimate]) -> npt.NDArray[np.float64]:
    """Return (2, n) lengths of error bars in per cent; an interval need not contain its figure."""
    lengths = [(at.value - at.low, at.high - at.value) for at in estimates]
    return np.maximum(100 * np.array(lengths).reshape(-1, 2).T, 0)


def _rest(rates: Sequence[float]) -> list[float]:
    return [1 - rate for rate in rates]


def _limits(rates: Sequence[float]) -> list[float]:
    inside = [rate for rate in rates if 0 < rate < 1] or [0.5]
    low, high = probit([min(inside) / 1.5, min(max(inside), 0.95)])
    return [low, high + 0.1]


def _ticks(rates: Sequence[float]) -> list[float]:
    low, high = _limits(rates)
    return [tick for tick, place in zip(TICKS, probit(TICKS), strict=True) if low <= place <= high]


def _label(text: str) -> str:
    """Put what follows a colon on a line of its own."""
    return _plain(text).replace(": ", "\n")


def _plain(text: str) -> str:
    """Cut what is long, and keep what anybody wrote in a manifest from being read as mathematics."""
    short = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return short.replace("$", r"\$")


def _chips(looks: int) -> str:
    return "1 chip each" if looks == 1 else f"{looks} chips each"


def _coloured(results: Sequence[Result]) -> list[tuple[Result, str]]:
    return [(result, COLOURS[place % len(COLOURS)]) for place, result in enumerate(results)]


def _figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns)


def _finish(figure: Any, axes: Any, caption: str) -> Picture:
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return _picture(figure, caption)


def _picture(figure: Any, caption: str) -> Picture:
    encoded = BytesIO()
    figure.savefig(encoded, format="png", dpi=110)
    return Picture(caption, encoded.getvalue())

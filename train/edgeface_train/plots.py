"""Draw a run: its curves, and a picture of triplets as they were mined."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeface.core.metrics import squared_distance
from edgeface.core.prepare import crop_centre
from edgeface.core.types import Image, Vector
from edgeface_train.mining import Triplets

SHOWN = 6
KINDS = ("easy", "semi-hard", "hard")
COLOURS = ("#2a9d3f", "#d98a00", "#c0392b")


def draw_curves(entries: Sequence[dict[str, Any]], path: Path) -> None:
    """Write loss, non-easy share and TAR over the run as one PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    loss, easy, tar = figure.subplots(1, 3)
    epochs = [entry for entry in entries if entry["event"] == "epoch"]
    measures = [entry for entry in entries if entry["event"] == "measure"]
    loss.plot(range(1, len(epochs) + 1), [entry["loss"] for entry in epochs], ".-", color="#34495e")
    _mark_stages(loss, epochs)
    places = range(len(measures))
    for key, label, colour in (
        ("non_easy_train", "training", "#c0392b"),
        ("non_easy_held_out", "held out", "#2c6fbb"),
    ):
        easy.plot(places, [max(100 * entry[key], 1e-3) for entry in measures], ".-", label=label, color=colour)
    easy.axhline(1, color="grey", linewidth=0.8, linestyle="--")
    easy.set_yscale("log")
    easy.legend()
    tar.plot(places, [100 * entry["tar_held_out"] for entry in measures], ".-", color="#2a9d3f")
    for axes, title, below in (
        (loss, "loss", "epoch"),
        (easy, "non-easy random triplets, %", "measure"),
        (tar, "TAR at FAR 1e-2, held out, %", "measure"),
    ):
        axes.set_title(title)
        axes.set_xlabel(below)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def draw_triplets(triplets: Triplets, kinds: npt.NDArray[np.int8], chips: Image, vectors: Vector, path: Path) -> None:
    """Write anchor, positive and negative of a few triplets, with their squared distances, as one PNG."""
    from matplotlib.figure import Figure

    if not len(triplets):
        return
    shown = np.linspace(0, len(triplets) - 1, min(SHOWN, len(triplets))).astype(int)
    figure = Figure(figsize=(5, 1.75 * len(shown)), layout="constrained")
    axes = figure.subplots(len(shown), 3, squeeze=False)
    for row, number in zip(axes, shown, strict=True):
        (anchor, positive, negative), kind = triplets[number], kinds[number]
        for place, (panel, chip) in enumerate(zip(row, (anchor, positive, negative), strict=True)):
            panel.imshow(crop_centre(chips[chip][np.newaxis], 112)[0])
            panel.set_axis_off()
            distance = float(squared_distance(vectors[anchor], vectors[chip]))
            label = ("anchor", f"same person, {distance:.2f}", f"somebody else, {distance:.2f}")[place]
            panel.set_title(label, fontsize=8, color=COLOURS[kind] if place == 2 else "black")
        row[0].text(-0.12, 0.5, KINDS[kind], rotation=90, transform=row[0].transAxes, va="center", fontsize=9)
    figure.savefig(path, dpi=110)


def _mark_stages(axes: Any, epochs: Sequence[dict[str, Any]]) -> None:
    for place in range(1, len(epochs)):
        if epochs[place]["stage"] != epochs[place - 1]["stage"]:
            axes.axvline(place + 0.5, color="grey", linewidth=0.8, linestyle=":")

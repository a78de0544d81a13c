"""Measure a bundle on chips of people it never saw: pairs in ten folds, all pairs, one-shot identification.

    python train/bench/validation.py CHIPS --pairs pairs.csv --oneshot oneshot.csv [--model BUNDLE] [--variant int8]

pairs.csv has the columns fold, same, left, right; oneshot.csv has trial, n, enrolled: the one enrolled chip of each
of n people a trial; their other chips are mated probes, all chips of everybody else non-mated ones.
"""

import argparse
import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from edgeface_train.chips import ChipSet, load_chips
from edgeface_train.mining import Photos, non_easy_fraction

from edgeface.card import read_bundle
from edgeface.core.metrics import open_set_identification, similarity_pairs, tar_at_far, tenfold_accuracy
from edgeface.core.types import Vector
from edgeface.drivers.embedder import TfliteEmbedder
from edgeface.wiring import DEFAULT_BUNDLE

MARGINS = (0.0, 0.2, 0.35)


def pairs_accuracy(vectors: Vector, place: dict[str, int], path: Path) -> tuple[float, float]:
    """Return mean and standard error of the ten-fold accuracy over the pairs of a CSV."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    left, right = ([place[row[side]] for row in rows] for side in ("left", "right"))
    similarities = np.sum(vectors[left] * vectors[right], axis=1)
    same, folds = (np.array([int(row[key]) for row in rows]) for key in ("same", "fold"))
    result = tenfold_accuracy(similarities, same.astype(bool), folds)
    return float(result[0]), float(result[1])


def oneshot_misses(vectors: Vector, chips: ChipSet, place: dict[str, int], path: Path, fpir: float) -> dict[int, float]:
    """Return FNIR at an FPIR for each gallery size, the mean over the trials of a CSV."""
    trials: dict[tuple[int, str], list[int]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            trials[int(row["n"]), row["trial"]].append(place[row["enrolled"]])
    misses = defaultdict(list)
    for (size, _), enrolled in trials.items():
        mated = np.isin(chips.people, chips.people[enrolled])
        probes = mated.copy()
        probes[enrolled] = False
        result = open_set_identification(
            vectors[enrolled], chips.people[enrolled], vectors[probes], chips.people[probes], vectors[~mated], fpir
        )
        misses[size].append(float(result[0]))
    return {size: float(np.mean(values)) for size, values in sorted(misses.items())}


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chips", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--oneshot", type=Path)
    parser.add_argument("--model", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--variant", default="")
    args = parser.parse_args()
    chips = load_chips(args.chips, size=112)
    place = {path: number for number, path in enumerate(chips.paths)}
    embedder = TfliteEmbedder(read_bundle(args.model), variant=args.variant, threads=2)
    vectors = np.stack([embedding.vector for embedding in embedder.embed(list(chips.images))])
    lines = [f"{len(chips)} chips of {len(chips.names)} people, {embedder}"]
    if args.pairs:
        mean, error = pairs_accuracy(vectors, place, args.pairs)
        lines.append(f"pairs, ten folds: {mean:.2%} +- {error:.2%}")
    genuine, impostor = similarity_pairs(vectors, chips.people)
    for far in (1e-2, 1e-3, 1e-4):
        lines.append(
            f"TAR at FAR {far:g}, {len(impostor):,} impostor pairs: {tar_at_far(genuine, impostor, far)[0]:.1%}"
        )
    if args.oneshot:
        for size, miss in oneshot_misses(vectors, chips, place, args.oneshot, 1e-2).items():
            lines.append(f"FNIR at FPIR 1 %, {size} enrolled from one chip each: {miss:.1%}")
    for margin in MARGINS:
        fraction = non_easy_fraction(Photos(chips.people), vectors, margin, draws=20_000, rng=np.random.default_rng(1))
        lines.append(f"random triplets that are not easy at margin {margin}: {fraction:.2%}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""Enrol random households, calibrate each with blended strangers, and count how real strangers fare.

    python train/bench/calibrate.py BUNDLE --chips TRAIN --held-out PEOPLE --clean LIST --cache vectors.npz

People held out are halved at random, anew in each split: one half corrects the cohort, as `edgeface data cohort` does;
the other gives households, from one to three looks each, and strangers. So nobody who is counted was seen before, by
the network or by the estimate. A look is one chip of a stranger; a visit is five, of which three must name one person.
"""

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from edgeface_train.cohort import blend, draw_faces, embed_chips

from edgeface.card import read_bundle
from edgeface.core.calibration import fit_tails, threshold_for
from edgeface.core.cohort import Cohort, corrected, quantised, restored
from edgeface.drivers.embedder import TfliteEmbedder

SIZES = {3: 40, 10: 40, 50: 12}
"""Households of each size in a split."""
RATES = (0.01, 0.003, 0.001)
MARGIN = 0.05
LOOKS, VOTES = 5, 3
STRANGERS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """What the bench needs of a bundle."""

    training: npt.NDArray[np.float32]
    """(people, size), of one chip each."""
    held_out: npt.NDArray[np.float32]
    """(chips, size)"""
    people: npt.NDArray[np.int64]
    """(chips,)"""


def read_vectors(args: argparse.Namespace) -> Vectors:
    """Embed the chips, or take them from the cache of the same model."""
    bundle = read_bundle(args.bundle)
    model = bundle.variant(args.variant).sha256
    if args.cache and args.cache.is_file():
        with np.load(args.cache, allow_pickle=False) as held:
            if str(held["model"]) == model:
                return Vectors(held["training"], held["held_out"], held["people"].astype(np.int64))
    faces = draw_faces(args.chips, args.held_out, args.clean, STRANGERS, 1)
    embedder = TfliteEmbedder(bundle, variant=args.variant, threads=2)
    found = Vectors(
        embed_chips(embedder, faces.chips),
        embed_chips(embedder, faces.held_out),
        faces.held_out_people.astype(np.int64),
    )
    if args.cache:
        np.savez(
            args.cache, model=np.array(model), training=found.training, held_out=found.held_out, people=found.people
        )
    return found


def measure_household(
    found: dict[tuple[int, float], list[tuple[float, float, float, float]]],
    vectors: Vectors,
    cohort: Cohort,
    candidates: npt.NDArray[np.int64],
    size: int,
    rng: np.random.Generator,
) -> None:
    """Add what one household came to: looks and visits of strangers named, members found, threshold."""
    members = rng.choice(candidates, size, replace=False)
    enrolled = np.concatenate(
        [rng.permutation(np.flatnonzero(vectors.people == who))[: rng.integers(1, 4)] for who in members]
    )
    others = np.flatnonzero(np.isin(vectors.people, np.setdiff1d(candidates, members)))
    probes = np.setdiff1d(np.flatnonzero(np.isin(vectors.people, members)), enrolled)
    plain = Cohort(vectors.held_out)
    scores = plain.scores(vectors.held_out[enrolled], vectors.people[enrolled])
    tails = fit_tails(cohort.scores(vectors.held_out[enrolled], vectors.people[enrolled]), cohort.shape)
    ranked = np.sort(scores, axis=1)
    names = np.sort(members)[np.argmax(scores, axis=1)]
    for rate in RATES:
        threshold = threshold_for(tails, rate, MARGIN)
        named = np.where((ranked[:, -1] >= threshold) & (ranked[:, -1] - ranked[:, -2] >= MARGIN), names, -1)
        visits = [named[others][vectors.people[others] == who][:LOOKS] for who in np.unique(vectors.people[others])]
        visits = [visit for visit in visits if len(visit) == LOOKS]
        taken_in = [any(np.sum(visit == name) >= VOTES for name in set(visit[visit >= 0])) for visit in visits]
        found[size, rate].append(
            (
                float(np.mean(named[others] >= 0)),
                float(np.mean(taken_in)),
                float(np.mean(named[probes] == vectors.people[probes])),
                threshold,
            )
        )


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--variant", default="int8")
    parser.add_argument("--chips", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--clean", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    vectors, rng = read_vectors(args), np.random.default_rng(args.seed)
    everybody = np.unique(vectors.people)
    found: dict[tuple[int, float], list[tuple[float, float, float, float]]] = defaultdict(list)
    for _ in range(args.splits):
        first, second = np.array_split(rng.permutation(everybody), 2)
        half = np.isin(vectors.people, first)
        strangers = restored(quantised(blend(vectors.training, STRANGERS, rng)))
        cohort = corrected(strangers, vectors.held_out[half], vectors.people[half])
        for size, households in SIZES.items():
            for _ in range(households):
                measure_household(found, vectors, cohort, second, size, rng)
    write = sys.stdout.write
    write("| enrolled | promised | looks named | ratio | 80 % of households | visits named | found | threshold |\n")
    write("|---|---|---|---|---|---|---|---|\n")
    for (size, rate), rows in sorted(found.items(), key=lambda item: (item[0][0], -item[0][1])):
        looks, visits, hits, thresholds = np.array(rows).T
        low, high = np.quantile(looks, [0.1, 0.9]) / rate
        write(
            f"| {size} | {100 * rate:g} % | {100 * looks.mean():.3f} % | {looks.mean() / rate:.2f} | "
            f"{low:.2f} to {high:.2f} | {100 * visits.mean():.3f} % | {100 * hits.mean():.1f} % | "
            f"{thresholds.mean():.3f} |\n"
        )


if __name__ == "__main__":
    main()

"""Enrol random households, calibrate each with blended strangers, and count how real strangers fare.

    python train/bench/calibrate.py BUNDLE --chips TRAIN --held-out PEOPLE --clean LIST --cache vectors.npz

People held out are halved at random, anew in each split: one half corrects the cohort, as `edgeface data cohort` does;
the other gives households, from one to three looks each, and strangers. So nobody who is counted was seen before, by
the network or by the estimate. A look is one chip of a stranger; a visit is five, of which three must name one person.

Splits are many because a rate rests on few people: all the looks that are named at 1 in 1,000 with 50 enrolled are of a
handful of pairs who are alike, and a split has such a pair or has not. So the table says of how many pairs the named
looks are, and between which bounds the ratio lies for other people of the same kind: 95 % of 1,000 Bayesian bootstraps
over people, in which a look counts by the weights of the stranger and of whom they were taken for.

The exit code is 1 when a rate that is promised was not realised within a factor of MOST_OFF.
"""

import argparse
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from edgeface_train.cohort import blend, draw_faces, embed_chips

from edgeface.card import read_bundle
from edgeface.core.calibration import threshold_for
from edgeface.core.cohort import Cohort, corrected, least_promised, quantised, restored
from edgeface.drivers.embedder import TfliteEmbedder

SIZES = {3: 12, 10: 12, 50: 5}
"""Households of each size in a split."""
RATES = (0.01, 0.005, 0.003, 0.001)
BOOTSTRAPS = 1000
MARGIN = 0.05
MOST_OFF = 2.0
"""By so much what strangers realise may differ from what was promised."""
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


@dataclass(slots=True)
class Tally:
    """What the households of one size came to at one rate."""

    pairs: Counter[tuple[int, int]] = field(default_factory=Counter)
    """How many looks were named, by the stranger and whom they were taken for."""
    looks: int = 0
    households: list[float] = field(default_factory=list)
    """The share of strangers' looks that was named in each."""
    visits: list[float] = field(default_factory=list)
    """Likewise of visits."""
    found: list[float] = field(default_factory=list)
    """The share of looks of the enrolled that was recognised."""
    thresholds: list[float] = field(default_factory=list)


def measure_household(
    tallies: dict[tuple[int, float], Tally],
    vectors: Vectors,
    cohort: Cohort,
    candidates: npt.NDArray[np.int64],
    size: int,
    rng: np.random.Generator,
) -> None:
    """Add what one household came to."""
    people = vectors.people
    members = rng.choice(candidates, size, replace=False)
    enrolled = np.concatenate([rng.permutation(np.flatnonzero(people == who))[: rng.integers(1, 4)] for who in members])
    others = np.flatnonzero(np.isin(people, np.setdiff1d(candidates, members)))
    probes = np.setdiff1d(np.flatnonzero(np.isin(people, members)), enrolled)
    seen = np.concatenate([others, probes])
    scores = Cohort(vectors.held_out[seen]).scores(vectors.held_out[enrolled], people[enrolled])
    tails = cohort.tails(vectors.held_out[enrolled], people[enrolled])
    ranked = np.sort(scores, axis=1)
    nearest = np.sort(members)[np.argmax(scores, axis=1)]
    for rate in RATES:
        threshold = threshold_for(tails, rate, MARGIN)
        sure = (ranked[:, -1] >= threshold) & (ranked[:, -1] - ranked[:, -2] >= MARGIN)
        named = np.where(sure, nearest, -1)
        _add(tallies[size, rate], people, (others, named[: len(others)]), (probes, named[len(others) :]), threshold)


def _add(
    tally: Tally,
    people: npt.NDArray[np.int64],
    strangers: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    members: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    threshold: float,
) -> None:
    """Add looks of strangers and of members, each with the names they were given; -1 is nobody's."""
    (looks, named), (probes, recognised) = strangers, members
    wrong = named >= 0
    tally.pairs.update(zip(people[looks[wrong]].tolist(), named[wrong].tolist(), strict=True))
    tally.looks += len(looks)
    tally.households.append(float(np.mean(wrong)))
    visits = [visit for who in np.unique(people[looks]) if len(visit := named[people[looks] == who][:LOOKS]) == LOOKS]
    tally.visits.append(
        float(np.mean([any(np.sum(visit == name) >= VOTES for name in set(visit[visit >= 0])) for visit in visits]))
    )
    tally.found.append(float(np.mean(recognised == people[probes])))
    tally.thresholds.append(threshold)


def bounds(tally: Tally, people: int) -> tuple[float, float]:
    """Return between which shares of looks named 95 % of the bootstraps over people lie."""
    if not tally.pairs:
        return 0.0, 0.0
    weights = np.random.default_rng(1).exponential(size=(BOOTSTRAPS, people))
    weights /= weights.mean(axis=1, keepdims=True)
    strangers, taken_for = np.array(list(tally.pairs)).T
    shares = (weights[:, strangers] * weights[:, taken_for]) @ np.array(list(tally.pairs.values())) / tally.looks
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def is_promised(size: int, rate: float) -> bool:
    """Tell whether a rate is promised to a household of a size."""
    return rate >= least_promised(size, blended=True, real=0)


def broken(tallies: dict[tuple[int, float], Tally]) -> list[str]:
    """Say which promises were broken: of promised rates, those that were not realised within MOST_OFF."""
    found = []
    for (size, rate), tally in sorted(tallies.items()):
        ratio = sum(tally.pairs.values()) / tally.looks / rate
        if is_promised(size, rate) and not 1 / MOST_OFF <= ratio <= MOST_OFF:
            found.append(f"{size} people, {100 * rate:g} % promised: strangers realised {ratio:.2f} times that")
    return found


def row_of(size: int, rate: float, tally: Tally, people: int) -> str:
    """Return a row of the table."""
    named = sum(tally.pairs.values())
    share, visits = named / tally.looks, 100 * float(np.mean(tally.visits))
    promised = "yes" if is_promised(size, rate) else "no"
    low, high = np.array(bounds(tally, people)) / rate
    least, most = np.quantile(tally.households, [0.1, 0.9]) / rate
    return (
        f"| {size} | {100 * rate:g} % | {promised} | {100 * share:.3f} % | {named:,} of {len(tally.pairs):,} pairs "
        f"| {share / rate:.2f} | {low:.2f} to {high:.2f} | {least:.2f} to {most:.2f} | {visits:.3f} % "
        f"| {100 * np.mean(tally.found):.1f} % | {np.mean(tally.thresholds):.3f} |"
    )


def remarks(vectors: Vectors, tallies: dict[tuple[int, float], Tally]) -> list[str]:
    """Say who is taken for whom most often in the last row, and how near blends and people are to those trained on."""
    (size, rate), tally = sorted(tallies.items(), key=lambda item: (item[0][0], -item[0][1]))[-1]
    both: Counter[frozenset[int]] = Counter()
    for pair, looks in tally.pairs.items():
        both[frozenset(pair)] += looks
    row = f"{both.total()} looks named at {100 * rate:g} % with {size} people"
    lines = [f"{looks} of the {row} are of {min(pair)} and {max(pair)}" for pair, looks in both.most_common(2)]
    blends = restored(quantised(blend(vectors.training, STRANGERS, np.random.default_rng(1))))
    among = vectors.training @ vectors.training.T
    np.fill_diagonal(among, -1)
    nearest = [(who @ vectors.training.T).max(axis=1) for who in (blends, vectors.held_out)]
    medians = [float(np.median(values)) for values in (*nearest, among.max(axis=1))]
    return [*lines, "nearest training person: blends {:.2f}, held out {:.2f}, trained on {:.2f}".format(*medians)]


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--variant", default="int8")
    parser.add_argument("--chips", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--clean", type=Path)
    parser.add_argument("--cache", type=Path, help="where the vectors are kept for the next run")
    parser.add_argument("--splits", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", type=int, nargs="*", default=[], metavar="N", help="leave out people, from 0")
    args = parser.parse_args()
    vectors, rng = read_vectors(args), np.random.default_rng(args.seed)
    everybody = np.setdiff1d(np.unique(vectors.people), args.without)
    tallies: dict[tuple[int, float], Tally] = defaultdict(Tally)
    for _ in range(args.splits):
        first, second = np.array_split(rng.permutation(everybody), 2)
        half = np.isin(vectors.people, first)
        strangers = restored(quantised(blend(vectors.training, STRANGERS, rng)))
        cohort = corrected(strangers, vectors.held_out[half], vectors.people[half])
        for size, households in SIZES.items():
            for _ in range(households):
                measure_household(tallies, vectors, cohort, second, size, rng)
    heads = ("enrolled", "asked", "promised", "looks named", "which are", "ratio", "95 % of it", "80 % of households")
    heads += ("visits named", "found", "threshold")
    sys.stdout.write(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n")
    for (size, rate), tally in sorted(tallies.items(), key=lambda item: (item[0][0], -item[0][1])):
        sys.stdout.write(f"{row_of(size, rate, tally, int(vectors.people.max()) + 1)}\n")
    sys.stdout.write("".join(f"{line}\n" for line in ["", *remarks(vectors, tallies)]))
    faults = broken(tallies)
    sys.stderr.write("".join(f"{fault}\n" for fault in faults))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()

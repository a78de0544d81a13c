"""Search one-shot galleries with plain cosines, and with scores normalised by blended strangers: who is missed?

    python train/bench/score_normalisation.py BUNDLE --chips TRAIN --held-out PEOPLE --oneshot ONESHOT.csv

Adaptive symmetric normalisation (AS-norm): of each chip, the mean and deviation of its k nearest strangers; a score
becomes the mean of what it is by either chip's. Source: Cumani et al. 2011, "Comparison of speaker recognition
approaches for real applications", and Matejka et al. 2017, "Analysis of score normalization in multilingual speaker
recognition". With k = all it is S-norm.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from calibrate import STRANGERS, read_vectors
from edgeface_train.chips import ChipSet, list_chips
from edgeface_train.cohort import blend
from edgeface_train.evaluation.identification import missed, search_gallery
from edgeface_train.evaluation.protocol import read_galleries

FPIRS = (0.01, 0.003)
NEAREST = (30, 100, 300, STRANGERS)


def normalised(similarity: npt.NDArray, to_strangers: npt.NDArray, nearest: int) -> npt.NDArray[np.float32]:
    """Return the (n, n) matrix of AS-norm of scores, given those of each of n chips with strangers, (n, strangers)."""
    top = -np.sort(-to_strangers, axis=1)[:, :nearest]
    middle, spread = top.mean(axis=1), top.std(axis=1)
    standard = (similarity - middle[:, None]) / spread[:, None]
    return ((standard + standard.T) / 2).astype(np.float32)


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--variant", default="int8")
    parser.add_argument("--chips", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--clean", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--oneshot", type=Path, required=True)
    args = parser.parse_args()
    vectors, listing = read_vectors(args), list_chips(args.held_out)
    chips = ChipSet(np.empty((0, 112, 112, 3), np.uint8), listing.people, listing.names, listing.paths, 112)
    galleries = read_galleries(args.oneshot, chips)
    plain = vectors.held_out @ vectors.held_out.T
    strangers = blend(vectors.training, STRANGERS, np.random.default_rng(1))
    ways = {"cosine": plain}
    for nearest in NEAREST:
        name = "S-norm" if nearest == STRANGERS else f"AS-norm, {nearest} nearest"
        ways[name] = normalised(plain, vectors.held_out @ strangers.T, nearest)
    sizes = sorted({gallery.size for gallery in galleries})
    heads = [f"N = {size}, FPIR {100 * fpir:g} %" for size in sizes for fpir in FPIRS]
    sys.stdout.write(f"| score | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}\n")
    everybody = np.ones((1, len(listing.names)), np.int64)
    for name, matrix in ways.items():
        cells = []
        for size in sizes:
            found = [search_gallery(matrix, listing.people, one) for one in galleries if one.size == size]
            for fpir in FPIRS:
                fnir = [float(missed(one, fpir, everybody)[0]) for one in found]
                cells.append(f"{100 * np.mean(fnir):.1f} ± {100 * np.std(fnir, ddof=1):.1f}")
        sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()

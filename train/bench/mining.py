"""Mining, side by side in one run: three photos at a time against embeddings computed once and compared in blocks.

python train/bench/mining.py            the ratio, on 100 drawn people with 10 photos each
python train/bench/mining.py --scale    10,000 people and 500,000 generated embeddings, with peak memory
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
from edgeface_train.backbone import build
from edgeface_train.batches import embed_chips
from edgeface_train.mining import Photos, mine, random_triplets
from edgeface_train.recipe import Network

from edgeface.core.metrics import EASY, squared_distance, triplet_kinds
from edgeface.core.prepare import InputSpec, to_input
from edgeface.core.types import Image, Vector

MARGIN = 0.2
PER_PAIR = 32
"""Negatives drawn of each anchor-positive pair: 9,000 pairs are all that 100 people x 10 photos have."""


def mine_naively(
    photos: Photos, embed: Callable[[Image], Vector], chips: Image, count: int, rng: np.random.Generator
) -> list[tuple[int, int, int]]:
    """Sample three images, embed them, keep them if they are not easy; one triplet at a time (the oracle)."""
    kept: dict[tuple[int, int, int], None] = {}
    while len(kept) < count:
        triplet = random_triplets(photos, 1, rng)[0]
        anchor, positive, negative = embed(chips[triplet])
        kind = triplet_kinds(squared_distance(anchor, positive), squared_distance(anchor, negative), MARGIN)
        if kind != EASY:
            kept[tuple(map(int, triplet))] = None
    return list(kept)


def compare(naive_count: int, block_count: int) -> None:
    """Print non-easy triplets kept per second of both ways, embedding included, and their ratio."""
    rng = np.random.default_rng(1)
    people = np.repeat(np.arange(100, dtype=np.int32), 10)
    chips = rng.integers(0, 256, (len(people), 112, 112, 3), dtype=np.uint8)
    photos, spec, model = Photos(people), InputSpec(), build(Network(), seed=1)

    def embed(some: Image) -> Vector:
        return np.asarray(model.predict_on_batch(to_input(some, spec)))

    embed(chips[:3])
    embed_chips(model, chips[:1], spec)
    started = time.perf_counter()
    mine_naively(photos, embed, chips, naive_count, rng)
    naive = naive_count / (time.perf_counter() - started)
    started = time.perf_counter()
    vectors = embed_chips(model, chips, spec)
    embedded = time.perf_counter() - started
    mined = mine(photos, vectors, MARGIN, count=block_count, hard_share=0.5, rng=rng, per_pair=PER_PAIR)
    block = len(mined.triplets) / (time.perf_counter() - started)
    sys.stdout.write(
        f"100 people x 10 photos, non-easy triplets kept per second, embedding included\n"
        f"  one at a time        {naive:12,.1f}\n"
        f"  once a round, blocks {block:12,.1f}   "
        f"({len(mined.triplets):,} different ones, {embedded:.1f} s of it embedding)\n"
        f"  ratio                {block / naive:12,.0f}\n"
    )


def scale(people_count: int, photo_count: int) -> None:
    """Mine among generated embeddings and print time and peak memory."""
    rng = np.random.default_rng(1)
    people = np.sort(rng.integers(0, people_count, photo_count)).astype(np.int32)
    centres = rng.normal(size=(people_count, 128)).astype(np.float32)
    vectors = centres[people] + rng.normal(0, 1.2, (photo_count, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    started = time.perf_counter()
    mined = mine(Photos(people), vectors, MARGIN, count=200_000, hard_share=0.5, rng=rng)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(
        f"{people_count:,} people, {photo_count:,} embeddings: "
        f"{len(mined.triplets):,} triplets in {seconds:.1f} s, "
        f"{mined.examined / seconds / 1e6:,.0f} million compared per second, peak memory {peak:.2f} GiB\n"
    )


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--naive", type=int, default=100, help="triplets the slow way keeps")
    parser.add_argument("--block", type=int, default=500_000, help="triplets the fast way keeps")
    args = parser.parse_args()
    if args.scale:
        scale(10_000, 500_000)
    else:
        compare(args.naive, args.block)


if __name__ == "__main__":
    main()

"""Check generated people of the size that is meant to fit in memory: seconds of each comparison, and peak memory.

    python train/bench/doctor.py --people 30000 --photos 500000

Vectors and hashes are drawn at random, so what is measured is comparing; reading, hashing and embedding photos grow
with their number, and registering pictures with the number of near ones.
"""

import argparse
import resource
import sys
import time

import numpy as np
from edgeface_train.doctor.labels import find_suspects
from edgeface_train.doctor.levels import measure_levels
from edgeface_train.doctor.modes import find_modes
from edgeface_train.doctor.twins import find_twins
from edgeface_train.duplicates import PROPOSED_BITS_ACROSS, near_pairs

SIZE = 128


def crowd(people_count: int, photo_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors, at a cosine of about 0.8 to their person, and the person of each."""
    rng = np.random.default_rng(1)
    people = np.sort(rng.integers(0, people_count, photo_count)).astype(np.int32)
    people = np.unique(people, return_inverse=True)[1].astype(np.int32)
    centres = rng.normal(size=(people.max() + 1, SIZE)).astype(np.float32)
    vectors = rng.standard_normal((photo_count, SIZE), np.float32) * np.float32(0.75)
    vectors += centres[people]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, people


def say(started: float, text: str) -> float:
    """Print a step, its seconds and the peak so far; return the time now."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(f"{time.perf_counter() - started:8.1f} s  peak {peak:.2f} GiB  {text}\n")
    sys.stdout.flush()
    return time.perf_counter()


def main() -> None:
    """Run every comparison of the doctor once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=30_000)
    parser.add_argument("--photos", type=int, default=500_000)
    args = parser.parse_args()
    vectors, people = crowd(args.people, args.photos)
    at = say(time.perf_counter(), f"{people.max() + 1:,} people, {len(people):,} photos")
    levels = measure_levels(vectors, people, rng=np.random.default_rng(1))
    if levels is None:
        parser.error("give more photos a person")
    at = say(at, "levels")
    modes = find_modes(vectors, people, levels.outside)
    at = say(at, f"{len(modes.person):,} modes")
    at = say(at, f"{len(find_twins(vectors, people, modes, levels))} twins")
    labels = find_suspects(
        vectors, people, modes, levels, merged=np.arange(people.max() + 1), sharpness=np.zeros(len(people))
    )
    at = say(at, f"{len(labels.suspects)} suspects")
    hashes = np.random.default_rng(2).integers(0, 2**64, len(people), np.uint64).tolist()
    say(at, f"{sum(1 for _ in near_pairs(hashes, PROPOSED_BITS_ACROSS))} pairs of similar hashes")


if __name__ == "__main__":
    main()

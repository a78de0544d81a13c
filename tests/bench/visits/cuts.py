"""How much two frames of a film differ, within a shot and across a cut: `python -m tests.bench.visits.cuts --help`.

The differences are those by which `edgeface.core.cuts` knows a cut, for frames so many seconds apart as a slow device
takes them. Shots are those of a table such as tests/bench/visits/six-friends.csv; a film without rows is one shot.
"""

import argparse
from pathlib import Path

import numpy as np

from edgeface.core.cuts import CUT, CUT_SECONDS, thumbnail
from edgeface.drivers.cameras.recorded import VideoFile
from tests.bench.visits.truth import read_truth

APART_SECONDS = (0.04, 0.1, 0.2, 0.25, 0.34, 0.5, 0.6, 1.0)


def main() -> None:
    """Run the bench as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, required=True, metavar="FILM")
    parser.add_argument("--truth", type=Path, required=True, metavar="CSV")
    given = parser.parse_args()
    ends: dict[int, float] = {}
    for each in read_truth(given.truth):
        ends[each.shot] = max(each.end, ends.get(each.shot, 0.0))
    with VideoFile(given.video, clock=lambda: 0.0) as source:
        seen = [(frame.seconds, thumbnail(frame.image)) for frame in source.frames()]
    seconds, pictures = np.array([at for at, _ in seen]), np.stack([picture for _, picture in seen])
    shots = np.searchsorted(sorted(ends.values()), seconds)
    print(f"A cut is a difference of {CUT:g} between frames up to {CUT_SECONDS:g} s apart.\n")
    print("| seconds apart | most within a shot | least across a cut |\n|---|---|---|")
    for apart in APART_SECONDS:
        step = max(1, round(apart / float(np.median(np.diff(seconds)))))
        differ = np.abs(pictures[step:] - pictures[:-step]).mean(axis=(1, 2))
        one_shot = shots[step:] == shots[:-step]
        across = "-" if one_shot.all() else f"{differ[~one_shot].min():.1f}"
        print(f"| {apart:g} | {differ[one_shot].max():.1f} | {across} |")


if __name__ == "__main__":
    main()

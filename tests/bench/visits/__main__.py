"""Hold what edgeface tells of a film against who is on screen: `python -m tests.bench.visits --help`.

The people are enrolled from one photo each, named by its file; the film is watched with the wiring of `edgeface run`,
every frame at the time at which it was filmed, so that the result is the same at each run. The truth is a table such as
tests/bench/visits/six-friends.csv. Printed is a table of visits and one of shots, in Markdown; docs/visits.md explains
them. The exit code is 1 when a name was given to somebody else, else 0; wrong input has the exit codes of edgeface.
"""

import argparse
import json
import math
import sys
from pathlib import Path

from edgeface.config import load
from edgeface.errors import EdgefaceError
from tests.bench.visits.play import play
from tests.bench.visits.report import as_json, markdown
from tests.bench.visits.score import Score, score
from tests.bench.visits.truth import read_truth


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, required=True, metavar="FILM")
    parser.add_argument("--people", type=Path, required=True, metavar="FOLDER", help="one photo a person")
    parser.add_argument("--truth", type=Path, required=True, metavar="CSV", help="who is on screen, when and where")
    parser.add_argument("--fps", type=float, default=math.inf, help="frames a second that the device manages")
    parser.add_argument("--live", action="store_true", help="let the motion gate choose frames, as for a live camera")
    parser.add_argument("-o", "--option", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="settings")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    return parser


def measure(given: argparse.Namespace) -> Score:
    """Watch the film and compare. Raise EdgefaceError at wrong input."""
    truth = read_truth(given.truth)
    config = load((), [*given.settings, *(["motion.gate=always"] if given.live else [])])
    return score(play(given.video, given.people, config, fps=given.fps), truth, config.presence.patience_seconds)


def main() -> int:
    """Run the bench as the command line says; return the exit code."""
    parser = options()
    given = parser.parse_args()
    if not given.fps > 0:
        parser.error(f"--fps is {given.fps:g}, a number above 0 is needed")
    try:
        found = measure(given)
    except EdgefaceError as error:
        hint = f"\n  hint: {error.hint}" if error.hint else ""
        print(f"error: {error}{hint}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(as_json(found)) if given.json else markdown(found))
    return int(found.is_anybody_wrong)


if __name__ == "__main__":
    sys.exit(main())

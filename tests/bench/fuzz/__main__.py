"""Fuzz the parsers: `make fuzz EXECS=10000000`, or `python -m tests.bench.fuzz --help`.

Each parser of `tests/bench/fuzz/parsers.py` is fed its share of the inputs, in a process of its own, guided by the
lines they reach where atheris is installed, else blindly. It may only return, or raise EdgefaceError with a message
of one line. Another exception, a warning, a signal or a GiB of memory is a crash; an input that keeps the processor
busy for longer than --hang-seconds, or waits ten times as long, is a hang. Each fault is told on standard error and
its input left in --keep; the last line of standard output is one JSON object. The exit code is 1 when there was a
fault.

The same seed gives the same inputs, as long as none is a fault.
"""

import argparse
import importlib
import importlib.util
import json
import math
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tests.bench.fuzz.campaign import Campaign, Tally
from tests.bench.fuzz.parsers import Parser

MEMORY = Path("/dev/shm")


def shares(parsers: dict[str, Parser], executions: int) -> dict[str, int]:
    """Return how many executions each parser gets, together at least as many as are wanted."""
    whole = sum(parser.share for parser in parsers.values())
    return {name: max(1, -int(-executions * parser.share // whole)) for name, parser in parsers.items()}


def fuzz(given: argparse.Namespace, folder: Path) -> dict[str, Tally]:
    """Run all campaigns, some at a time."""
    parsers: dict[str, Parser] = importlib.import_module(given.table).PARSERS
    chosen = {name: parsers[name] for name in given.parsers or parsers}
    given.keep.mkdir(parents=True, exist_ok=True)
    seconds = given.seconds * min(given.jobs, len(chosen)) / len(chosen)
    fixed = (given.keep, given.blind, given.hang_seconds, given.deaths, seconds)
    with ThreadPoolExecutor(given.jobs) as pool:
        running = {}
        for name, executions in shares(chosen, given.execs).items():
            campaign = Campaign(given.table, name, chosen[name], folder / name, *fixed)
            running[name] = pool.submit(campaign.run, executions, given.seed)
        return {name: future.result() for name, future in running.items()}


def main() -> None:
    """Run the bench as the command line says."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--execs", type=int, default=100_000, help="inputs in all")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=1, help="parsers at a time")
    options.add_argument("--seconds", type=float, default=math.inf, help="end sooner, after about so long")
    options.add_argument("--hang-seconds", type=float, default=10.0)
    options.add_argument("--deaths", type=int, default=10, help="processes that may die before a parser is given up")
    options.add_argument("--keep", type=Path, default=Path("fuzz-out"), help="folder for inputs that crash or hang")
    options.add_argument("--blind", action="store_true", help="do without atheris")
    options.add_argument("--table", default="tests.bench.fuzz.parsers", help="module with PARSERS")
    options.add_argument("parsers", nargs="*", help="all of the table, unless named")
    given = options.parse_args()
    given.blind = given.blind or not importlib.util.find_spec("atheris")
    given.keep = given.keep.resolve()
    for left in given.keep.glob("*.met"):
        left.unlink()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="edgeface-fuzz-", dir=MEMORY if MEMORY.is_dir() else None) as name:
        tallies = fuzz(given, Path(name))
    for told in sorted(path.with_suffix(".txt") for path in given.keep.glob("*.met")):
        print(f"{told}: {told.read_text()}", file=sys.stderr)
    print(json.dumps(_summary(given, tallies, time.monotonic() - start)))
    sys.exit(any(tally.crashes or tally.hangs for tally in tallies.values()))


def _summary(given: argparse.Namespace, tallies: dict[str, Tally], seconds: float) -> dict[str, object]:
    def total(key: str) -> int:
        return sum(getattr(tally, key) for tally in tallies.values())

    return {
        "executions": total("executions"),
        "crashes": total("crashes"),
        "hangs": total("hangs"),
        "parsers": {name: asdict(tally) for name, tally in tallies.items()},
        "guided": not given.blind,
        "seed": given.seed,
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()

"""Crash the gallery: `make crash-bench KILLS=2000 CUTS=200`, or `python -m tests.bench.crash --help`.

KILLS times a process that enrols, forgets, backs up, brings an older gallery up to date, goes over to another model,
and remembers, names, ignores, forgets and lets go of people who are not enrolled is killed with SIGKILL at a random
moment, always in the same folder. CUTS times the power is cut while a gallery is written to: simulated, see
`tests/bench/cuts.py` for what that leaves out. After each, the gallery is opened as the next command would: it must be
whole, hold all that was acknowledged, nothing of who was forgotten, and of the operation that was going on all or
nothing. `half_way` counts how often the gallery was between two models then. Standard error tells of each fault; the
last line of standard output is one JSON object. The exit code is 1 when there was a fault.

The same seed asks for the same operations and cuts; the moment of a kill is the scheduler's.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.bench.cuts import cut, record, rounds
from tests.bench.kills import Killing
from tests.bench.oracle import Findings
from tests.bench.recorder import Recorder


def kill(folder: Path, kills: int, random: Random, findings: Findings) -> None:
    """Kill a process so many times."""
    killing = Killing(folder, findings)
    for number in range(kills):
        killing.once(random, number)


def cut_power(folder: Path, cuts: int, random: Random, findings: Findings, *, encrypted: bool) -> None:
    """Cut the power so many times."""
    recorder = Recorder()
    for seed, first, last in rounds(random, cuts):
        inner = Random(seed)
        recording = record(recorder, folder / f"recording-{first}", inner, encrypted=encrypted)
        for number in range(first, last):
            where = f"cut {number}, seed {seed}"
            cut(recording, folder / f"cut-{number}", inner, findings, where, encrypted=encrypted)


def main() -> None:
    """Run the bench as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--encrypted", action="store_true", help="an encrypted gallery, whose master key changes too")
    given = parser.parse_args()
    findings, start = Findings(), time.monotonic()
    if given.encrypted:
        findings.master = lambda _salt: b"m" * 32
    with tempfile.TemporaryDirectory(prefix="edgeface-crash-") as name:
        kill(Path(name), given.kills, Random(given.seed), findings)
        # Afterwards, because a forked process must not record.
        cut_power(Path(name), given.cuts, Random(given.seed), findings, encrypted=given.encrypted)
    for fault in findings.seen:
        print(fault, file=sys.stderr)
    result = {"kills": given.kills, "cuts": given.cuts, "acknowledged": findings.acknowledged, "lost": findings.lost}
    result |= {"resurrected": findings.resurrected, "corrupt": findings.corrupt, "traces": findings.traces}
    result["half_way"] = findings.half_way
    print(json.dumps(result | {"seed": given.seed, "seconds": round(time.monotonic() - start, 1)}))
    sys.exit(bool(findings.seen))


if __name__ == "__main__":
    main()

"""Feed one parser in a process that is watched from outside, and begin anew where an input killed or stopped it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.fuzz.ledger import Ledger
from tests.bench.fuzz.parsers import Parser
from tests.bench.fuzz.worker import write_crash

REPOSITORY = Path(__file__).resolve().parents[3]
REGRESSIONS = Path(__file__).parent / "regressions"
"""Inputs that once were a crash or a hang, in a folder for each parser."""
LOOK_SECONDS = 0.1
WAITING = 10
"""So many times the processor's seconds that are allowed may pass on the wall's clock."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


@dataclass
class Tally:
    """What came of the inputs of one parser."""

    executions: int = 0
    refused: int = 0
    """Of these, with an EdgefaceError."""
    crashes: int = 0
    """Of these, with anything else: another exception, a signal, memory."""
    hangs: int = 0
    slowest_cpu_seconds: float = 0.0


@dataclass
class Campaign:
    """One parser and the folders it is fuzzed in."""

    table: str
    """The module whose PARSERS has it."""
    name: str
    parser: Parser
    folder: Path
    """For scratch files; a RAM disk is fastest."""
    crashes: Path
    """Where inputs that crash or hang are left."""
    blind: bool
    hang_seconds: float
    """Of the processor."""
    deaths: int
    """So many processes may die before the parser is given up."""
    seconds: float
    """Of the wall's clock; then it ends, with fewer executions."""
    tally: Tally = field(default_factory=Tally)

    def run(self, executions: int, seed: int) -> Tally:
        """Feed the parser so many inputs."""
        self.folder.mkdir(parents=True)
        self._write_corpus()
        deadline = time.monotonic() + self.seconds
        for attempt in range(self.deaths):
            if self.tally.executions >= executions or time.monotonic() > deadline:
                break
            self._work(executions - self.tally.executions, seed + attempt, deadline)
        self.tally.crashes += sum(path.stat().st_size for path in self.crashes.glob(f"{self.name}-*.met"))
        return self.tally

    def _write_corpus(self) -> None:
        corpus, known = self.folder / "corpus", REGRESSIONS / self.name
        corpus.mkdir()
        kept = [path.read_bytes() for path in sorted(known.glob("*"))] if known.is_dir() else []
        for place, content in enumerate([*self.parser.seeds(), *kept]):
            (corpus / f"{place:04}").write_bytes(content)

    def _work(self, runs: int, seed: int, deadline: float) -> None:
        told = self.folder / "told.txt"
        command = [sys.executable, "-m", "tests.bench.fuzz.worker", self.table, self.name]
        command += [str(self.folder), str(self.crashes), "--runs", str(runs), "--seed", str(seed)]
        with Ledger(self.folder / "ledger") as ledger, told.open("wb") as stream:
            process = subprocess.Popen(
                command + ["--blind"] * self.blind,
                stdout=stream,
                stderr=stream,
                cwd=REPOSITORY,
                env={**os.environ, **ONE_THREAD},
            )
            try:
                hung = self._watch(process, ledger, deadline)
                late = not hung and process.poll() is None
            finally:
                process.kill()
                process.wait()
            ledger.read()
            if hung or (process.returncode and not late):
                self._blame(process.returncode, ledger, told, hung=hung)
            self.tally.executions, self.tally.refused = ledger.executions, ledger.refusals
            self.tally.slowest_cpu_seconds = round(ledger.slowest, 3)

    def _watch(self, process: subprocess.Popen[bytes], ledger: Ledger, deadline: float) -> bool:
        """Wait for a process to end, or for the deadline; return True when one input has kept it busy for too long."""
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            if self._seems_hung(process.pid, ledger):
                began = ledger.began
                time.sleep(LOOK_SECONDS)  # what was read while it was written is another thing now
                if self._seems_hung(process.pid, ledger) and ledger.began == began:
                    return True
        return False

    def _seems_hung(self, worker: int, ledger: Ledger) -> bool:
        ledger.read()
        return ledger.began > 0 and self._is_hung(worker, ledger)

    def _is_hung(self, worker: int, ledger: Ledger) -> bool:
        """Judge by the processor's time, for a busy machine makes everything slow; who waits for ever uses none."""
        if time.monotonic() - ledger.began > WAITING * self.hang_seconds:
            return True
        with suppress(OSError):  # it has ended just now
            fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
            ticks = int(fields[11]) + int(fields[12])  # utime and stime, see proc_pid_stat(5)
            return ticks / os.sysconf("SC_CLK_TCK") - ledger.began_cpu > self.hang_seconds
        return False

    def _blame(self, code: int, ledger: Ledger, told: Path, *, hung: bool) -> None:
        if hung:
            self.tally.hangs += 1
            place = f"no end after {self.hang_seconds:g} s"
        else:
            place = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        name = f"{self.name}.hang" if hung else self.name  # a hang is not counted among the crashes
        story = told.read_text(errors="replace")[-3000:]
        write_crash(self.crashes, name, ledger.content, f"{place}, death at {ledger.executions}", story)
        ledger.abandon()

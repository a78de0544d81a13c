"""The process in which one parser is fed: `python -m tests.bench.fuzz.worker --help`; the bench starts and watches it.

With atheris, which carries libFuzzer, inputs that reach new lines of the parser are kept and changed further; without
it the seeds alone are changed. Its memory is limited to a GiB more than it had at the start.
"""

import argparse
import ctypes
import hashlib
import importlib
import resource
import signal
import traceback
import warnings
from pathlib import Path
from random import Random

from edgeface.errors import EdgefaceError
from tests.bench.fuzz.ledger import Ledger
from tests.bench.fuzz.mutate import Mutate
from tests.bench.fuzz.parsers import Parse, Parser

SPARE_BYTES = 1 << 30
LONGEST_LINE = 1000
WATCHED = ["edgeface", "PIL", "tomllib"]
"""Whose lines count as reached."""


class Untidy(AssertionError):
    """A refusal that is no single line of printable text."""


class Feeding:
    """Feeds a parser, counts, and writes down each input that is a crash."""

    def __init__(self, parse: Parse, ledger: Ledger, crashes: Path, name: str) -> None:
        self._parse, self._ledger, self._crashes, self._name = parse, ledger, crashes, name

    def __call__(self, content: bytes) -> None:
        """Parse one input; whatever it raises that is no EdgefaceError is written down."""
        self._ledger.begin(content)
        refused = False
        try:
            refused = self._refuses(content)
        except Exception as error:  # noqa: BLE001 (any exception at all is what is looked for)
            write_crash(self._crashes, self._name, content, _place(error), traceback.format_exc())
        self._ledger.end(refused=refused)

    def _refuses(self, content: bytes) -> bool:
        try:
            self._parse(content)
        except EdgefaceError as error:
            for line in (error.message, error.hint):
                if not line.isprintable() or len(line) > LONGEST_LINE:
                    raise Untidy(f"{len(line)} characters: {line!r:.300}") from error
            return True
        return False


def write_crash(folder: Path, parser: str, content: bytes, place: str, story: str) -> None:
    """Keep the smallest input of each place in which a parser crashes, with its story, and how often it was met."""
    name = f"{parser}-{hashlib.sha256(place.encode()).hexdigest()[:12]}"
    kept, told = folder / f"{name}.bin", folder / f"{name}.txt"
    if not kept.exists() or len(content) < kept.stat().st_size:
        kept.write_bytes(content)
        told.write_text(f"{place}\n{story}", encoding="utf-8", errors="backslashreplace")
    with (folder / f"{name}.met").open("ab") as stream:
        stream.write(b".")


def _place(error: BaseException) -> str:
    """Return what tells one fault from another: the kind of exception and the lines it passed."""
    cause = error.__cause__ if isinstance(error, Untidy) and error.__cause__ else error
    frames = [frame for frame in traceback.extract_tb(cause.__traceback__) if "/tests/" not in frame.filename]
    lines = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-3:]]
    return f"{type(error).__name__} at {' > '.join(lines)}"


def end_with_parent() -> None:
    """Let this process be killed when the one that started it ends, see prctl(2)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def limit_memory() -> None:
    """Let this process take SPARE_BYTES more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + SPARE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def feed_blindly(feed: Feeding, mutate: Mutate, parser: Parser, corpus: Path, runs: int, seed: int) -> None:
    """Change the seeds, again and again up to four times each, without knowing what they reach."""
    random = Random(seed)
    inputs = [path.read_bytes() for path in sorted(corpus.iterdir())]
    for content in inputs[:runs]:
        feed(content)
    for _ in range(runs - len(inputs)):
        content = random.choice(inputs)
        for _ in range(random.choice((1, 1, 2, 4))):
            content = mutate(random, content)[: parser.most_bytes]
        feed(content)


def feed_by_coverage(feed: Feeding, mutate: Mutate, parser: Parser, corpus: Path, runs: int, seed: int) -> None:
    """Let libFuzzer choose, half of the changes being its own. This ends the process."""
    import atheris

    def change(content: bytes, most_bytes: int, chance: int) -> bytes:
        random = Random(chance)
        if random.random() < 0.5:
            return atheris.Mutate(content, most_bytes)
        return mutate(random, content)[:most_bytes]

    options = [f"-runs={runs}", f"-seed={seed}", f"-max_len={parser.most_bytes}", "-rss_limit_mb=0"]
    # A signal must end the process as it does without a fuzzer, so that the bench sees it.
    options += [f"-handle_{fault}=0" for fault in ("segv", "bus", "abrt", "ill", "fpe")]
    options += [f"-artifact_prefix={corpus.parent}/"]  # of inputs that it finds slow, by the wall's clock
    atheris.Setup(["worker", *options, "-verbosity=0", str(corpus)], feed, custom_mutator=change)
    atheris.Fuzz()


def main() -> None:
    """Feed the parser that the command line names."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("table", help="module with PARSERS")
    options.add_argument("parser")
    options.add_argument("folder", type=Path, help="with the ledger, the corpus and room for scratch files")
    options.add_argument("crashes", type=Path)
    options.add_argument("--runs", type=int, required=True)
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--blind", action="store_true", help="do without atheris")
    given = options.parse_args()
    parser: Parser = importlib.import_module(given.table).PARSERS[given.parser]
    end_with_parent()
    scratch = given.folder / "scratch"
    scratch.mkdir(exist_ok=True)
    with Ledger(given.folder / "ledger") as ledger:
        parse = parser.prepare(scratch) if given.blind else _watched(parser, scratch)
        feed = Feeding(parse, ledger, given.crashes, given.parser)
        limit_memory()
        warnings.simplefilter("error")  # what a hostile file makes a library warn of should have been refused
        way = feed_blindly if given.blind else feed_by_coverage
        way(feed, parser.mutate, parser, given.folder / "corpus", given.runs, given.seed)


def _watched(parser: Parser, scratch: Path) -> Parse:
    import atheris

    with atheris.instrument_imports(include=WATCHED):
        return parser.prepare(scratch)


if __name__ == "__main__":
    main()

"""A slice of the fuzzing bench: no parser crashes or hangs, and the bench would see it if one did."""

import json
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from edgeface.errors import LONGEST_LINE, EdgefaceError
from tests.bench.fuzz import mutate
from tests.bench.fuzz.campaign import REGRESSIONS, REPOSITORY, Campaign
from tests.bench.fuzz.ledger import Ledger
from tests.bench.fuzz.parsers import PARSERS

pytest.importorskip("skimage", reason="scikit-image carries the portrait that photos are made of")
pytest.importorskip("cryptography", reason="the extra secure is not installed")


def bench(keep: Path, *arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.fuzz", "--keep", str(keep), "--seed", "7", "--jobs", "2", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert done.stdout, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    faults = bool(result["crashes"] or result["hangs"])
    assert (done.returncode, bool(done.stderr)) == (int(faults), faults), done.stderr
    return result


def test_no_parser_crashes_or_hangs(tmp_path: Path) -> None:
    result = bench(tmp_path, "--execs", "3000")
    assert set(result["parsers"]) == set(PARSERS)
    assert result["executions"] >= 3000
    for name, tally in result["parsers"].items():
        assert 0 < tally["refused"] < tally["executions"], name  # some inputs are good, some are bad
    assert not list(tmp_path.glob("*"))


@pytest.mark.parametrize("road", [[], ["--blind"]], ids=["as installed", "blind"])
def test_a_parser_with_a_fault_is_found_out(tmp_path: Path, road: list[str]) -> None:
    faulty = ["--table", "tests.bench.fuzz.faulty", "--hang-seconds", "0.5", "--deaths", "2", "--execs", "300"]
    parsers = bench(tmp_path, *faulty, *road)["parsers"]
    faults = {name: (tally["crashes"] > 0, tally["hangs"]) for name, tally in parsers.items()}
    crash, hang = (True, 0), (False, 2)
    assert faults == {"raises": crash, "untidy": crash, "dies": crash, "hoards": crash, "spins": hang, "waits": hang}
    stories = "".join(path.read_text() for path in tmp_path.glob("*.txt"))
    for told in ("KeyError at ", "Untidy at ", "ended by SIGSEGV", "MemoryError at ", "no end after 0.5 s"):
        assert told in stories
    assert all(path.read_bytes()[0] >= 0x80 for path in tmp_path.glob("*.bin"))


@pytest.mark.parametrize(("looks", "hung"), [([5.0, 0.0, 6.0, 0.0], False), ([5.0] * 99, True)])
def test_what_is_read_while_the_ledger_is_written_is_no_hang(tmp_path: Path, looks: list[float], hung: bool) -> None:
    class Torn:
        """When an input began, at each look; the processor's time of that moment is not written yet."""

        began, began_cpu = 0.0, -1e9

        def read(self) -> None:
            self.began = looks.pop(0) if looks else 0.0

    campaign = Campaign("", "model", PARSERS["model"], tmp_path, tmp_path, False, 10.0, 1, 60.0)
    with subprocess.Popen(["sleep", "1"]) as process:
        assert campaign._watch(process, Torn(), time.monotonic() + 60) is hung


KNOWN = sorted(path for path in REGRESSIONS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_a_crash_once_is_one_clear_line(tmp_path: Path, path: Path) -> None:
    parse = PARSERS[path.parent.name].prepare(tmp_path)
    with pytest.raises(EdgefaceError) as caught:
        parse(path.read_bytes())
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("name", PARSERS)
def test_every_seed_is_read_and_every_mutation_is_bytes_that_chance_repeats(tmp_path: Path, name: str) -> None:
    parser = PARSERS[name]
    for seed, content in enumerate(parser.seeds()):
        assert len(content) <= parser.most_bytes
        changed = [parser.mutate(Random(seed * 100 + turn), content) for turn in range(100)]
        assert changed == [parser.mutate(Random(seed * 100 + turn), content) for turn in range(100)]
        assert len(set(changed)) > 10


def test_mutations_of_a_png_keep_its_checksums() -> None:
    png = next(content for content in PARSERS["image"].seeds() if content.startswith(b"\x89PNG"))
    changed = [mutate.picture(Random(seed), png) for seed in range(100)]
    assert sum(b"".join(kind for kind, _ in mutate._chunks(one)).startswith(b"IHDR") for one in changed) > 50


def test_a_ledger_outlives_its_writer(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger") as writer, Ledger(tmp_path / "ledger") as reader:
        writer.begin(b"first")
        writer.end(refused=True)
        writer.begin(b"second")
        reader.read()
        assert (reader.executions, reader.refusals, reader.content) == (1, 1, b"second")
        assert reader.began > 0


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2Jx", "\u202eabc", "\ud800", "x" * 5000, "\0" * 5000])
def test_a_message_is_one_line_whatever_it_quotes(text: str) -> None:
    error = EdgefaceError(f"file {text}", hint=text)
    for line in (error.message, error.hint, str(error)):
        assert line.isprintable()
        assert len(line) <= LONGEST_LINE
    assert EdgefaceError("Zoë’s photo").message == "Zoë’s photo"

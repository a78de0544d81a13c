"""A running process is asked what it may open, and does not notice."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

ASK = Path(__file__).parents[2] / "deploy" / "lab" / "ask.py"
WAITS = "import sys; print(1, flush=True); print(sys.stdin.readline().strip(), flush=True); print(input())"


def test_a_process_opens_what_it_may_and_goes_on(tmp_path):
    there = tmp_path / "there"
    there.touch()
    with subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        asked = subprocess.run(
            [sys.executable, ASK, str(process.pid), there, tmp_path / "none", there / "in"],
            capture_output=True,
            text=True,
            check=False,
        )
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        greeted = process.stdout.readline()
        rest, _ = process.communicate(b"good-bye\n")
    assert (greeted, rest, process.returncode) == (b"hello\n", b"good-bye\n", 0)
    if "cannot be traced" in asked.stderr:
        pytest.skip(asked.stderr)
    assert asked.stdout.split() == ["0", str(errno.ENOENT), str(errno.ENOTDIR)]

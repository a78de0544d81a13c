"""The audit tells an advisory from none, and none from an answer that never came."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.audit import FOUND, PINS, REPOSITORY, UNKNOWN, judge, pins_of

WHOLE = {"name": "pillow", "version": "13.0.0", "vulns": []}
HOLED = {
    "name": "numpy",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"], "description": "bad"}],
}


def report(*pins: dict) -> str:
    return json.dumps({"dependencies": list(pins), "fixes": []})


def test_every_pin_of_both_files_is_asked_about() -> None:
    pins = pins_of(list(PINS))
    assert "pillow==13.0.0" in pins
    assert any(pin.startswith("tflite-runtime==") for pin in pins)
    assert all(pin.count("==") == 1 and " " not in pin for pin in pins)
    pinned = [line for line in PINS[0].read_text().splitlines() if line and not line.startswith("#")]
    assert len(pins_of([PINS[0]])) == len(pinned)


def test_no_advisory_an_advisory_and_no_answer_are_three_things() -> None:
    assert judge(report(WHOLE), 1) == (0, ["no advisory for 1 pinned versions"])
    code, lines = judge(report(WHOLE, HOLED), 2)
    assert (code, lines[0]) == (FOUND, "numpy 1.0: PYSEC-1, CVE-1; fixed in 1.1")
    for silence in ("", "null", "[]", "{}"):
        assert judge(silence, 7) == (
            UNKNOWN,
            ["the advisory service cannot be reached: none of 7 pinned versions was checked"],
        )


def test_a_pin_that_was_skipped_is_not_taken_for_checked() -> None:
    code, lines = judge(report(WHOLE, {"name": "edgeface", "skip_reason": "unknown there"}), 2)
    assert (code, lines[-1]) == (UNKNOWN, "only 1 of 2 pinned versions were checked; no advisory for these")
    nobody = {"name": "pillow", "skip_reason": "unknown there"}
    for silence in (report(), report(nobody, nobody)):
        assert judge(silence, 2) == (
            UNKNOWN,
            ["the advisory service answers for no package: none of 2 pinned versions was checked"],
        )


@pytest.mark.parametrize(
    ("script", "code", "last"),
    [
        (f"echo '{report(WHOLE)}'", 0, "no advisory for 1 pinned versions"),
        (f"echo '{report(HOLED)}'; exit 1", FOUND, "1 advisories for 1 pinned versions"),
        ("echo 'no route to host' >&2; exit 1", UNKNOWN, "none of 1 pinned versions was checked"),
    ],
)
def test_the_exit_code_tells_them_apart(tmp_path: Path, script: str, code: int, last: str) -> None:
    program, pins = tmp_path / "pip-audit", tmp_path / "pins.txt"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    pins.write_text("# a remark\nnumpy==1.0; python_version > '3'\n")
    command = [sys.executable, "-m", "tests.bench.audit", "--pip-audit", str(program), str(pins)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1].endswith(last)

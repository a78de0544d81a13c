"""Compare every pinned version with the known advisories: `make audit`, or `python -m tests.bench.audit --help`.

pip-audit asks the advisory service. The last line says what was found: the exit code is 0 when no pinned version has
an advisory, 1 when one has, and 3 when the service did not answer, so that nothing is known.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PINS = (REPOSITORY / "constraints.txt", REPOSITORY / "deploy" / "constraints-tflite-runtime.txt")
FOUND, UNKNOWN = 1, 3
LONGEST_SECONDS = 300


def pins_of(paths: list[Path]) -> list[str]:
    """Return each `name==version` of the files, once, sorted."""
    lines = [line.split("#")[0].split(";")[0].strip() for path in paths for line in path.read_text().splitlines()]
    return sorted({line for line in lines if "==" in line})


def judge(report: str, wanted: int) -> tuple[int, list[str]]:
    """Return the exit code and what to print for pip-audit's JSON; anything else means that nothing is known."""
    try:
        checked = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return UNKNOWN, [f"the advisory service cannot be reached: none of {wanted} pinned versions was checked"]
    if all("skip_reason" in pin for pin in checked):  # of which pip-audit says "No known vulnerabilities found"
        return UNKNOWN, [f"the advisory service answers for no package: none of {wanted} pinned versions was checked"]
    lines = [_line(pin, found) for pin in checked for found in pin.get("vulns", [])]
    skipped = [f"{pin['name']}: not checked, {pin['skip_reason']}" for pin in checked if "skip_reason" in pin]
    known = len(checked) - len(skipped)
    if lines:
        return FOUND, [*lines, *skipped, f"{len(lines)} advisories for {known} pinned versions"]
    if skipped or known < wanted:
        return UNKNOWN, [*skipped, f"only {known} of {wanted} pinned versions were checked; no advisory for these"]
    return 0, [f"no advisory for {known} pinned versions"]


def _line(pin: dict[str, Any], found: dict[str, Any]) -> str:
    names = ", ".join([found["id"], *found.get("aliases", [])])
    fixed = ", ".join(found.get("fix_versions", [])) or "no version yet"
    return f"{pin['name']} {pin['version']}: {names}; fixed in {fixed}"


def main() -> None:
    """Ask pip-audit, which the command line names, about the pins."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pip-audit", default="pip-audit", help="the program")
    options.add_argument("files", type=Path, nargs="*", default=list(PINS), help="files of name==version lines")
    given = options.parse_args()
    reports = [_ask(given.pip_audit, pins) for pins in _apart(given.files)]
    for _, lines in reports:
        print("\n".join(lines))
    sys.exit(max((code for code, _ in reports), key=lambda code: (code == FOUND, code)))


def _apart(files: list[Path]) -> list[list[str]]:
    """Return the pins of each file: two files may pin two versions of one package."""
    return [pins_of([path]) for path in files]


def _ask(program: str, pins: list[str]) -> tuple[int, list[str]]:
    command = [program, "--format", "json", "--progress-spinner", "off", "--disable-pip", "--no-deps"]
    try:
        done = subprocess.run(
            [*command, "--requirement", "/dev/stdin"],
            input="\n".join(pins),
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return UNKNOWN, [f"pip-audit cannot be run: {error}"]
    code, lines = judge(done.stdout, len(pins))
    reason = (done.stderr.strip().splitlines() or [""])[-1] if not done.stdout else ""
    return code, [*([f"pip-audit: {reason:.300}"] if reason else []), *lines]


if __name__ == "__main__":
    main()

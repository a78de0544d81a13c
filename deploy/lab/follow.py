"""Do in a booted system what docs/quickstart-pi.md says, from a checkout and from a package built there."""

import argparse
import json
import sys
import time
from pathlib import Path

from container import Container, until
from document import commands, in_the_lab, spoken
from trials import PATIENCE, Measured, Trial, attempt, expect, film, watch_camera

DOCS = Path(__file__).parents[2] / "docs"
QUICKSTART = (DOCS / "quickstart-pi.md").read_text()
STEPS = commands(QUICKSTART)
BUILD, INSTALL = commands((DOCS / "install.md").read_text(), "## As a Debian package")
RELOAD = "sudo systemctl reload edgeface"
PERSON = "alice"
FILM = ("/srv/stream.py", "/srv/astronaut.png")
PATIENT = r"\n[tracking]\npatience_seconds = 60\n"
"""An emulated processor looks at a face more seldom than a Pi, and tracks are not what is tried here."""


def prepare(box: Container) -> Measured:
    """Show the processor of a Pi where one is emulated."""
    architecture, machine = _architecture(box), box.says("uname", "-m")
    if architecture == "arm64":
        expect(machine == "aarch64", f"uname calls it {machine}")
        box.run("mount", "--bind", "/srv/pi4-cpuinfo", "/proc/cpuinfo")
    return {"architecture": architecture, "python": box.says("python3", "-V").split()[-1]}


def quickstart(box: Container) -> Measured:
    """Type every command as it stands in the document, with the words that the lab has for two of them."""
    seconds = {command: _type(box, command) for command in STEPS[:3]}
    _bring_photo(box)
    return seconds | _enrol_and_watch(box)


def look_around(box: Container) -> Measured:
    """Type what the document says for looking at the service."""
    for command in ("systemctl status edgeface", "sudo edgeface doctor --no-camera"):
        expect(command in spoken(QUICKSTART), f"{command} is not in the document any more")
        _type(box, command)
    state = box.says("systemctl", "show", "--value", "--property=StatusText", "edgeface")
    checks = [json.loads(line) for line in box.says("edgeface", "doctor", "--no-camera", "--json").splitlines()]
    runtime = next(check["found"] for check in checks if check["check"] == "runtime")
    return {"status": state, "runtime": runtime, "numpy": _numpy(box)}


def build_package(box: Container) -> Measured:
    """Build the package there; it holds the files of the one that was built on this machine."""
    seconds = _type(box, BUILD, folder="/root/edgeface")
    built, cross = (_holds(box, path) for path in ("/root/edgeface/dist/edgeface_*.deb", "/srv/cross-built.deb"))
    expect(built, "the package is empty")
    expect(built == cross, f"one holds what the other does not: {sorted(built ^ cross)}")
    size = int(box.says("sh", "-c", "stat --format=%s /root/edgeface/dist/edgeface_*.deb"))
    return {BUILD: seconds, "package_bytes": size, "package_files": len(built)}


def install_package(box: Container) -> Measured:
    """Erase what the checkout installed, install the package for the first three commands, and type the others."""
    expect(INSTALL in spoken(QUICKSTART), f"{INSTALL} is not in the document any more")
    box.run("systemctl", "stop", "camera")
    _type(box, "sudo edgeface/deploy/install.sh --uninstall --purge-gallery")
    seconds = _type(box, INSTALL, folder="/root/edgeface/dist")
    installed = box.says("dpkg-query", "--show", "--showformat=${Status} ${Architecture}", "edgeface")
    expect(installed.startswith("install ok installed"), f"the package is {installed or 'not there'}")
    return {INSTALL: seconds} | {f"{command} (package)": took for command, took in _enrol_and_watch(box).items()}


TRIALS: tuple[Trial, ...] = (prepare, quickstart, look_around, build_package, install_package)


def _type(box: Container, command: str, folder: str = "/root") -> float:
    """Run a command of a document in a folder, and return its seconds."""
    started = time.monotonic()
    box.run("sh", "-c", f"cd {folder} && {in_the_lab(command, _architecture(box))}")
    return round(time.monotonic() - started, 1)


def _architecture(box: Container) -> str:
    return box.says("dpkg", "--print-architecture")


def _bring_photo(box: Container) -> None:
    """Lay a photo of somebody where the document has it; the camera sees another, unmirrored and larger."""
    python = "/opt/edgeface/bin/python"
    box.run(python, "/srv/photos.py", "/srv/astronaut.png", "/srv/coffee.png", "/root")
    box.run("mv", "/root/again.jpg", f"/root/{PERSON}.jpg")


def _enrol_and_watch(box: Container) -> Measured:
    """Type the last two commands; before the last, point the service at the camera as the document says."""
    enrol, watch = STEPS[3:]
    seconds: Measured = {enrol: _type(box, enrol)}
    film(box, *FILM)
    watch_camera(box)
    box.run("sh", "-c", f"printf '{PATIENT}' >>/etc/edgeface/config.toml")
    expect(RELOAD in spoken(QUICKSTART), f"{RELOAD} is not in the document any more")
    _type(box, RELOAD)
    started = time.monotonic()
    line = box.follow("sh", "-c", watch, until_line=_is_arrival, seconds=PATIENCE)
    arrived = json.loads(line)
    expect(arrived["name"] == PERSON, f"{arrived['name']} arrived")
    until(lambda: box.property("ActiveState") == "active", PATIENCE, "the service is not active")
    return seconds | {watch: round(time.monotonic() - started, 1), "similarity": arrived["similarity"]}


def _is_arrival(line: str) -> bool:
    return line.startswith("{") and json.loads(line)["kind"] == "arrived"


def _numpy(box: Container) -> str:
    program = "import numpy; print(numpy.__version__, numpy.__file__.split('/')[1])"
    return box.says("/opt/edgeface/bin/python", "-c", program)


def _holds(box: Container, package: str) -> set[str]:
    """Return the paths in a Debian package."""
    lines = box.says("sh", "-c", f"dpkg-deb --contents {package}").splitlines()
    return {line.split(maxsplit=5)[5] for line in lines}


def main() -> int:
    """Run every trial and print one line; return 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nspawn", type=int, help="the process of systemd-nspawn")
    parser.add_argument("--suite", required=True)
    parser.add_argument("--cpu", required=True, help="the processor that qemu is to be")
    given = parser.parse_args()
    box = Container(given.nspawn, {"QEMU_CPU": given.cpu})
    return attempt(box, TRIALS, "quickstart", given.suite)


if __name__ == "__main__":
    sys.exit(main())

"""Trials of a booted container, one after another, and the line of JSON that says how they went."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from container import Broken, Container, until

Measured = dict[str, Any]
Trial = Callable[[Container], Measured]
Answer = TypeVar("Answer")

PATIENCE = 600
"""Seconds after which a promise counts as broken: many, so that a busy machine is not taken for a broken service."""
FAILURES = (Broken, LookupError, ValueError, AttributeError, TypeError, StopIteration, OSError)
"""What a trial may end with: an answer that nobody thought of must not cost the line with what was measured."""
CAMERA = "http://127.0.0.1:8000/"
"""Where `film` serves its pictures."""


def expect(kept: object, otherwise: str) -> None:
    """Raise Broken unless a promise was kept."""
    if not kept:
        raise Broken(otherwise)


def patiently(ask: Callable[[], Answer], tries: int = 5, pause_seconds: float = 3.0) -> Answer:
    """Return what a question gives that may come at a bad moment, as when a decoder is started anew."""
    for _ in range(tries - 1):
        try:
            return ask()
        except Broken:
            time.sleep(pause_seconds)
    return ask()


def film(box: Container, script: str, photo: str) -> None:
    """Start the camera of one photo, and wait until it answers."""
    box.run("systemd-run", "--quiet", "--collect", "--unit=camera", "/opt/edgeface/bin/python", script, photo)
    knock = "import socket; socket.create_connection(('127.0.0.1', 8000))"
    until(lambda: box.run("python3", "-c", knock, ask=True).returncode == 0, PATIENCE, "the camera does not answer")


def watch_camera(box: Container) -> None:
    """Write the address of the camera into the settings."""
    box.run("sed", "-i", f's|^source = .*|source = "{CAMERA}"|', "/etc/edgeface/config.toml")


def attempt(box: Container, trials: tuple[Trial, ...], check: str, suite: str) -> int:
    """Run every trial, whatever the ones before it gave, and print one line; return 1 when a promise was broken."""
    measured: Measured = {}
    broken: dict[str, str] = {}

    def boot(box: Container) -> Measured:
        started = time.monotonic()
        box.boot()
        return {"boot": round(time.monotonic() - started, 1)}

    for trial in (boot, *trials):
        try:
            found = trial(box)
        except FAILURES as reason:
            broken[trial.__name__] = str(reason) if isinstance(reason, Broken) else repr(reason)
            sys.stderr.write(f"check-{check}: {trial.__name__}: {broken[trial.__name__]}\n")
            if trial is boot:
                break
            sys.stderr.write(box.says("journalctl", "--unit=edgeface", "--lines=15", "--output=short-precise") + "\n")
        else:
            measured |= found
            sys.stderr.write(f"check-{check}: {trial.__name__}: {found}\n")
    systemd = "" if "boot" in broken else box.says("systemctl", "--version").split()[1]
    found = {"check": check, "ok": not broken, "suite": suite, "systemd": systemd}
    found |= {"trials": [trial.__name__ for trial in trials], "measured": measured, "broken": broken}
    sys.stdout.write(json.dumps(found) + "\n")
    return 1 if broken else 0

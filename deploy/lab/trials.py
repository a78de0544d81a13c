"""Trials of a booted container, one after another, and the line of JSON that says how they went."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from container import Broken, Container, until

Measured = dict[str, Any]
Trial = Callable[[Container], Measured]

PATIENCE = 600
"""Seconds after which a promise counts as broken: many, so that a busy machine is not taken for a broken service."""
CAMERA = "http://127.0.0.1:8000/"
"""Where `film` serves its pictures."""


def expect(kept: object, otherwise: str) -> None:
    """Raise Broken unless a promise was kept."""
    if not kept:
        raise Broken(otherwise)


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
    started = time.monotonic()
    box.boot()
    measured["boot"] = round(time.monotonic() - started, 1)
    for trial in trials:
        try:
            found = trial(box)
        except Broken as reason:
            broken[trial.__name__] = str(reason)
            sys.stderr.write(f"check-{check}: {trial.__name__}: {reason}\n")
            sys.stderr.write(box.says("journalctl", "--unit=edgeface", "--lines=15", "--output=short-precise") + "\n")
        else:
            measured |= found
            sys.stderr.write(f"check-{check}: {trial.__name__}: {found}\n")
    systemd = box.says("systemctl", "--version").split()[1]
    found = {"check": check, "ok": not broken, "suite": suite, "systemd": systemd}
    found |= {"trials": [trial.__name__ for trial in trials], "measured": measured, "broken": broken}
    sys.stdout.write(json.dumps(found) + "\n")
    return 1 if broken else 0

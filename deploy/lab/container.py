"""A booted container: commands in it, its service, and what the service's journal says."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Event = dict[str, Any]

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
    "LANG": "C.UTF-8",
}


class Broken(Exception):
    """A promise that was not kept."""


class Container:
    """The container that a systemd-nspawn of this machine runs."""

    def __init__(self, nspawn: int, environment: dict[str, str] | None = None) -> None:
        """Take the process of systemd-nspawn, and what else each command finds in its environment."""
        self._nspawn = nspawn
        self._leader = 0
        self._environment = ENVIRONMENT | (environment or {})

    def boot(self) -> None:
        """Wait until systemd has booted. Raise Broken when it does not."""
        until(lambda: self._find_leader() and self._booted(), 90, "systemd did not boot")

    def run(self, *words: str, ask: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command as root. Raise Broken when it fails, unless `ask`ing how it ends is the point."""
        done = subprocess.run(
            [*self._enter(), *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and not ask:
            raise Broken(f"{' '.join(words)}: code {done.returncode}: {(done.stderr or done.stdout)[-400:]}")
        return done

    def follow(self, *words: str, until_line: Callable[[str], object], seconds: float) -> str:
        """Run a command that does not end by itself until it prints a certain line, and return that line.

        Raise Broken when it does not within so many seconds.
        """
        with subprocess.Popen(
            [*self._enter(), "timeout", str(seconds), *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            try:
                found = next((line for line in process.stdout if until_line(line)), None)
            finally:
                process.terminate()
        if found is None:
            raise Broken(f"{' '.join(words)}: not the line that was waited for, within {seconds:g} s")
        return found

    def says(self, *words: str) -> str:
        """Return what a command prints, however it ends."""
        return self.run(*words, ask=True).stdout.strip()

    def property(self, name: str, unit: str = "edgeface.service") -> str:
        """Return a property of a unit, as systemd names it."""
        return self.says("systemctl", "show", "--value", f"--property={name}", unit)

    def watching(self, since: float) -> list[Event]:
        """Return the events that the service has written to its journal after a moment of `time.time`."""
        lines = self.says("journalctl", "--unit=edgeface", "--output=cat", f"--since=@{since:.3f}").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def is_new(self, process: str) -> bool:
        """Tell whether the service is ready, as another process."""
        return self.property("ActiveState") == "active" and self.property("MainPID") not in ("0", process)

    def _enter(self) -> list[str]:
        namespaces = ("--mount", "--uts", "--ipc", "--net", "--pid")
        return ["nsenter", f"--target={self._leader}", *namespaces, "--root", "--wd"]

    def _find_leader(self) -> bool:
        children = Path(f"/proc/{self._nspawn}/task/{self._nspawn}/children")
        if not children.exists():
            raise Broken("the container ended; see console.log")
        found = [int(child) for child in children.read_text().split()]
        self._leader = next((child for child in found if _is_systemd(child)), 0)
        return self._leader > 0

    def _booted(self) -> bool:
        return self.says("systemctl", "is-system-running") in ("running", "degraded")


def until(condition: Callable[[], object], seconds: float, otherwise: str) -> float:
    """Wait for a condition and return the seconds it took. Raise Broken with `otherwise` when it takes too long."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise Broken(f"{otherwise}, within {seconds:g} s")
        time.sleep(0.2)
    return round(time.monotonic() - started, 1)


def _is_systemd(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip() == "systemd"
    except OSError:
        return False

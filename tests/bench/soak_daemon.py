"""The real `edgeface run --daemon` as a process of the soak: what it says, how much memory it takes, how it ends."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
RETURN_SECONDS = 30.0
"""A daemon that is told to end may take so long."""


class Daemon:
    """One process, started anew when it ends by itself; every line that it prints is kept with its time."""

    def __init__(self, settings: Path, home: Path, environment: dict[str, str] | None = None) -> None:
        self._settings = settings
        self._environment = {**os.environ, "HOME": str(home), "XDG_STATE_HOME": str(home), **(environment or {})}
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.told: list[str] = []
        """Lines of standard error."""
        self.resident: list[tuple[float, float]] = []
        """Pairs of monotonic seconds and MB (10^6 bytes), of the process that runs since then."""
        self.most_mb = self.most_decoder_mb = 0.0
        """The most that was seen of any process of the daemon, and of any that decodes its stream."""
        self.exits: list[int] = []
        """Codes of exits that nobody asked for."""
        self._start()

    @property
    def process_id(self) -> int:
        """Of the process that runs now."""
        return self._process.pid

    @property
    def camera_state(self) -> str:
        """The camera's state as it was told last."""
        states = [event["state"] for _, event in list(self.events) if event["kind"] == "camera"]
        return states[-1] if states else "starting"

    def look(self) -> None:
        """Note the memory; start the process again if it has ended."""
        code = self._process.poll()
        if code is not None:
            self.exits.append(code)
            self._start()
        mb = resident_mb(self._process.pid)
        if mb is not None:
            self.resident.append((time.monotonic(), mb))
            self.most_mb = max(self.most_mb, mb)
        decoders = map(resident_mb, filter(_decodes, _children(self._process.pid)))
        self.most_decoder_mb = max([self.most_decoder_mb, *(mb for mb in decoders if mb is not None)])

    def ask(self, *words: str) -> "subprocess.Popen[str]":
        """Begin a command that asks it something; what it says comes to its standard error."""
        command = [sys.executable, "-m", "edgeface", *words, "--config", str(self._settings)]
        return subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def hang_up(self) -> None:
        """Ask it to read its settings again."""
        self._process.send_signal(signal.SIGHUP)

    def end(self) -> None:
        """Stop it as systemd does; an exit code other than 0, or none in time, counts as one that nobody asked for."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            code = self._process.wait(RETURN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code:
            self.exits.append(code)
        for thread in self._threads:
            thread.join(5)

    def _start(self) -> None:
        command = [sys.executable, "-m", "edgeface", "run", "--daemon", "--json", "--config", str(self._settings)]
        self._process = subprocess.Popen(
            command, cwd=REPOSITORY, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.resident.clear()
        self._threads = [threading.Thread(target=read, daemon=True) for read in (self._read_events, self._read_words)]
        for thread in self._threads:
            thread.start()

    def _read_events(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.events.append((time.time(), json.loads(line)))

    def _read_words(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self.told.append(line.rstrip("\n"))


def resident_mb(process: int) -> float | None:
    """Return the resident memory of a process in MB (10^6 bytes); None when there is none."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    kib = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")), None)
    return int(kib) * 1024 / 1e6 if kib else None


def _children(process: int) -> list[int]:
    """Return the processes that a process has started, of a watch that which decodes, and programs of a sink."""
    found: list[int] = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += map(int, thread.read_text().split())
        except OSError:
            continue
    return found


def _decodes(process: int) -> bool:
    """Tell a decoder from other programs, and from what is about to become one and still has its parent's memory."""
    try:
        return b"stream_worker" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False

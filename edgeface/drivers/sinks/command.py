"""Run a program of the owner for each event."""

import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from os import killpg
from threading import Lock

from edgeface.core.types import AnyEvent
from edgeface.drivers.sinks.json_lines import event_fields, event_json
from edgeface.errors import ConfigError, SinkError

GRACE_SECONDS = 2.0
"""From SIGTERM to SIGKILL, for a program that takes too long."""

OF_THE_SERVICE = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY"}
"""Variables by which systemd speaks to edgeface alone."""


class CommandHook:
    """A `Sink` that starts a program, without a shell, and waits until it has ended.

    The program reads the event as a line of JSON on standard input and each of its keys in a variable:
    EDGEFACE_KIND, EDGEFACE_NAME (empty for a stranger), EDGEFACE_AT ... Its standard output is dropped. It
    leads a process group, which is ended as a whole when `timeout_seconds` have passed.
    """

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], timeout_seconds: float = 30) -> None:
        if not command:
            raise ConfigError("a sink's command is empty", hint='for example command = ["/usr/local/bin/greet"]')
        program = shutil.which(command[0], path=environment.get("PATH", ""))
        if program is None:
            raise ConfigError(f"command {command[0]} is not an executable program", hint="give its whole path")
        self._command = [program, *command[1:]]
        self._environment = {name: value for name, value in environment.items() if name not in OF_THE_SERVICE}
        self._timeout_seconds = timeout_seconds
        self._lock = Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"CommandHook({self._command[0]}, {'closed' if self._closed else 'open'})"

    def emit(self, event: AnyEvent) -> None:
        """Run the program to its end. Raise SinkError when it fails or takes too long."""
        process = self._start(event)
        try:
            process.communicate((event_json(event) + "\n").encode(), timeout=self._timeout_seconds)
        except subprocess.TimeoutExpired as error:
            self._end(process)
            raise SinkError(
                f"command {self._command[0]} took longer than {self._timeout_seconds:g} s and was ended",
                hint="raise timeout_seconds, or let it do its work in the background",
            ) from error
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode:
            raise SinkError(f"command {self._command[0]} ended with {process.returncode}")

    def close(self) -> None:
        """End what still runs."""
        with self._lock:
            self._closed = True
            for process in self._running:
                _kill(process, signal.SIGKILL)

    def _start(self, event: AnyEvent) -> subprocess.Popen[bytes]:
        variables = {f"EDGEFACE_{key.upper()}": _text(value) for key, value in event_fields(event).items()}
        with self._lock:
            if self._closed:
                raise SinkError(f"command {self._command[0]} is closed")
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    env=self._environment | variables,
                    start_new_session=True,
                )
            except OSError as error:
                raise SinkError(f"command {self._command[0]} cannot be started: {error.strerror}") from error
            self._running.add(process)
        return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        _kill(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
        _kill(process, signal.SIGKILL, ended_too=True)
        process.wait()
        if process.stdin:
            with suppress(BrokenPipeError):
                process.stdin.close()


def _kill(process: subprocess.Popen[bytes], number: signal.Signals, *, ended_too: bool = False) -> None:
    """Signal the program's whole group, which may outlive the program itself."""
    if ended_too or process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            killpg(process.pid, number)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)

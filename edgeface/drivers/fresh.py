"""Run a command in a fresh process and watch how soon it says something, and how much memory it takes."""

import math
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

from edgeface.drivers.board import peak_rss_mb
from edgeface.errors import EdgefaceError

GLANCE_SECONDS = 0.02
END_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class FreshRun:
    """How a fresh process did."""

    first_seconds: float | None
    """From its start to the end of the awaited line; None when that did not come."""
    peak_rss_mb: float | None
    """The most memory it was seen to hold, MB; None where the system does not tell."""


def watch_process(
    command: Sequence[str],
    awaited: Callable[[bytes], bool],
    *,
    seconds: float,
    patience_seconds: float = math.inf,
    now: Callable[[], float] = time.monotonic,
) -> FreshRun:
    """Start a command, wait for a line of its standard output, and end it `seconds` after that line.

    Without the line it is ended after `patience_seconds`. Raise EdgefaceError when it fails by itself.
    """
    with tempfile.TemporaryFile() as complaints:
        began = now()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints)
        try:
            first, peak = _follow(process, awaited, began, seconds, patience_seconds, now)
        finally:
            ended = process.poll()
            _end(process)
        if ended:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip() or "it said nothing"
            raise EdgefaceError(f"{' '.join(command[:4])} ended with exit code {ended}: {said.splitlines()[0]}")
        return FreshRun(first, peak)


def _follow(
    process: subprocess.Popen[bytes],
    awaited: Callable[[bytes], bool],
    began: float,
    seconds: float,
    patience_seconds: float,
    now: Callable[[], float],
) -> tuple[float | None, float | None]:
    first, peak, until = None, None, began + patience_seconds
    with selectors.DefaultSelector() as selector:
        selector.register(_stream(process), selectors.EVENT_READ)
        pending = b""
        while now() < until:
            peak = peak_rss_mb(process.pid) or peak
            if not selector.select(GLANCE_SECONDS):
                continue
            content = _stream(process).read1(65536)  # pyright: ignore[reportAttributeAccessIssue] (a BufferedReader)
            if not content:
                process.wait(END_SECONDS)
                break
            *lines, pending = (pending + content).split(b"\n")
            if first is None and any(map(awaited, lines)):
                first = now() - began
                until = now() + seconds
    return first, peak


def _stream(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process cleanly, or by force when it does not heed that."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _stream(process).close()

"""Results go to standard output, everything else to standard error."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import typer

from edgeface.errors import EdgefaceError, HardwareError


def say(line: str) -> None:
    """Print a line of the result. Raise HardwareError when it cannot be written, as on a full disk."""
    with written():
        typer.echo(line)


@contextmanager
def written() -> Iterator[None]:
    """Raise HardwareError where what is printed meanwhile cannot be written."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader has seen enough
    except OSError as error:
        raise HardwareError(f"standard output cannot be written: {error.strerror}") from error


def drop_unwritten() -> None:
    """Drop what standard output holds and cannot write.

    Python tries it again as the process ends, and would end with code 120 and lines of its own.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_json(content: dict[str, Any]) -> None:
    """Print one object as one line of JSON; keys keep their order."""
    say(json.dumps(content, ensure_ascii=False))


def tell(line: str) -> None:
    """Tell something that is no result."""
    typer.echo(line, err=True)


def report(error: EdgefaceError) -> None:
    """Tell what went wrong and what to do next."""
    tell(f"edgeface: {error}")
    if error.hint:
        tell(f"  hint: {error.hint}")


def cosine(value: float) -> float:
    """Round a similarity for JSON."""
    return round(value, 4)


def iso(seconds: float) -> str:
    """Return Unix seconds as ISO-8601, UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Progress:
    """Counts on one line of a terminal; silent where standard error is none."""

    def __init__(self, total: int, what: str) -> None:
        self._total, self._what = total, what
        self._shown = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """Show how many are done."""
        if self._shown:
            typer.echo(f"\r{self._what}: {done} of {self._total}", err=True, nl=False)

    def close(self) -> None:
        """End the line."""
        if self._shown:
            typer.echo("", err=True)


@contextmanager
def progress(total: int, what: str) -> Iterator[Progress]:
    """Yield a counter whose line is ended in any case."""
    counter = Progress(total, what)
    try:
        yield counter
    finally:
        counter.close()

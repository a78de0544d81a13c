"""Examine an installation and say, for all that is wrong, what to do about it."""

import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeface.errors import EdgefaceError, HardwareError

OLDEST_PYTHON = (3, 11)

Probe = Callable[[], str]
"""Returns what was found, or raises the EdgefaceError that a user of that part would meet."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    check: str
    ok: bool
    found: str
    advice: str | None = None
    """What to do, where it is not ok."""


def examine(probes: Sequence[tuple[str, Probe]]) -> list[Finding]:
    """Run every probe; one that fails does not keep the others from running."""
    return [_examine(check, probe) for check, probe in probes]


def python_version() -> str:
    """Return Python's version, or refuse one that is too old."""
    if sys.version_info < OLDEST_PYTHON:
        raise EdgefaceError(
            f"python {platform.python_version()} is too old",
            hint="install Python 3.11 or newer; Raspberry Pi OS Bookworm carries it",
        )
    return platform.python_version()


def word_size(largest: int = sys.maxsize) -> str:
    """Return the machine, or refuse a 32-bit system, for which no TFLite runtime is published."""
    if largest <= 2**32:
        raise HardwareError(
            f"32-bit Python on {platform.machine()}",
            hint="install the 64-bit Raspberry Pi OS: TFLite is published for nothing less",
        )
    return f"64-bit, {platform.system()} {platform.machine()}"


def _examine(check: str, probe: Probe) -> Finding:
    try:
        return Finding(check, True, probe())
    except EdgefaceError as error:
        return Finding(check, False, error.message, error.hint or None)

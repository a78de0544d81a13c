"""The machine that is measured, and how it was meanwhile."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from edgeface.drivers.board import board_name, load_average, temperature, watts


@dataclass(frozen=True, slots=True)
class Board:
    """The machine, and how it was while it was measured."""

    name: str
    cores: int
    load: float
    """Processes that wanted to run when the bench began, on average over a minute: on an idle machine about 0."""
    celsius_before: float | None
    celsius_after: float | None
    watts: float | None
    """Power at the end of what was measured."""


def observing() -> Callable[[], Board]:
    """Look at the machine before anything is measured; return what to call right afterwards."""
    load, before = load_average(), temperature()
    return lambda: Board(board_name(), os.cpu_count() or 1, load, before, temperature(), watts())

"""One side of `edgeface bench peers`, in a process of its own that works in turns.

`python -m edgeface.cli.side SETTINGS.toml PEOPLE FRAMES SIDE`; its result is a line of JSON.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2

from edgeface.bench.peers import work_as
from edgeface.cli.output import report
from edgeface.config import load
from edgeface.drivers.board import peak_rss_mb
from edgeface.drivers.turns import TURN
from edgeface.errors import EdgefaceError

TURN_FRAMES = 10
"""Frames of a turn."""


def turns(frames: int) -> Callable[[], bool]:
    """Return what is asked before each frame: it waits for a turn every few frames, and ends after so many."""
    done = 0

    def ask() -> bool:
        nonlocal done
        if done == frames:
            return False
        if done % TURN_FRAMES == 0:
            sys.stdout.write(TURN.decode())
            sys.stdout.flush()
            if sys.stdin.readline() != TURN.decode():
                return False
        done += 1
        return True

    return ask


def main() -> None:
    """Work through the frames and say what it took; an error is one line on standard error and an exit code."""
    settings, people, frames, side = sys.argv[1:]
    cv2.setNumThreads(1)
    try:
        measured = work_as(side, load([Path(settings)]), people=int(people), turn=turns(int(frames)))
    except EdgefaceError as error:
        report(error)
        sys.exit(error.exit_code)
    found = {"side": side, **asdict(measured), "peak_rss_mb": peak_rss_mb(os.getpid()) or 0.0}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()

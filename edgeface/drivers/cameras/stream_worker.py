"""Decode a network stream in a process of its own, which has nothing to lose: `stream.py` starts it.

Standard input brings one line of JSON with the address and limits, then one byte a request; standard output takes the
answers, each a head of `HEAD` and its content. The end of standard input ends the process.
"""

import json
import os
import signal
import struct
import sys
import time
from typing import TYPE_CHECKING, BinaryIO

from edgeface.drivers.confine import confine

if TYPE_CHECKING:
    import cv2

    from edgeface.drivers.cameras.newest import Newest

HEAD = struct.Struct("=cIId")
"""Kind, width and height in pixels (of an error: bytes and 0), and a number: frames a second, or seconds of age."""
OPENED, FRAME, ENDED, STALLED, FAILED = b"O", b"F", b"E", b"S", b"X"
NEXT, ON_DEMAND, ALWAYS = b"n", b"d", b"a"


def main() -> None:
    """Confine this process, open the stream, and answer until standard input ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # who started it decides when it ends
    asked, answers = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)  # no library's message gets between the frames
    settings = json.loads(asked.readline())
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    confined = confine() if settings["confine"] else False
    from edgeface.drivers.cameras.live import declared_fps, open_capture

    capture = open_capture(settings["address"], settings["open_seconds"], settings["stall_seconds"])
    if capture.isOpened():
        answers.write(HEAD.pack(OPENED, int(confined), 0, declared_fps(capture) or 0.0))
        _serve(capture, asked, answers, settings["stall_seconds"])
    else:
        answers.write(HEAD.pack(FAILED, 0, 0, 0.0))
    os._exit(0)  # a thread may hang in the decoder for as long as it likes


def _serve(capture: "cv2.VideoCapture", asked: BinaryIO, answers: BinaryIO, stall_seconds: float) -> None:
    from edgeface.drivers.cameras.live import read_picture, skip_picture
    from edgeface.drivers.cameras.newest import Newest

    newest = Newest(lambda: read_picture(capture), capture.release, time.monotonic, skip=lambda: skip_picture(capture))
    while request := asked.read(1):
        if request == NEXT:
            _answer(newest, answers, stall_seconds)
        else:
            newest.on_demand = request == ON_DEMAND


def _answer(newest: "Newest", answers: BinaryIO, stall_seconds: float) -> None:
    try:
        taken = newest.take(stall_seconds)
    except TimeoutError:
        answers.write(HEAD.pack(STALLED, 0, 0, 0.0))
        return
    if taken is None:
        answers.write(HEAD.pack(ENDED, 0, 0, 0.0))
        return
    picture, seconds = taken
    height, width = picture.shape[:2]
    answers.write(HEAD.pack(FRAME, width, height, time.monotonic() - seconds))
    content = memoryview(picture.tobytes())
    while content:
        content = content[answers.write(content) :]


if __name__ == "__main__":
    sys.exit(main())

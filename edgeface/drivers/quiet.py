"""Keep libraries from writing to standard error what nobody needs, or what an exception of ours says better."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import cv2

_LOG: Any = cv2.utils.logging if hasattr(cv2.utils, "logging") else cv2
"""Where the switch is: the module cv2 itself up to OpenCV 4.11 at least, cv2.utils.logging in 4.14."""
SILENT = 0
FFMPEG_SILENT = "-8"

_ERROR_STREAM = 2
_aside = threading.Lock()


def _file_of(number: int) -> tuple[int, int] | None:
    """Return which file a descriptor is of, as device and inode; None when it is closed."""
    try:
        found = os.fstat(number)
    except OSError:
        return None
    return found.st_dev, found.st_ino


_ERROR_FILE = _file_of(_ERROR_STREAM)


class _Mute:
    """OpenCV's log level belongs to the process: the first to enter turns it off, the last to leave, on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = SILENT

    def enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = _LOG.getLogLevel()
                _LOG.setLogLevel(SILENT)
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                _LOG.setLogLevel(self._before)


_mute = _Mute()


@contextmanager
def opencv_muted() -> Iterator[None]:
    """Silence OpenCV's log for a while, in all threads.

    FFmpeg's own messages are off from its first use on, unless the user's environment says otherwise: OpenCV
    offers no other switch.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", FFMPEG_SILENT)
    _mute.enter()
    try:
        yield
    finally:
        _mute.leave()


@contextmanager
def standard_error_muted() -> Iterator[None]:
    """Lead the error stream aside for the whole process; only for a moment, and for what raises its errors.

    A TFLite runtime greets with "INFO: Created TensorFlow Lite XNNPACK delegate for CPU." as it opens a model, and
    TensorFlow tells of oneDNN and absent GPUs as it is imported. Both loggers are C++ and heed no variable, not even
    TF_CPP_MIN_LOG_LEVEL (seen in ai-edge-litert 2.3.0 and TensorFlow 2.21).

    A stream that is no more what it was as this module was loaded is left alone: where a service closed it, its number
    may be that of a file that another thread has opened since.
    """
    with _aside, ExitStack() as restored:
        if _ERROR_FILE and _file_of(_ERROR_STREAM) == _ERROR_FILE:
            kept = os.dup(_ERROR_STREAM)
            restored.callback(os.close, kept)
            restored.callback(os.dup2, kept, _ERROR_STREAM)
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), _ERROR_STREAM)
        yield

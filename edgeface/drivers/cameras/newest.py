"""Hold only the newest picture of a live source, so that a slow consumer never falls behind."""

import atexit
import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Raw = npt.NDArray[np.uint8]
"""A picture in the channel order of its source."""

JOIN_SECONDS = 2.0


class Newest:
    """A thread that keeps reading and overwrites one slot.

    `read` blocks until the next picture and returns None when there will be none; `skip` does so too but only tells
    whether there was one, and serves for pictures that nobody waits for while `on_demand` is set. `release` is called
    by the same thread at the end, as a source must not be released while it is being read.
    """

    def __init__(
        self,
        read: Callable[[], Raw | None],
        release: Callable[[], None],
        clock: Callable[[], float],
        skip: Callable[[], bool] | None = None,
    ) -> None:
        self._read, self._release, self._clock, self._skip = read, release, clock, skip
        self.on_demand = False
        self._waiting = False
        self._slot: tuple[Raw, float] | None = None
        self._ended = False
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="newest frame", daemon=True)
        self._thread.start()
        # A thread that comes back from OpenCV into a Python that is shutting down aborts the whole process.
        atexit.register(self.stop)

    def take(self, timeout_seconds: float) -> tuple[Raw, float] | None:
        """Return the newest picture not yet taken and its time, waiting for one. None: the source ended.

        Raise TimeoutError when nothing comes.
        """
        with self._changed:
            if self.on_demand:
                self._slot = None  # it may be as old as the last request
            self._waiting = True
            if not self._changed.wait_for(lambda: self._slot or self._ended, timeout_seconds):
                raise TimeoutError
            taken, self._slot = self._slot, None
            return taken

    def stop(self) -> None:
        """End the thread. One that hangs in `read` is left to end by itself, whenever that returns."""
        atexit.unregister(self.stop)
        with self._changed:
            self._stopping = self._ended = True
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        try:
            while not self._stopping:
                if self._skip and self.on_demand and not self._waiting:
                    if not self._skip():
                        break
                    continue
                picture = self._read()
                if picture is None:
                    break
                with self._changed:
                    self._slot, self._waiting = (picture, self._clock()), False
                    self._changed.notify_all()
        finally:
            self._release()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

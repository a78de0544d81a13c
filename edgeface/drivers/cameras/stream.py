"""Network streams, decoded in a confined process of their own, so that a hostile camera breaks nothing of ours."""

import fcntl
import json
import logging
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from edgeface.core.types import Frame
from edgeface.drivers.cameras.live import OPEN_SECONDS, STALL_SECONDS, network_reason, without_password
from edgeface.drivers.cameras.newest import Raw
from edgeface.drivers.cameras.source import Source
from edgeface.drivers.cameras.stream_worker import ALWAYS, FAILED, FRAME, HEAD, NEXT, ON_DEMAND, OPENED, STALLED
from edgeface.errors import CameraError

LOG = logging.getLogger(__name__)

WORKER = (sys.executable, "-P", "-m", "edgeface.drivers.cameras.stream_worker")
START_SECONDS = 30.0
"""A slow board under load takes long to load OpenCV."""
GRACE_SECONDS = 2.0
"""By so much the worker's own limits are outwaited."""
MOST_SIDE, MOST_BYTES = 20_000, 150_000_000
PIPE_BYTES = 1 << 20
SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", 1031)


class StreamSource(Source):
    """A network stream; frames carry the time at which they arrived.

    Of what the process says only a head of fixed size is understood, and each number of it is judged.
    """

    def __init__(
        self,
        address: str,
        *,
        clock: Callable[[], float] = time.time,
        stall_seconds: float = STALL_SECONDS,
        open_seconds: float | None = None,
        confine: bool = True,
    ) -> None:
        super().__init__(without_password(address))
        self._clock, self._stall_seconds = clock, stall_seconds
        opening = min(OPEN_SECONDS, stall_seconds) if open_seconds is None else open_seconds
        self._worker = subprocess.Popen(
            WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        assert self._worker.stdin and self._worker.stdout
        self._asks, self._answers = self._worker.stdin, self._worker.stdout
        settings = {"address": address, "open_seconds": opening, "stall_seconds": stall_seconds, "confine": confine}
        try:
            fcntl.fcntl(self._answers, SET_PIPE_SIZE, PIPE_BYTES)
        except OSError:
            LOG.debug("the pipe of %s stays small", self.name)
        try:
            self._tell(json.dumps(settings).encode() + b"\n")
            kind, confined, _, fps = self._head(opening + START_SECONDS)
            if kind != OPENED:
                reason = network_reason(address) if kind == FAILED else "its decoder broke off"
                raise CameraError(f"stream {self.name} cannot be opened: {reason}", hint=f"try {self.name} in a player")
        except BaseException:
            self.close()
            raise
        self._fps = fps if 0 < fps <= 1000 else None
        self.confined = bool(confined)
        if confine and not self.confined:
            LOG.info("this kernel has no Landlock: the decoder of %s may read what edgeface may", self.name)

    @property
    def fps(self) -> float | None:
        """Frames per second as the stream declares them."""
        return self._fps

    def frames(self) -> Iterator[Frame]:
        """Yield the newest frame each time. Raise CameraError when the stream ends, stalls or breaks its decoder."""
        while not self.closed:
            self._tell(NEXT)
            kind, width, height, age = self._head(self._stall_seconds + GRACE_SECONDS)
            if self.closed:
                return
            if kind == FRAME:
                picture = self._picture(width, height)
                yield Frame(np.ascontiguousarray(picture[..., ::-1]), self._clock() - min(max(age, 0.0), 60.0))
            elif kind == STALLED:
                raise CameraError(
                    f"camera {self.name} stalled: no frame for {self._stall_seconds:g} s",
                    hint="check its cable or network, or restart it",
                )
            else:
                raise CameraError(f"camera {self.name} ended", hint="check its cable or network")

    def pace(self, period_seconds: float) -> None:
        """Turn pictures into pixels when one is asked for, and no more than that."""
        self._tell(ON_DEMAND if period_seconds > 0 else ALWAYS)

    def _picture(self, width: int, height: int) -> Raw:
        size = width * height * 3
        if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE and size <= MOST_BYTES):
            raise CameraError(f"camera {self.name} sent a picture of {width}x{height} px", hint="restart it")
        content = self._read(size, self._stall_seconds + GRACE_SECONDS)
        if len(content) < size:
            raise CameraError(f"camera {self.name} broke off", hint="check its cable or network")
        return np.frombuffer(content, np.uint8).reshape(height, width, 3)

    def _head(self, seconds: float) -> tuple[bytes, int, int, float]:
        """Return what the worker answers; no kind when it has ended or says nothing for so long."""
        head = self._read(HEAD.size, seconds)
        return HEAD.unpack(head) if len(head) == HEAD.size else (b"", 0, 0, 0.0)

    def _read(self, size: int, seconds: float) -> bytearray:
        """Return so many bytes, or fewer when the worker has ended or time is over."""
        content, filled, until = bytearray(size), 0, time.monotonic() + seconds
        while filled < size and not self.closed:
            ready, _, _ = select.select([self._answers], [], [], max(until - time.monotonic(), 0))
            more = os.readv(self._answers.fileno(), [memoryview(content)[filled:]]) if ready else 0
            if not more:
                break
            filled += more
        del content[filled:]
        return content

    def _tell(self, request: bytes) -> None:
        try:
            self._asks.write(request)
        except (OSError, ValueError):  # it has ended, or was closed: the next answer is missing
            LOG.debug("the worker of %s hears nothing", self.name)

    def _release(self) -> None:
        self._worker.kill()
        self._worker.wait()
        self._asks.close()
        self._answers.close()

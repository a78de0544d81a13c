"""Serve the control socket of a daemon: hear one request a connection, and keep those who ask too much out."""

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgeface.core.types import Right
from edgeface.drivers.closing import Closing
from edgeface.drivers.control_wire import Peer, Wire, peer_of
from edgeface.drivers.rate_limit import RateLimit
from edgeface.drivers.unix_listener import listen_at
from edgeface.errors import CallerGone, ConfigError, ControlError, EdgefaceError

LONGEST_REQUEST = 4096
"""Bytes of a request's line."""

READ_SECONDS, SEND_SECONDS = 2.0, 10.0
"""A request must have come, and an answer be taken, in this time."""

MOST_AT_ONCE: dict[Right, int] = {"owner": 4, "group": 4, "other": 2}
"""Connections at the same time: nobody can take the place of those who may do more."""

BURST, PER_SECOND = 10, 5.0
"""Requests of one user."""

BACKLOG = 16
PAUSE_SECONDS = 0.02
"""A flood of refused connections takes no more of the processor than 50 a second do."""

END_SECONDS = 3.0
"""Requests that are being answered when the daemon ends may take so long."""

Answer = Callable[[dict[str, Any], "Caller"], dict[str, Any]]


class Caller:
    """Who has made a request and waits for the answer."""

    def __init__(self, wire: Wire, peer: Peer, right: Right) -> None:
        self.right: Right = right
        self.who = f"user {peer.uid}"
        self._wire = wire

    def tell(self, text: str) -> None:
        """Say how it goes. Raise CallerGone when nobody listens."""
        self._wire.send({"tell": text}, READ_SECONDS)

    def check(self) -> None:
        """Raise CallerGone when nobody waits any more."""
        if self._wire.hung_up():
            raise CallerGone(f"{self.who} does not wait for the answer")


class ControlServer(Closing):
    """Hands each request, with its `Caller`, to `answer`, which may take its time and raise EdgefaceError.

    One thread accepts and one answers each connection. Raise ConfigError when the socket cannot be made.
    """

    def __init__(
        self, path: Path, answer: Answer, *, group: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not hasattr(socket, "SO_PEERCRED"):
            raise ConfigError("control.socket needs Linux, which says who is connected", hint="leave it empty")
        self._path, self._answer, self._group = path, answer, group
        self._rate = RateLimit(burst=BURST, per_second=PER_SECOND, clock=clock)
        self._lock = threading.Lock()
        self._talks: dict[threading.Thread, tuple[Wire, Right]] = {}
        self._closed = False
        self._listener = listen_at(path, backlog=BACKLOG, setting="control.socket", mode=0o660, group=group)
        self._thread = threading.Thread(target=self._accept, name="control socket", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"ControlServer({self._path}, {'closed' if self._closed else 'open'})"

    def close(self) -> None:
        """Remove the socket, let the requests under way end, and hang up on the rest. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):
            self._path.unlink()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._thread.join(END_SECONDS)
        self._listener.close()
        deadline = time.monotonic() + END_SECONDS
        for thread, _ in self._under_way():
            thread.join(max(deadline - time.monotonic(), 0))
        left = self._under_way()
        for _, wire in left:
            wire.hang_up()
        for thread, _ in left:
            thread.join(END_SECONDS)

    def _under_way(self) -> list[tuple[threading.Thread, Wire]]:
        with self._lock:
            return [(thread, wire) for thread, (wire, _) in self._talks.items()]

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # it was closed, or there are too many open files
                time.sleep(PAUSE_SECONDS)
                continue
            wire = Wire(connection, longest=LONGEST_REQUEST)
            refusal = self._greet(connection, wire)
            if refusal:
                with suppress(CallerGone):
                    wire.send(_refused(refusal), PAUSE_SECONDS)
                wire.close()
                time.sleep(PAUSE_SECONDS)

    def _greet(self, connection: socket.socket, wire: Wire) -> ControlError | None:
        """Begin to serve a connection, or return why not."""
        try:
            peer = peer_of(connection)
        except OSError as error:
            return ControlError(f"the kernel does not say who is connected: {error.strerror}")
        if not self._rate.allows(peer.uid):
            return ControlError("too many requests", hint="try again in a second")
        right = self._right_of(peer)
        with self._lock:
            if Counter(there for _, there in self._talks.values())[right] >= MOST_AT_ONCE[right]:
                return ControlError("too many requests are being answered", hint="try again later")
            arguments = (wire, Caller(wire, peer, right))
            thread = threading.Thread(target=self._talk, args=arguments, name="control request", daemon=True)
            self._talks[thread] = wire, right
        try:
            thread.start()
        except RuntimeError:  # the unit's TasksMax= is reached
            with self._lock:
                del self._talks[thread]
            return ControlError("the daemon has no thread left", hint="try again later")
        return None

    def _right_of(self, peer: Peer) -> Right:
        if peer.uid in (0, os.geteuid()):
            return "owner"
        return "group" if self._group in peer.groups else "other"

    def _talk(self, wire: Wire, caller: Caller) -> None:
        try:
            request = wire.read(READ_SECONDS)
            if request is not None:
                wire.send({"done": self._answer(request, caller)}, SEND_SECONDS)
        except CallerGone:
            return
        except TimeoutError:
            _say(wire, ControlError(f"no request came within {READ_SECONDS:g} s"))
        except EdgefaceError as error:
            _say(wire, error)
        finally:
            wire.close()
            with self._lock:
                del self._talks[threading.current_thread()]


def _say(wire: Wire, error: EdgefaceError) -> None:
    with suppress(CallerGone):
        wire.send(_refused(error), SEND_SECONDS)


def _refused(error: EdgefaceError) -> dict[str, Any]:
    return {"error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint}}

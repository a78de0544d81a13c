"""What goes over a control socket: one JSON object a line, never trusted, and who is at the other end."""

import json
import select
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from edgeface.errors import CallerGone, ControlError

SO_PEERGROUPS = getattr(socket, "SO_PEERGROUPS", 59)
"""Not named by Python; the number of Linux on ARM and x86."""

CREDENTIALS = struct.Struct("iII")
"""struct ucred: process, user, group."""

MOST_GROUPS_BYTES = 1024
"""What Python reads of an option at most: 256 groups."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who has connected, as the kernel says it."""

    uid: int
    groups: frozenset[int]


def peer_of(connection: socket.socket) -> Peer:
    """Ask the kernel who connected, by SO_PEERCRED and SO_PEERGROUPS of unix(7). Raise OSError when it cannot say."""
    _, uid, gid = CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    groups = b""
    with suppress(OSError):  # a kernel before 4.13, or somebody with too many groups: the first one counts
        groups = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, MOST_GROUPS_BYTES)
    return Peer(uid, frozenset({gid, *struct.unpack(f"{len(groups) // 4}I", groups)}))


class Wire:
    """One end of a connection. A line beyond `longest` bytes is refused before it is read to its end."""

    def __init__(self, connection: socket.socket, *, longest: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._longest, self._clock = connection, longest, clock
        self._rest = bytearray()

    def read(self, seconds: float) -> dict[str, Any] | None:
        """Return the next object; None at the end. It must be whole after so many seconds, however it trickles in.

        Raise ControlError for anything but one line of JSON that is an object, TimeoutError when it is late.
        """
        line = self._line(self._clock() + seconds)
        if line is None:
            return None
        try:
            message = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ControlError("the message is not JSON") from error
        if not isinstance(message, dict):
            raise ControlError("the message is no JSON object")
        return message

    def send(self, message: dict[str, Any], seconds: float) -> None:
        """Send one object. Raise CallerGone when it is not taken in time, or nobody is there."""
        try:
            self._connection.settimeout(seconds)
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise CallerGone("the other end of the control socket has gone") from error

    def hung_up(self) -> bool:
        """Tell whether the other end, or this one, was closed; one that only has no more to say is still there."""
        try:
            poll = select.poll()
            poll.register(self._connection, 0)
            return bool(poll.poll(0))
        except (OSError, ValueError):  # ValueError: the socket is closed
            return True

    def hang_up(self) -> None:
        """End the conversation for both, in whatever thread it goes on."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection. A second call does nothing."""
        self._connection.close()

    def _line(self, deadline: float) -> bytes | None:
        while (end := self._rest.find(b"\n", 0, self._longest + 1)) < 0:
            if len(self._rest) > self._longest:
                raise ControlError(f"a message is longer than {self._longest} bytes")
            chunk = self._receive(deadline)
            if not chunk:
                if self._rest:
                    raise ControlError("the message ends before its line does")
                return None
            self._rest += chunk
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        return line

    def _receive(self, deadline: float) -> bytes:
        left = deadline - self._clock()
        if left <= 0:
            raise TimeoutError("the message is late")
        self._connection.settimeout(left)
        try:
            return self._connection.recv(min(self._longest + 1, 1 << 16))
        except TimeoutError as error:
            raise TimeoutError("the message is late") from error
        except OSError:  # reset: what was sent is lost, and that is an end
            return b""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")

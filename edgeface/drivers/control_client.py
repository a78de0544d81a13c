"""Ask a running daemon, over its control socket."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgeface.drivers.closing import Closing
from edgeface.drivers.control_wire import Wire
from edgeface.errors import CallerGone, ControlError, EdgefaceError, NoDaemon

LONGEST_ANSWER = 64 << 20
"""Bytes: a picture in base64, or the names of a very large gallery."""

CONNECT_SECONDS, SEND_SECONDS = 5.0, 5.0
RETRY_SECONDS = 0.05
ANSWER_SECONDS = 60.0

START = "start one with `edgeface run --daemon` and control.socket, or name its socket with --socket"


class ControlClient(Closing):
    """A connection to a daemon, for one request.

    Raise NoDaemon when none listens, ControlError when it is not for you.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wire = Wire(_connect(path), longest=LONGEST_ANSWER)

    def __repr__(self) -> str:
        return f"ControlClient({self._path})"

    def close(self) -> None:
        """Hang up. A second call does nothing."""
        self._wire.close()

    def ask(
        self, request: dict[str, Any], *, tell: Callable[[str], None] | None = None, seconds: float = ANSWER_SECONDS
    ) -> dict[str, Any]:
        """Return what the daemon answers; `tell` hears what it says meanwhile.

        Raise what the daemon raised, and ControlError when it is silent for so many seconds, or ends.
        """
        with suppress(CallerGone):  # it may have refused already, and said why
            self._wire.send(request, SEND_SECONDS)
        while True:
            try:
                message = self._wire.read(seconds)
            except TimeoutError as error:
                raise ControlError(
                    f"the daemon at {self._path} says nothing for {seconds:g} s", hint="see its journal"
                ) from error
            match message:
                case None:
                    raise ControlError(f"the daemon at {self._path} ended before it answered", hint="see its journal")
                case {"tell": str(text)}:
                    if tell:
                        tell(text)
                case {"done": dict(answer)}:
                    return answer
                case {"error": {"kind": str(kind), "message": str(text), "hint": str(hint)}}:
                    raise _kinds().get(kind, ControlError)(text, hint=hint)
                case _:
                    raise ControlError(f"what listens at {self._path} is no edgeface, or one of another version")


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    deadline = time.monotonic() + CONNECT_SECONDS
    try:
        connection.setblocking(False)
        while True:
            try:
                connection.connect(str(path))
                return connection
            except BlockingIOError:  # so many others wait there already
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_SECONDS)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
        connection.close()
        raise NoDaemon(f"no daemon listens at {path}", hint=START) from error
    except PermissionError as error:
        connection.close()
        raise ControlError(
            f"you may not ask the daemon at {path}",
            hint="use sudo, or become a member of its group: see docs/daemon.md",
        ) from error
    except OSError as error:
        connection.close()
        raise ControlError(f"the daemon at {path} cannot be reached: {error.strerror or error}") from error


def _kinds() -> dict[str, type[EdgefaceError]]:
    """Return every way to refuse by its name."""
    found: dict[str, type[EdgefaceError]] = {}
    waiting: list[type[EdgefaceError]] = [EdgefaceError]
    while waiting:
        kind = waiting.pop()
        found[kind.__name__] = kind
        waiting += kind.__subclasses__()
    return found

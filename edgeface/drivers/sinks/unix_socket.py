"""Send events to every program that is connected to a Unix socket."""

import socket
from contextlib import suppress
from pathlib import Path

from edgeface.core.types import AnyEvent
from edgeface.drivers.sinks.json_lines import event_json
from edgeface.drivers.unix_listener import listen_at
from edgeface.errors import SinkError

MOST_LISTENERS = 64
"""Programs that are connected at the same time, and as many again that have not been greeted yet."""


class EventSocket:
    """A `Sink` that serves events as lines of JSON on a stream socket which only its owner may connect to.

    A listener hears what happens from its connection on. One that does not read fast enough to keep its
    buffer from filling, or that has gone, is let go; the others do not notice.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listeners: list[socket.socket] = []
        self._server: socket.socket | None = listen_at(path, backlog=MOST_LISTENERS, setting="sink.path")
        self._server.setblocking(False)

    def __repr__(self) -> str:
        return f"EventSocket({self._path}, {'closed' if self._server is None else 'open'})"

    def emit(self, event: AnyEvent) -> None:
        """Send one line to all who listen; that nobody does is no failure. Raise SinkError when it is closed."""
        if self._server is None:
            raise SinkError(f"socket {self._path} is closed")
        self._welcome(self._server)
        line = (event_json(event) + "\n").encode()
        for listener in list(self._listeners):
            if not _send(listener, line):
                self._listeners.remove(listener)
                listener.close()

    def close(self) -> None:
        """Part from all who listen and remove the socket."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError):
                self._path.unlink()
            for listener in (server, *self._listeners):
                listener.close()
            self._listeners.clear()

    def _welcome(self, server: socket.socket) -> None:
        """Accept all who have connected since the last event: until now they waited in the backlog."""
        with suppress(OSError):
            while True:
                listener, _ = server.accept()
                if len(self._listeners) < MOST_LISTENERS:
                    listener.setblocking(False)
                    self._listeners.append(listener)
                else:
                    listener.close()


def _send(listener: socket.socket, line: bytes) -> bool:
    try:
        return listener.send(line) == len(line)
    except OSError:  # it has gone, or its buffer is full
        return False

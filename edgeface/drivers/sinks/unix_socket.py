"""Send events to every program that is connected to a Unix socket."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from edgeface.core.types import AnyEvent
from edgeface.drivers.sinks.json_lines import event_json
from edgeface.errors import ConfigError, SinkError

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
        self._server: socket.socket | None = _serve(path)

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


def _serve(path: Path) -> socket.socket:
    """Listen at a path, in place of a socket whose server is gone. Raise ConfigError when that cannot be done."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _make_way(path)
        os.fchmod(server.fileno(), 0o600)  # before it has a name: nobody else can ever connect
        server.bind(str(path))
        server.listen(MOST_LISTENERS)
        server.setblocking(False)
    except OSError as error:
        server.close()
        reason = error.strerror or str(error)  # a path beyond 107 bytes has no strerror
        raise ConfigError(f"socket {path} cannot be made: {reason}", hint="choose another sink.path") from error
    except ConfigError:
        server.close()
        raise
    return server


def _make_way(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(f"socket {path} cannot be made: a file is there", hint="choose another sink.path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ConfigError(f"socket {path} is served by another program", hint="end it, or choose another sink.path")

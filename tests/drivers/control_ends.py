"""Both ends of a control socket, for tests."""

import contextlib
import json
import os
import socket

from edgeface.drivers.control_client import ControlClient
from edgeface.drivers.control_server import ControlServer

ME = os.geteuid()
STRANGER = 54321
"""A user that no machine has."""


def echo(request, caller):
    return {"asked": request, "right": caller.right}


@contextlib.contextmanager
def serving(path):
    """Serve functions at a socket; nobody is limited by the clock."""
    with contextlib.ExitStack() as stack:

        def start(answer=echo, *, ticks=None, group=None):
            clock = (lambda: ticks[0]) if ticks else iter(range(10**9)).__next__
            server = ControlServer(path, answer, group=group, clock=clock)
            stack.callback(server.close)
            return server

        yield start


def ask(path, request, **options):
    with ControlClient(path) as client:
        return client.ask(request, **options)


def connect(path):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(10)
    connection.connect(str(path))
    return connection


def answer_to(path, content, *, end=False):
    """Send bytes and return what comes back, read as JSON, up to the end."""
    with connect(path) as connection:
        with contextlib.suppress(BrokenPipeError):
            connection.sendall(content)
        if end:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(1 << 16):
                received += chunk
    return [json.loads(line) for line in received.splitlines()]

"""Who asks a daemon notices when it is gone, silent or none; a daemon notices when nobody waits."""

import json
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.drivers import control_server
from edgeface.drivers.control_wire import Wire
from edgeface.errors import CallerGone, ControlError, EdgefaceError, NoDaemon
from tests.drivers.control_ends import answer_to, ask, connect


@pytest.fixture
def path(tmp_path):
    return tmp_path / "socket"


def test_who_asks_for_long_notices_that_nobody_waits(serve, path):
    ended = threading.Event()

    def answer(request, caller):
        caller.check()
        caller.tell("looking")
        try:
            while True:
                caller.check()
        except CallerGone:
            ended.set()
            raise

    serve(answer)
    with connect(path) as connection:
        connection.sendall(b"{}\n")
        assert json.loads(connection.recv(100)) == {"tell": "looking"}
    assert ended.wait(30)


def test_who_has_no_more_to_say_still_waits(serve, path):
    def answer(request, caller):
        caller.check()
        return {}

    serve(answer)
    assert answer_to(path, b"{}\n", end=True) == [{"done": {}}]


def test_the_end_of_the_server_hangs_up_on_what_takes_too_long(serve, path, monkeypatch):
    monkeypatch.setattr(control_server, "END_SECONDS", 0.2)
    begun, ended = threading.Event(), threading.Event()

    def answer(request, caller):
        begun.set()
        try:
            while True:
                caller.check()
        finally:
            ended.set()

    server = serve(answer)
    with connect(path) as connection:
        connection.sendall(b"{}\n")
        assert begun.wait(30)
        server.close()
        assert connection.recv(100) == b""
    assert ended.wait(30)


def served_once(path, content):
    """Be a daemon that sends these bytes to the first who connects, and goes."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def talk():
        connection, _ = listener.accept()
        connection.recv(1 << 16)
        connection.sendall(content)
        connection.close()
        listener.close()

    thread = threading.Thread(target=talk)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "ended before it answered"),
        (b'{"tell": "hi"}\n', "ended before it answered"),
        (b'{"done": 5}\n', "is no edgeface"),
        (b'{"error": {"kind": 1, "message": "x", "hint": ""}}\n', "is no edgeface"),
        (b'{"error": {"kind": "SystemExit", "message": "x", "hint": ""}}\n', "^x$"),
        (b"220 mail\n", "is not JSON"),
    ],
)
def test_what_is_no_edgeface_is_said_to_be_none(path, content, reason):
    thread = served_once(path, content)
    with pytest.raises(ControlError, match=reason):
        ask(path, {})
    thread.join()


def test_a_daemon_that_is_silent_is_given_up(serve, path):
    done = threading.Event()

    def answer(request, caller):
        done.wait(30)
        return {}

    serve(answer)
    with pytest.raises(ControlError, match=r"says nothing for 0\.1 s"):
        ask(path, {}, seconds=0.1)
    done.set()


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text("file"), lambda path: path.mkdir()])
def test_where_nobody_listens_is_said_with_what_to_do(path, make):
    make(path)
    with pytest.raises(NoDaemon) as refusal:
        ask(path, {})
    assert (refusal.value.exit_code, bool(refusal.value.hint)) == (9, True)


@settings(deadline=None, max_examples=60)
@given(chunks=st.lists(st.binary(max_size=60), max_size=5))
def test_whatever_comes_is_an_object_an_end_or_a_refusal(chunks):
    near, far = socket.socketpair()
    with near, far:
        for chunk in chunks:
            near.sendall(chunk)
        near.shutdown(socket.SHUT_WR)
        wire = Wire(far, longest=100)
        try:
            while (message := wire.read(5.0)) is not None:
                assert isinstance(message, dict)
        except ControlError as refusal:
            assert type(refusal) in (ControlError,)


def test_every_refusal_can_be_sent():
    from edgeface.drivers.control_client import _kinds

    for kind in _kinds().values():
        if kind.__module__ == EdgefaceError.__module__:
            assert kind("what", hint="how").hint == "how"

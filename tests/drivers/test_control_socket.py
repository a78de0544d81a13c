"""The control socket between two real ends, and what hostile ones get from it."""

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from edgeface.drivers import control_server
from edgeface.drivers.control_server import BURST, LONGEST_REQUEST, MOST_AT_ONCE, ControlServer
from edgeface.drivers.control_wire import Peer
from edgeface.drivers.rate_limit import MOST_KEYS, RateLimit
from edgeface.errors import ConfigError, ControlError, NoDaemon, PoorPhoto
from tests.drivers.control_ends import ME, STRANGER, answer_to, ask, connect, echo


@pytest.fixture
def path(tmp_path):
    return tmp_path / "socket"


def test_a_request_is_answered_and_told_of_meanwhile(serve, path):
    def answer(request, caller):
        caller.tell("one")
        caller.tell("zwei ⚘")
        return {"asked": request}

    serve(answer)
    told = []
    assert ask(path, {"name": "Zoë \n⚘"}, tell=told.append) == {"asked": {"name": "Zoë \n⚘"}}
    assert told == ["one", "zwei ⚘"]


def test_a_refusal_arrives_as_what_it_was(serve, path):
    def answer(request, caller):
        raise PoorPhoto("camera: too dark", hint="switch the light on")

    serve(answer)
    with pytest.raises(PoorPhoto, match="camera: too dark") as refusal:
        ask(path, {})
    assert (refusal.value.hint, refusal.value.exit_code) == ("switch the light on", 5)


def test_the_socket_is_for_owner_and_group_whatever_the_umask_and_goes_with_the_server(serve, path):
    before = os.umask(0o077)
    try:
        server = serve()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert repr(server) == f"ControlServer({path}, open)"
    server.close()
    server.close()
    assert not path.exists()
    with pytest.raises(NoDaemon, match=f"no daemon listens at {path}"):
        ask(path, {})


def test_a_socket_that_cannot_be_given_to_the_group_is_not_left_behind(serve, path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    with pytest.raises(ConfigError, match="cannot be given to group 54321: Operation not permitted") as refusal:
        serve(group=STRANGER)
    assert "Group=" in refusal.value.hint
    assert not path.exists()
    serve(group=os.getegid())


def test_where_no_kernel_says_who_asks_nothing_is_served(serve, path, monkeypatch):
    monkeypatch.delattr(socket, "SO_PEERCRED")
    with pytest.raises(ConfigError, match="needs Linux"):
        serve()
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"ask": "' + b"x" * LONGEST_REQUEST, f"longer than {LONGEST_REQUEST} bytes"),
        (b"x" * (1 << 20), f"longer than {LONGEST_REQUEST} bytes"),
        (b'{"ask": "stat', "ends before its line does"),
        (b"GET / HTTP/1.1\r\n", "is not JSON"),
        (b"\n", "is not JSON"),
        (b"\xff\xfe\x00\n", "is not JSON"),
        (b"[" * 4000 + b"\n", "is not JSON"),
        (b'{"seconds": NaN}\n', "is not JSON"),
        (b'["status"]\n', "is no JSON object"),
        (b'"status"\n', "is no JSON object"),
    ],
)
def test_a_hostile_message_is_refused_and_the_next_one_answered(serve, path, content, reason):
    serve()
    [refused] = answer_to(path, content, end=True)
    assert refused["error"]["kind"] == "ControlError"
    assert reason in refused["error"]["message"]
    assert ask(path, {"ask": "status"})["asked"] == {"ask": "status"}


def test_who_connects_and_says_nothing_gets_no_answer(serve, path):
    serve()
    assert answer_to(path, b"", end=True) == []


def test_a_request_that_trickles_in_is_given_up_while_others_are_answered(serve, path, monkeypatch):
    monkeypatch.setattr(control_server, "READ_SECONDS", 0.3)
    serve()
    with connect(path) as slow:
        trickled = threading.Event()

        def trickle():
            with contextlib.suppress(OSError):
                for byte in b'{"ask": "status"' * 100:
                    slow.sendall(bytes([byte]))
                    trickled.wait(0.02)

        thread = threading.Thread(target=trickle)
        thread.start()
        assert ask(path, {})["asked"] == {}
        refused = json.loads(slow.recv(1 << 16))
        trickled.set()
        slow.close()
        thread.join()
    assert refused["error"]["message"] == "no request came within 0.3 s"


def test_a_flood_is_refused_until_time_has_passed(serve, path):
    ticks = [0.0]
    serve(ticks=ticks)
    for _ in range(BURST):
        ask(path, {})
    for _ in range(20):
        with pytest.raises(ControlError, match="too many requests"):
            ask(path, {})
    ticks[0] += 1.0
    assert ask(path, {})["asked"] == {}


def test_each_user_has_a_limit_of_their_own_and_many_users_take_no_room(serve):
    ticks = [0.0]
    limit = RateLimit(burst=2, per_second=0.5, clock=lambda: ticks[0])
    assert [limit.allows(1) for _ in range(3)] == [True, True, False]
    assert limit.allows(2)
    ticks[0] += 2.0
    assert [limit.allows(1) for _ in range(2)] == [True, False]
    for key in range(3, 3 * MOST_KEYS):
        assert limit.allows(key)
    assert len(limit._buckets) <= MOST_KEYS


def test_only_so_many_are_answered_at_once_and_strangers_do_not_keep_the_owner_out(serve, path, monkeypatch):
    peers = iter([STRANGER] * (MOST_AT_ONCE["other"] + 1) + [ME] * (MOST_AT_ONCE["owner"] + 1))
    monkeypatch.setattr(control_server, "peer_of", lambda connection: Peer(next(peers), frozenset()))
    done, busy = threading.Event(), threading.Semaphore(0)

    def answer(request, caller):
        busy.release()
        done.wait(30)
        return {"right": caller.right}

    serve(answer)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask(path, {})["right"])) for _ in range(6)]

    def begin(some):
        for thread in some:
            thread.start()
            assert busy.acquire(timeout=30)

    begin(threads[:2])
    with pytest.raises(ControlError, match="too many requests are being answered"):
        ask(path, {})
    begin(threads[2:])
    with pytest.raises(ControlError, match="too many requests are being answered"):
        ask(path, {})
    done.set()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["other"] * 2 + ["owner"] * 4


PYTHONS = [python for python in ("/usr/bin/python3", os.path.realpath(sys.executable)) if Path(python).exists()]
"""What another user can run: this Python may lie in somebody's home."""

ASK = """
import socket, sys
connection = socket.socket(socket.AF_UNIX)
try:
    connection.connect(sys.argv[1])
    connection.sendall(b'{}' + bytes([10]))
    print(connection.recv(4096).decode(), end="")
except PermissionError:
    print("not permitted")
"""


@pytest.mark.skipif(ME != 0, reason="only the superuser can be somebody else")
def test_the_kernel_says_who_asks(monkeypatch):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "socket"
        with ControlServer(path, echo, group=STRANGER):

            def as_user(groups):
                command = ["/usr/bin/env", "-i", PYTHONS[0], "-I", "-S", "-c", ASK, str(path)]
                done = subprocess.run(
                    command, user=65534, group=65534, extra_groups=groups, capture_output=True, text=True, check=False
                )
                if done.returncode:
                    pytest.skip(f"nobody else can run this Python: {done.stderr[-80:]}")
                return done.stdout.strip()

            assert as_user([]) == "not permitted"
            assert json.loads(as_user([STRANGER]))["done"]["right"] == "group"
            path.chmod(0o666)
            assert json.loads(as_user([]))["done"]["right"] == "other"
            assert ask(path, {})["right"] == "owner"

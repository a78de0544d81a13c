"""What PRIVACY.md says of a device that nobody has configured: nothing leaves it, and no picture stays on it."""

import socket

import pytest

from edgeface.config import load
from tests.drivers.test_webhook import Receiver
from tests.fakes import BLUE, GREEN, RED, Square


@pytest.fixture
def calls(monkeypatch):
    """Addresses that anything on this machine tries to reach over a network."""
    tried = []

    def watch(function):
        def call(self, *arguments):
            if self.family in (socket.AF_INET, socket.AF_INET6):
                tried.append(arguments[-1])
            return function(self, *arguments)

        return call

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, watch(getattr(socket.socket, name)))
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **named: tried.append(given) or look_up(*given, **named))
    return tried


def live(cli, picture):
    """Enrol, recognise, look after the gallery and forget, as nobody has configured anything."""
    red = picture("red.png", Square(RED))
    for number in range(6):
        picture(f"clip/{number}.png", Square(RED), Square(BLUE, left=300))
    for words in (
        ("enroll", "--name", "alice", red),
        ("enroll", "--name", "bob", picture("green.png", Square(GREEN))),
        ("consent", "alice", "--text", "1"),
        ("identify", red),
        ("run", "--camera", "clip"),
        ("list",),
        ("gallery", "verify"),
        ("gallery", "sweep"),
        ("audit",),
        ("doctor", "--no-camera"),
        ("forget", "bob"),
    ):
        ended = cli(*words)
        assert ended.code == 0, (words, ended.out, ended.err)


def test_nothing_leaves_the_device_by_itself(painted, cli, picture, calls):
    live(cli, picture)
    assert calls == []


def test_that_test_sees_what_leaves_by_a_sink(cli, tmp_path, calls):
    with Receiver(200) as receiver:
        (tmp_path / "sinks.toml").write_text(f'[[sink]]\nkind = "webhook"\nurl = "http://127.0.0.1:{receiver.port}/"\n')
        assert cli("sinks", "test", "--config", "sinks.toml").code == 0
        assert ("127.0.0.1", receiver.port) in calls


def test_no_file_is_written_but_the_gallery_s(painted, cli, picture, tmp_path):
    live(cli, picture)
    pictures = {tmp_path / "red.png", tmp_path / "green.png", *(tmp_path / "clip").iterdir()}
    written = {path for path in tmp_path.rglob("*") if path.is_file() and painted not in path.parents} - pictures
    assert {path.name.split("-")[0] for path in written} == {"gallery.db"}


def test_nobody_is_kept_beyond_what_was_asked_for_unless_that_is_set():
    config = load()
    assert (config.gallery.keep_chips, config.unknown.remember, config.privacy.visit_days) == ("never", False, None)
    assert config.sink == ()
    assert (config.privacy.consent_days, config.privacy.keep_days, config.privacy.audit_days) == (None, None, None)

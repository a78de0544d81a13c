"""What the daemon does for those who ask, with what it opens for that."""

import threading
import time
from concurrent.futures import Future
from dataclasses import replace

import pytest

from edgeface import succession, wiring
from edgeface.app.window import Window
from edgeface.cli import serve
from edgeface.config import Config
from edgeface.drivers import memory
from edgeface.drivers.sinks.outbox import Outboxes
from edgeface.errors import NoFaceFound
from tests.fakes import RED, Square, SquareDetector

PATIENCE = 10.0
"""Seconds after which a test gives up; none passes or fails by the time it takes."""


@pytest.fixture
def powers(painted, tmp_path):
    config = Config()
    config = replace(config, gallery=replace(config.gallery, path=str(tmp_path / "gallery.db")))
    return serve.DaemonPowers(Window(time.monotonic, time.sleep), lambda: config, Future)


def test_frames_are_searched_as_the_watch_does_and_photos_at_full_size(powers, cli, picture, monkeypatch):
    asked = []

    def opened(config, *, live=False):
        asked.append(live)
        return SquareDetector()

    monkeypatch.setattr(wiring, "make_detector", opened)
    monkeypatch.setattr(serve, "TIDY_SECONDS", 0.0)
    photo = picture("clip/000.png", Square(RED))
    assert cli("enroll", "--name", "alice", photo).code == 0
    assert cli("enroll", "--name", "alice", "--camera", "clip").code == 0
    with powers.desk():
        pass
    assert asked == [False, True, True]
    for timer in timers():
        timer.join()


def test_an_enrolment_uses_the_networks_of_the_watch_while_it_goes_on(powers, monkeypatch):
    def lent(config, parts, *_):
        return parts.detector is watch.parts.detector

    monkeypatch.setattr(serve, "TIDY_SECONDS", 0.0)
    monkeypatch.setattr(wiring, "make_enroller", lent)
    config = powers._config()
    watch = serve.Watch(config, wiring.make_parts(config, live=True), {}, Outboxes())
    with powers.watching(watch), powers.desk() as desk:
        assert desk.enroller is True
    with powers.desk() as desk:
        assert desk.enroller is False
    with powers.watching(replace(watch, used=Config())), powers.desk() as desk:
        assert desk.enroller is False
    for timer in timers():
        timer.join()


def test_an_enrolment_after_an_upgrade_uses_the_new_model_before_the_watch_does(powers, monkeypatch):
    config = powers._config()
    newer = replace(config, recognition=replace(config.recognition, variant="int8"))
    watch = serve.Watch(config, wiring.make_parts(config, live=True), {}, Outboxes())
    monkeypatch.setattr(serve, "TIDY_SECONDS", 0.0)
    monkeypatch.setattr(wiring, "make_enroller", lambda config, parts, *_: parts.detector is watch.parts.detector)
    monkeypatch.setattr(succession, "in_use", lambda config: newer)
    with powers.watching(watch), powers.desk() as desk:
        assert desk.enroller is False
    for timer in timers():
        timer.join()


def timers():
    return [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


@pytest.mark.parametrize("refused", [False, True])
def test_memory_is_given_back_before_an_enrolment_and_once_it_is_over(powers, monkeypatch, refused):
    given_back = threading.Semaphore(0)
    monkeypatch.setattr(serve, "TIDY_SECONDS", 0.0)
    monkeypatch.setattr(memory, "give_back", given_back.release)
    try:
        with powers.desk():
            assert given_back.acquire(blocking=False)
            assert not given_back.acquire(blocking=False)
            assert not timers()
            if refused:
                raise NoFaceFound("no face found")
    except NoFaceFound:
        assert refused
    assert given_back.acquire(timeout=PATIENCE)

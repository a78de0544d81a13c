"""What the daemon does for those who ask, with what it opens for that."""

import threading
import time
from concurrent.futures import Future
from dataclasses import replace

import pytest

from edgeface.app.window import Window
from edgeface.cli import serve
from edgeface.config import Config
from edgeface.drivers import memory
from edgeface.errors import NoFaceFound

PATIENCE = 10.0
"""Seconds after which a test gives up; none passes or fails by the time it takes."""


@pytest.fixture
def powers(painted, tmp_path):
    config = Config()
    config = replace(config, gallery=replace(config.gallery, path=str(tmp_path / "gallery.db")))
    return serve.DaemonPowers(Window(time.monotonic, time.sleep), lambda: config, Future)


def timers():
    return [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


@pytest.mark.parametrize("refused", [False, True])
def test_what_an_enrolment_took_is_given_back_once_it_is_over(powers, monkeypatch, refused):
    given_back, over = threading.Event(), threading.Event()
    monkeypatch.setattr(serve, "TIDY_SECONDS", 0.0)
    monkeypatch.setattr(memory, "give_back", lambda: over.wait(PATIENCE) and given_back.set())
    try:
        with powers.desk():
            assert not timers()
            if refused:
                raise NoFaceFound("no face found")
    except NoFaceFound:
        assert refused
    over.set()
    assert given_back.wait(PATIENCE)

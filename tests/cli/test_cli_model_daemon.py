"""A running daemon goes over to another model by itself."""

import threading
from pathlib import Path

import pytest

from edgeface import succession, wiring_cameras
from edgeface.config import load
from edgeface.core.types import Frame
from edgeface.drivers.control_client import ControlClient
from tests.cli.two_models import KEEP, gallery_file
from tests.fakes import (
    GREEN,
    NEW_MODEL,
    RED,
    START,
    PaintedCamera,
    Square,
    paint,
)

pytestmark = pytest.mark.usefixtures("two_models")


class Live(PaintedCamera):
    """Shows alice until it is told to end."""

    name, fps = "film", None

    def __init__(self, ended):
        super().__init__([paint(Square(RED))])
        self.ended, self.shown = ended, 0

    def pace(self, period_seconds):
        """Go on as before."""

    def frames(self):
        while not self.ended.wait(0.002):
            self.shown += 1
            yield Frame(self.pictures[0], START + self.shown / 10)


def test_a_running_daemon_goes_over_by_itself_and_tells_how_far_it_is(cli, enrol, monkeypatch):
    enrol("alice", RED, *KEEP)
    enrol("bob", GREEN)
    told, cameras, ended = [], [], threading.Event()
    config = load(overrides=[f"gallery.path={gallery_file().absolute()}"])

    def look(number):
        """Wait until as many cameras were opened and the last has shown enough for a name, then ask for the status."""
        while len(cameras) < number or cameras[-1].shown < 10:
            ended.wait(0.002)
        with ControlClient(Path("s")) as daemon:
            told.append(daemon.ask({"ask": "status"})["upgrade"])

    def go_over():
        try:
            look(1)
            succession.begin(config, "new", "", now=1.0)
            look(2)
            succession.move(config)
            with ControlClient(Path("s")) as daemon:
                told.append(daemon.ask({"ask": "status"})["upgrade"])
            succession.finish(config, now=2.0)
            look(3)
        finally:
            ended.set()

    def make_camera(_config, _clock, _tell, **_):
        cameras.append(Live(ended))
        return cameras[-1]

    monkeypatch.setattr(wiring_cameras, "films_live", lambda _config: True)
    monkeypatch.setattr(wiring_cameras, "make_live_camera", make_camera)
    steps = threading.Thread(target=go_over)
    steps.start()
    run = cli("run", "--daemon", "--json", "-o", "control.socket=s", "-o", "motion.gate=never")
    steps.join()
    assert run.code == 0, run.err
    assert [event["kind"] for event in run.objects if event.get("name") == "alice"] == ["arrived", "left"] * 3
    to = {"to": NEW_MODEL[:12], "people": 2}
    moving = [to | {"moved": 0, "waiting": ["alice", "bob"]}, to | {"moved": 1, "waiting": ["bob"]}]
    assert told == [None, *moving, None]
    assert run.err.count("beginning again with them") == 2

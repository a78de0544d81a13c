"""The whole of it: a daemon that owns the camera, and a second process that enrols who stands before it."""

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import pytest

TINY = Path(__file__).parents[1] / "fixtures" / "tiny-bundle"
PATIENCE_SECONDS = 120.0
"""Only a failure takes so long."""

PICTURES = 5000
"""The film goes on until the test has seen enough, however slow the machine is."""


@pytest.fixture
def settings(tmp_path, astronaut):
    """Film somebody who stands still, and write the settings that the daemon and the other commands share."""
    film = tmp_path / "film"
    film.mkdir()
    assert cv2.imwrite(str(film / "0000.png"), astronaut[..., ::-1])
    for number in range(1, PICTURES):
        (film / f"{number:04}.png").hardlink_to(film / "0000.png")
    path = tmp_path / "settings.toml"
    path.write_text(
        f'[camera]\nsource = "{film}"\n[recognition]\nmodel = "{TINY}"\n'
        f'[control]\nsocket = "{tmp_path / "control.sock"}"\n'
    )
    return path


def command(settings, home, *words):
    home.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    line = [sys.executable, "-m", "edgeface", "--config", str(settings), *words]
    return {"args": line, "env": environment | {"HOME": str(home)}, "text": True}


class Running:
    """A daemon, and the events that it has printed."""

    def __init__(self, settings, home, log):
        self.log = log
        with log.open("w") as errors:
            words = command(settings, home, "run", "--daemon", "--json")
            self.process = subprocess.Popen(**words, stdout=subprocess.PIPE, stderr=errors)
        self._events = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._events.put(json.loads(line))

    def wait_for(self, **wanted):
        """Return the next event that is like this one."""
        while True:
            try:
                event = self._events.get(timeout=PATIENCE_SECONDS)
            except queue.Empty:
                pytest.fail(f"no event {wanted}: {self.log.read_text()}")
            if wanted.items() <= event.items():
                return event

    def end(self):
        self.process.terminate()
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join()
        self.process.stdout.close()
        return code


def test_who_is_enrolled_by_a_second_process_is_recognised_by_the_daemon(settings, tmp_path):
    def ask(*words):
        return subprocess.run(**command(settings, tmp_path / "caller", *words), capture_output=True, check=False)

    daemon = Running(settings, tmp_path / "daemon", tmp_path / "log")
    try:
        daemon.wait_for(kind="arrived", name=None)
        enrolled = ask("enroll", "--name", "eileen", "--camera", "--seconds", "2")
        assert enrolled.returncode == 0, enrolled.stderr
        assert enrolled.stdout.endswith("enrolled eileen: 1 added, 1 look in all\n")
        assert "looking at the daemon's camera for 2 s\n" in enrolled.stderr
        daemon.wait_for(kind="arrived", name="eileen")
        assert ask("list").stdout.startswith("eileen  1 look, since ")
    finally:
        code = daemon.end()
    assert code == 0, daemon.log.read_text()
    assert not (tmp_path / "control.sock").exists()
    assert not list((tmp_path / "caller").iterdir())
    assert "enrolled eileen" in daemon.log.read_text()

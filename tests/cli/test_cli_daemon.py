"""The whole of it: a daemon that owns a live camera, and a second process that enrols who stands before it."""

import http.server
import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

TINY = Path(__file__).parents[1] / "fixtures" / "tiny-bundle"
PATIENCE_SECONDS = 120.0
"""Only a failure takes so long."""

FRAME_SECONDS = 0.1
PART = "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n"


@contextmanager
def streaming(image):
    """Film somebody who stands still, with the noise of a sensor, and serve it as a camera on the network does."""
    noise = np.random.default_rng(5)
    noisy = [np.clip(image[..., ::-1] + noise.normal(0, 4, image.shape), 0, 255).astype(np.uint8) for _ in range(4)]
    pictures = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in noisy]
    ended = threading.Event()

    class Film(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            number = 0
            try:
                while not ended.wait(FRAME_SECONDS):
                    picture = pictures[number % len(pictures)]
                    self.wfile.write(PART.format(len(picture)).encode() + picture + b"\r\n")
                    number += 1
            except OSError:
                return  # the daemon went away

        def log_message(self, format, *arguments):
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Film)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/video.mjpg"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def settings(tmp_path, astronaut):
    """Write the settings that the daemon and the other commands share."""
    with streaming(astronaut) as address:
        path = tmp_path / "settings.toml"
        path.write_text(
            f'[camera]\nsource = "{address}"\n[recognition]\nmodel = "{TINY}"\n'
            f'[control]\nsocket = "{tmp_path / "control.sock"}"\n[presence]\npatience_seconds = 600\n'
        )
        yield path


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

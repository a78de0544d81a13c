"""The commands that ask a daemon, and the daemon that answers."""

import json
import signal
import socket
import stat
import threading
from pathlib import Path

import cv2
import pytest

from edgeface import wiring_cameras
from edgeface.app.control import Control
from edgeface.app.status import CameraStatus
from edgeface.cli import places
from edgeface.cli.reload import Reloader
from edgeface.config import Config
from edgeface.drivers.control_client import ControlClient
from edgeface.drivers.control_server import ControlServer
from edgeface.errors import ConfigError, ControlError, EdgefaceError
from tests.app.daemon import STATUS, FakePowers, no_rest
from tests.cli.test_cli_help import GOLDENS, compare, shape
from tests.fakes import BLUE, PINKISH, RED, PaintedCamera, Square, paint


@pytest.fixture(autouse=True)
def world(painted, monkeypatch, tmp_path):
    """All of it is painted, and no daemon of this machine is asked."""
    monkeypatch.setattr(places, "SERVICE_SOCKET", tmp_path / "service.sock")
    monkeypatch.setattr("edgeface.cli.control.SERVICE_SOCKET", tmp_path / "service.sock")


@pytest.fixture
def daemon(tmp_path):
    """Serve a painted daemon where edgeface.service would; its camera shows a picture for as long as the test takes."""
    from edgeface.app.window import Window
    from edgeface.drivers.photos import jpeg_of

    window, powers, ended = Window(lambda: 0.0, no_rest), FakePowers(), threading.Event()
    powers.jpeg = jpeg_of
    powers.pictures = [paint(Square(BLUE))] * 10**6

    def loop():
        for _ in window.over(PaintedCamera(powers.pictures)).frames():
            if ended.wait(0.002):
                break

    with ControlServer(tmp_path / "service.sock", Control(window, powers)):
        thread = threading.Thread(target=loop)
        powers.film = thread.start
        yield powers
        ended.set()
        window.end()
    if thread.ident:
        thread.join()


def test_status_says_how_the_daemon_is(cli, daemon):
    assert cli("status").out.splitlines() == [
        "edgeface 1.2.3: up 0:01:01, 15 frames a second",
        "camera rtsp://door: faulty since 2023-11-14T22:13:20Z: no picture comes from door",
        "people: 2 in /state/gallery.db",
        "model: colour int8 0123456789ab",
        "last event: alice arrived at 2023-11-14T22:13:20Z",
        "sink mqtt broker: 1 waiting, 20 delivered, 3 failed, 4 dropped",
    ]


def test_status_of_a_recording_that_has_just_begun(cli, daemon):
    from dataclasses import replace

    film = CameraStatus("clip.mp4", "ok", None, "", None)
    daemon.status = lambda: replace(STATUS, frames_per_second=None, cameras=[film], last_event=None, sinks=[])
    assert cli("status").out.splitlines()[:2] == [
        "edgeface 1.2.3: up 0:01:01, counting frames",
        "camera clip.mp4: ok",
    ]


def test_the_shapes_of_json_are_the_promised_ones(cli, daemon):
    daemon.film()
    lines = []
    for words in ("status", "reload", "snapshot now.jpg", "enroll --name carol --camera", "list", "forget alice"):
        ended = cli(*words.split(), "--json")
        assert ended.code == 0, ended.err
        lines += [f"$ edgeface {words} --json", *(json.dumps(shape(found)) for found in ended.objects)]
    compare(GOLDENS / "json-control.txt", "\n".join(lines) + "\n")


def test_a_snapshot_shows_what_the_camera_sees_to_its_owner_alone(cli, daemon, tmp_path):
    daemon.film()
    before = tmp_path / "now.jpg"
    before.write_text("an older one")
    before.chmod(0o644)
    assert cli("snapshot", "now.jpg").out == "now.jpg: 520x180\n"
    assert stat.S_IMODE(before.stat().st_mode) == 0o600
    blue, _, red = cv2.imread(str(before))[116, 156]
    assert (blue > 180, red < 90) == (True, True)


@pytest.mark.parametrize(("name", "code"), [("now.png", 2), ("nowhere/now.jpg", 3)])
def test_a_snapshot_that_cannot_be_written_is_one_line(cli, daemon, name, code):
    daemon.film()
    ended = cli("snapshot", name)
    assert (ended.code, ended.out, "Traceback" in ended.err) == (code, "", False)


def test_enroll_through_the_daemon_tells_and_refuses_as_without_it(cli, daemon):
    daemon.film()
    enrolled = cli("enroll", "--name", "carol", "--camera")
    assert (enrolled.code, enrolled.err) == (0, "looking at the daemon's camera for 0.5 s\ncamera: good, hold still\n")
    assert enrolled.out == "camera: quality 1.00, face 112 px wide\nenrolled carol: 1 added, 1 look in all\n"
    refused = cli("enroll", "--name", "dora", "--camera", "--seconds", "0.3")
    assert refused.code == 5
    assert "looks like carol, who is enrolled already (similarity 1.00, the limit is 0.80)" in refused.err
    assert cli("enroll", "--name", "dora", "--camera", "--force", "--seconds", "0.3").code == 0


def test_enroll_from_photos_or_a_source_needs_no_daemon(cli, daemon, picture):
    picture("clip/1.png", Square(RED))
    assert cli("enroll", "--name", "alice", "--camera", "clip").code == 0
    assert cli("enroll", "--name", "alice", picture("red.png", Square(RED))).code == 0
    assert len(daemon.people_known.looks) == 2
    assert "takes neither photos nor a source" in cli("enroll", "--name", "a", "x.png", "--socket", "s").err


def test_the_usual_gallery_is_asked_of_the_daemon_only_where_it_cannot_be_read(cli, daemon, picture):
    assert cli("list").out.startswith("alice  1 look, since 2023-11-14T22:13:20Z\nbob")
    plain = "/state/backups/gallery-20261124T030000Z.db is not encrypted or cannot be read, and may still hold alice\n"
    assert cli("forget", "alice").err.startswith(plain)
    assert cli("forget", "alise").code == 7
    assert cli("enroll", "--name", "mine", picture("red.png", Square(RED))).code == 0
    assert cli("list").out.startswith("mine  1 look")
    assert cli("list", "--socket", "service.sock").out.startswith("alice")
    assert cli("forget", "mine").out.startswith("forgot mine: 1 look deleted\nentry ")


def test_a_gallery_that_is_named_is_never_confused_with_the_daemon_s(cli, daemon):
    assert cli("list", "--gallery", "mine.db").out == ""
    for command in (["list"], ["enroll", "--name", "carol", "--camera"]):
        refused = cli(*command, "--gallery", "mine.db", "--socket", "service.sock")
        assert refused.code == 9
        assert "the daemon's gallery is /state/gallery.db, not " in refused.err


@pytest.mark.parametrize("command", ["status", "reload", "snapshot x.jpg"])
def test_where_no_daemon_listens_is_one_line_and_a_code_of_its_own(cli, tmp_path, command):
    ended = cli(*command.split())
    assert (ended.code, ended.out) == (9, "")
    assert ended.err.splitlines()[0] == f"edgeface: no daemon listens at {tmp_path / 'service.sock'}"
    assert "--daemon" in ended.err


@pytest.mark.parametrize("command", ["list", "forget alice", "enroll --name alice --camera"])
def test_a_socket_that_is_named_must_be_served_but_the_usual_one_need_not(cli, command, picture):
    assert cli(*command.split(), "--socket", "none.sock").code == 9
    picture("clip/1.png", Square(RED))
    assert cli("-o", "camera.source=clip", *command.split()).code in (0, 7)


def test_settings_name_the_socket(cli, tmp_path):
    ended = cli("-o", "control.socket=elsewhere.sock", "status")
    assert "no daemon listens at elsewhere.sock" in ended.err


def test_a_group_that_does_not_exist_is_a_wrong_setting(cli, picture):
    picture("clip/1.png", Square(RED))
    options = ["-o", "control.socket=s", "-o", "control.group=no such group"]
    ended = cli("run", "--daemon", "--camera", "clip", *options)
    assert ended.code == 2
    assert "control.group is 'no such group', but there is no such group" in ended.err


class Asking(PaintedCamera):
    """Shows alice until somebody in another thread has asked the daemon all they wanted."""

    name, fps = "film", 10.0

    def __init__(self, ask):
        super().__init__([paint(Square(RED))] * 10**6)
        self.ask = ask

    def frames(self):
        thread = threading.Thread(target=self.ask)
        thread.start()
        for frame in super().frames():
            yield frame
            thread.join(0.01)
            if not thread.is_alive():
                return


def asking(answers, path, *requests):
    def ask():
        for request in requests:
            with ControlClient(Path(path)) as client:
                try:
                    answers.append(client.ask(request))
                except EdgefaceError as error:
                    answers.append(error)

    return ask


def test_a_daemon_answers_between_its_frames(cli, monkeypatch, tmp_path, picture):
    cli("enroll", "--name", "rose", picture("pink.png", Square(PINKISH)))
    answers = []
    requests = {"ask": "status"}, {"ask": "list"}, {"ask": "snapshot"}, {"ask": "reload"}, {"ask": "dance"}
    ask = asking(answers, "s", *requests, {"ask": "forget", "name": "rose"})
    monkeypatch.setattr(wiring_cameras, "make_camera", lambda config: Asking(ask))
    (tmp_path / "sinks.toml").write_text('[[sink]]\nkind = "file"\npath = "events.jsonl"\n')
    options = ["--config", "sinks.toml", "-o", "control.socket=s", "--camera", "film.mp4"]
    assert cli("run", "--daemon", "--json", *options).code == 0
    status, listed, snapshot, reload, dance, forgotten = answers
    gallery = str(tmp_path / "home/.local/state/edgeface/gallery.db")
    assert (status["people"], status["gallery"], status["model"][:11]) == (1, gallery, "colour int8")
    assert status["cameras"] == [{"name": "film", "state": "ok", "reason": None, "detail": "", "since": None}]
    assert status["sinks"][0]["name"] == "file events.jsonl"
    assert [person["name"] for person in listed["people"]] == ["rose"]
    assert (snapshot["width"], reload, forgotten["looks_removed"]) == (520, {"changed": False}, 1)
    assert isinstance(dance, ConfigError)
    assert not Path("s").exists()


def test_a_reload_that_is_asked_for_says_what_is_wrong(cli, monkeypatch, tmp_path):
    settings, answers = tmp_path / "settings.toml", []
    settings.write_text("")
    cameras = []

    def ask():
        for text in ("[presence]\npatience = 3\n", '[gallery]\npath = "settings.toml"\n', "[presence]\n"):
            settings.write_text(text)
            asking(answers, "s", {"ask": "reload"})()
        settings.write_text('[presence]\npatience_seconds = 3\n[control]\ngroup = "other"\n')
        asking(answers, "s", {"ask": "reload"})()

    def make_camera(config):
        cameras.append(Asking(ask) if not cameras else PaintedCamera([paint(Square(RED))] * 3))
        cameras[-1].name, cameras[-1].fps = "film", 10.0
        return cameras[-1]

    monkeypatch.setattr(wiring_cameras, "make_camera", make_camera)
    ended = cli("run", "--daemon", "--camera", "film.mp4", "--config", settings, "-o", "control.socket=s")
    assert ended.code == 0
    wrong, unfit, same, changed = answers
    assert "did you mean presence.patience_seconds?" in wrong.hint
    assert "settings.toml is not a gallery" in str(unfit)
    assert (same, changed) == ({"changed": False}, {"changed": True})
    assert "control.socket and control.group stay as they were" in ended.err
    assert len(cameras) == 2


def test_without_the_setting_or_the_daemon_nothing_listens(cli, picture, tmp_path):
    picture("clip/1.png", Square(RED))
    assert cli("run", "--camera", "clip", "-o", "control.socket=/none/of/this").code == 0
    assert cli("run", "--daemon", "--camera", "clip").code == 0
    refused = cli("run", "--daemon", "--camera", "clip", "-o", "control.socket=/none/of/this")
    assert (refused.code, "control.socket" in refused.err) == (2, True)


def test_who_waits_for_a_reload_hears_that_the_daemon_ended():
    reloader = Reloader(Config(), Config, lambda config: None)
    waiting = reloader.request()
    reloader.end()
    with pytest.raises(ControlError, match="ended before it read its settings"):
        waiting.result(0)
    assert not reloader.changed()


def test_sigterm_during_an_enrolment_ends_the_daemon_cleanly(cli, monkeypatch, tmp_path):
    told, answers = threading.Event(), []

    def ask():
        with ControlClient(Path("s")) as client:
            try:
                client.ask({"ask": "enroll", "name": "carol", "seconds": 600}, tell=lambda text: told.set())
            except ControlError as error:
                answers.append(error.message)

    class Ended(Asking):
        def frames(self):
            for frame in super().frames():
                if told.is_set():
                    signal.raise_signal(signal.SIGTERM)
                yield frame

    camera = Ended(ask)
    monkeypatch.setattr(wiring_cameras, "make_camera", lambda config: camera)
    ended = cli("run", "--daemon", "--camera", "film.mp4", "-o", "control.socket=s")
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    assert answers == ["the daemon ended meanwhile"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("control")]


def test_a_stale_socket_is_no_daemon(cli):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind("service.sock")
    assert cli("status").code == 9

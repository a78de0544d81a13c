"""identify and run."""

import os
import signal
import socket

import cv2
import pytest

from edgeface import wiring_cameras
from tests import fakes
from tests.fakes import BLUE, GREEN, RED, ColourEmbedder, PaintedCamera, Square, paint


@pytest.fixture(autouse=True)
def world(painted, cli, picture):
    """Alice is red and Bob is green."""
    for name, colour in (("alice", RED), ("bob", GREEN)):
        assert cli("enroll", "--name", name, picture(f"{name}.png", Square(colour))).code == 0


@pytest.fixture
def clip(picture):
    """Somebody comes and goes, at one picture a second."""

    def write(*squares, frames):
        for number in range(frames):
            picture(f"clip/{number:02}.png", *squares)
        return "clip"

    return write


def test_every_face_of_a_photo_is_named_or_unknown(cli, picture):
    party = picture("party.png", Square(RED, size=120), Square(BLUE, left=300))
    identified = cli("identify", party)
    assert identified.code == 0
    first, second = identified.out.splitlines()
    assert first.startswith("party.png: alice  similarity 1.00, next -0.3")
    assert first.endswith("120x120 at 100,60")
    assert second.startswith("party.png: unknown  similarity ")


def test_where_nobody_else_is_there_to_compare_with_that_is_said(cli):
    assert cli("forget", "bob").code == 0
    assert "alice  similarity 1.00, nobody else to compare with  112x112" in cli("identify", "alice.png").out
    assert cli("forget", "alice").code == 0
    assert "unknown  nobody to compare with  112x112" in cli("identify", "alice.png").out


def test_a_photo_without_a_face_says_so_and_the_others_go_on(cli, picture, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"broken")
    empty, bob = picture("empty.png"), picture("bob2.png", Square(GREEN, left=200))
    identified = cli("identify", empty, "broken.jpg", bob, "--json")
    assert identified.code == 0
    assert [found["problem"] for found in identified.objects] == [
        "empty.png: no face found",
        "broken.jpg is not a picture that edgeface reads",
        None,
    ]
    assert [face["name"] for face in identified.objects[2]["faces"]] == ["bob"]


def test_when_no_photo_has_a_face_the_exit_code_is_5(cli, picture):
    identified = cli("identify", picture("empty.png"))
    assert (identified.code, identified.out) == (5, "empty.png: no face found\n")
    assert "no face found in 1 photo\n" in identified.err


def test_the_threshold_is_that_of_the_card_for_the_rate_asked_unless_it_is_set(cli, picture):
    orange = picture("orange.png", Square((220, 122, 40)))

    def name(*options):
        [found] = cli("identify", orange, "--json", *options).objects
        return found["faces"][0]["name"], found["faces"][0]["similarity"]

    assert name() == ("alice", pytest.approx(0.85, abs=0.04))
    assert name("-o", "recognition.threshold=0.95")[0] is None
    assert name("-o", "recognition.far=0.01")[0] == "alice"
    assert cli("identify", orange, "-o", "recognition.far=0.5").code == 4


def test_who_arrives_and_leaves_is_printed_as_text(cli, clip):
    ended = cli("run", "--camera", clip(Square(RED), frames=5))
    assert ended.code == 0
    told = [line.split("  ")[1] for line in ended.out.splitlines()]
    assert told == ["alice arrived (1.00)", "alice left (1.00)"]
    assert "5 frames in 4.0 s of clip: 2 events" in ended.err


def test_events_are_json_lines(cli, clip):
    arrived, left = cli("run", "--camera", clip(Square(RED), frames=5), "--json").objects
    assert (arrived["kind"], arrived["name"], arrived["track"]) == ("arrived", "alice", 1)
    assert (left["kind"], left["name"]) == ("left", "alice")
    assert arrived["visit"] == left["visit"] and len(arrived["visit"]) == 12
    assert arrived["at"].endswith("Z") and arrived["at"] < left["at"]


def test_a_stranger_gets_no_name(cli, clip):
    events = cli("run", "--camera", clip(Square(BLUE), frames=6), "--json").objects
    assert [(event["kind"], event["name"]) for event in events] == [("arrived", None), ("left", None)]


def test_before_anybody_is_enrolled_everybody_is_unknown(cli, clip):
    source = clip(Square(RED), frames=6)
    ended = cli("run", "--camera", source, "--gallery", "new.db", "--json")
    assert [event["name"] for event in ended.objects] == [None, None]


def test_a_gallery_of_another_model_is_refused_at_once(cli, clip, monkeypatch):
    monkeypatch.setattr(ColourEmbedder, "model", "another")
    monkeypatch.setattr(fakes, "MODEL", "another")
    ended = cli("run", "--camera", clip(frames=1))
    assert ended.code == 4
    assert "was made with model" in ended.err


def test_a_name_that_no_terminal_can_show_is_no_reason_to_end(cli, picture):
    name = os.fsdecode(b"caf\xe9.png")
    picture("plain.png", Square(RED)).rename(name)
    assert cli("identify", name, "--json").objects[0]["faces"][0]["name"] == "alice"


def test_a_duty_examines_every_nth_frame(cli, clip):
    ended = cli("run", "--camera", clip(Square(RED), frames=9), "-o", "recognition.every=3")
    assert "3 frames in 6.0 s" in ended.err


def test_the_annotated_video_shows_every_frame_at_its_pace(cli, clip, tmp_path):
    assert cli("run", "--camera", clip(Square(RED), frames=5), "--annotate", "out.mp4").code == 0
    film = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert film.get(cv2.CAP_PROP_FPS) == 1
    film.release()


def test_a_video_that_cannot_be_written_is_refused_before_the_watch(cli, clip):
    ended = cli("run", "--camera", clip(Square(RED), frames=5), "--annotate", "out.gif")
    assert (ended.code, ended.out) == (3, "")


class Interrupted(PaintedCamera):
    """Is interrupted after its pictures, as by Ctrl-C or a signal."""

    name, fps = "camera", 10.0

    def __init__(self, pictures, interrupt):
        super().__init__(pictures)
        self.interrupt = interrupt

    def frames(self):
        yield from super().frames()
        self.interrupt()


def ctrl_c():
    raise KeyboardInterrupt


def sigterm():
    signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize(("interrupt", "code"), [(ctrl_c, 130), (sigterm, 0)])
def test_an_interrupted_watch_ends_cleanly(cli, monkeypatch, interrupt, code):
    camera = Interrupted([paint(Square(RED))] * 5, interrupt)
    monkeypatch.setattr(wiring_cameras, "make_camera", lambda config: camera)
    ended = cli("run", "--camera", "film.mp4", "--json")
    assert ended.code == code
    assert [event["kind"] for event in ended.objects] == ["arrived", "left"]
    assert "Traceback" not in ended.err
    assert camera.closed


class Reloading(PaintedCamera):
    """Shows alice, and after some pictures changes the settings and asks for them to be read."""

    name, fps = "film", 10.0

    def __init__(self, settings, text):
        super().__init__([paint(Square(RED))] * 8)
        self.settings, self.text = settings, text

    def frames(self):
        for number, frame in enumerate(super().frames()):
            if number == 5:
                self.settings.write_text(self.text)
                signal.raise_signal(signal.SIGHUP)
            yield frame


@pytest.mark.parametrize(
    ("text", "visits", "told"),
    [
        ("[presence]\npatience_seconds = 3\n", 2, "the settings changed"),
        ("[presence]\n", 1, "8 frames"),
        ("[presence]\npatience = 3\n", 1, "did you mean presence.patience_seconds?"),
        ('[gallery]\npath = "settings.toml"\n', 1, "settings.toml is not a gallery"),
        ('[[sink]]\nkind = "mqtt"\nhost = "broker..lan"\n', 1, "'broker..lan' is no name of a host"),
        ('[[sink]]\nkind = "webhook"\nurl = "https://a.example"\nsecret_file = "none"\n', 1, "none"),
        ('[[sink]]\nkind = "relay"\npin = 17\npeople = ["alice"]\ndry_run = false\n', 1, "threshold"),
    ],
)
def test_sighup_reads_the_settings_again_and_wrong_ones_change_nothing(cli, monkeypatch, tmp_path, text, visits, told):
    settings = tmp_path / "settings.toml"
    settings.write_text("")
    monkeypatch.setattr(wiring_cameras, "make_camera", lambda config: Reloading(settings, text))
    ended = cli("run", "--daemon", "--camera", "film.mp4", "--config", settings, "--json")
    assert ended.code == 0
    assert [event["kind"] for event in ended.objects] == ["arrived", "left"] * visits
    assert told in ended.err


def test_the_service_manager_hears_of_start_life_and_end(cli, clip, monkeypatch, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert cli("run", "--daemon", "--camera", clip(Square(RED), frames=3)).code == 0
        said = list(iter(lambda: manager.recv(100), b"STOPPING=1"))
    assert said[:3] == [b"READY=1", b"WATCHDOG=1", b"STATUS=camera ok"]
    assert set(said[3:]) <= {b"WATCHDOG=1"}  # where the run takes more than a second


def test_events_go_to_the_configured_sinks_too(cli, painted, picture, tmp_path):
    cli("enroll", "--name", "alice", picture("red.png", Square(RED)))
    for number in range(5):
        picture(f"clip/{number}.png", Square(RED))
    (tmp_path / "sinks.toml").write_text('[[sink]]\nkind = "file"\npath = "events.jsonl"\n')
    ended = cli("run", "--camera", "clip", "--json", "--config", "sinks.toml")
    assert ended.code == 0
    assert [event["kind"] for event in ended.objects] == ["arrived", "left"]
    assert (tmp_path / "events.jsonl").read_text() == ended.out


def test_a_dead_sink_does_not_end_a_run(cli, painted, picture, tmp_path):
    picture("clip/1.png", Square(RED))
    for number in range(5):
        picture(f"clip/{number}.png", Square(RED))
    (tmp_path / "sinks.toml").write_text('[[sink]]\nkind = "file"\npath = "nowhere/events.jsonl"\n')
    ended = cli("run", "--camera", "clip", "--json", "--config", "sinks.toml")
    assert (ended.code, len(ended.objects)) == (0, 2)
    assert "sink file nowhere/events.jsonl: 1 event lost: events cannot be written" in ended.err

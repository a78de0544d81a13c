"""liveness test, on painted people and on attacks with a real photograph."""

import json

import pytest

from edgeface import wiring, wiring_cameras, wiring_sightings
from edgeface.config import load
from edgeface.drivers.detectors.yunet import YuNet
from tests.app.test_liveness import living, still, turning
from tests.attacks import write
from tests.cli.test_cli_help import GOLDENS, compare, shape
from tests.fakes import GREEN, RED, PaintedCamera, Square


@pytest.fixture
def films(painted, monkeypatch, tmp_path):
    """Films of painted people, known by the names of their files."""
    shown = {}

    def make(name, pictures):
        shown[str(name)] = pictures
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"film")
        return name

    monkeypatch.setattr(wiring_cameras, "make_camera", lambda config: PaintedCamera(shown[config.camera.source]))
    return make


def test_refusals_and_accepts_are_counted_with_their_intervals(cli, films):
    for number in range(3):
        films(f"me/{number}.mp4", living(RED, 5))
    films("print/a.mp4", still(GREEN, 5))
    films("print/b.mp4", living(GREEN, 5))
    phone = films("c.mkv", still(RED, 1))
    given = ("--genuine", "me", "--attack", "print", "--attack", f"phone={phone}")
    tested = cli("liveness", "test", *given, "--json")
    assert tested.code == 0, tested.err
    shapes = [json.dumps(shape(told)) for told in tested.objects]
    command = f"$ edgeface liveness test {' '.join(given)} --json"
    compare(GOLDENS / "json-liveness.txt", "\n".join([command, *shapes]) + "\n")
    me, prints, phones = tested.objects
    assert (me["kind"], me["counted"], me["count"], me["trials"]) == ("living", "false rejects", 0, 3)
    assert (me["low"], me["high"]) == (0.0, 0.5615)
    assert (prints["kind"], prints["counted"], prints["count"], prints["rate"]) == ("print", "accepts", 1, 0.5)
    assert (phones["trials"], phones["rate"], phones["low"], phones["too_short"]) == (0, None, None, 1)
    lines = cli("liveness", "test", *given).out.splitlines()
    assert lines[0] == "living          false rejects     0 of    3    0.0%  (95 % interval 0.0% to 56.1%)"
    assert lines[2] == "phone           no trial, 1 too short to judge"


def test_at_the_camera_each_kind_is_asked_for_and_may_be_left_out(cli, films, monkeypatch):
    films("0", turning(30, -30))
    answers = iter(["", "", "", "s", "s"])
    monkeypatch.setattr("typer.prompt", lambda text, **options: next(answers))
    sides = iter(("left", "right", "right", "right", "left", "right") * 20)
    monkeypatch.setattr(wiring_sightings, "draw_turn", lambda: next(sides))
    tested = cli("liveness", "test", "--trials", "2", "--json", "-o", "liveness.least_relief=0.02")
    assert [(found["kind"], found["count"], found["trials"]) for found in tested.objects] == [
        ("living", 1, 2),
        ("print", 1, 1),
    ]
    assert "turn your head: left, right" in tested.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--genuine", "empty"], "folder empty holds no film"),
        (["--attack", "living=a.mp4"], "'living' is no kind of attack"),
        (["--genuine", "a.mp4", "--camera", "0"], "films and --camera are both given"),
    ],
)
def test_what_cannot_be_measured_is_said(cli, painted, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    ended = cli("liveness", "test", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


def test_a_photograph_held_still_or_shaken_before_a_real_camera_is_not_alive(cli, astronaut, tmp_path):
    for kind in ("print-still", "print-shaken"):
        (tmp_path / kind).mkdir()
        write(tmp_path / kind / "a.mp4", astronaut, kind, fps=10)
    tested = cli("liveness", "test", "--attack", "print-still", "--attack", "print-shaken", "--json")
    assert [(found["kind"], found["count"], found["trials"]) for found in tested.objects] == [
        ("print-still", 0, 1),
        ("print-shaken", 0, 1),
    ]


def test_run_tells_no_name_of_a_still_picture_where_liveness_is_required(cli, painted, picture):
    assert cli("enroll", "--name", "alice", picture("alice.png", Square(RED))).code == 0
    for number in range(8):
        picture(f"clip/{number}.png", Square(RED))
    watched = cli("run", "--camera", "clip", "-o", "liveness.mode=require", "--json")
    assert {event["kind"] for event in watched.objects} == {"unproven"}
    assert watched.objects[0]["state"] == "asked" and len(watched.objects[0]["turns"]) == 2
    assert watched.objects[-1]["state"] == "failed"
    assert "alice" not in watched.out
    logged = cli("run", "--camera", "clip", "-o", "liveness.mode=log", "--json").objects
    assert [(event["name"], event["liveness"]) for event in logged] == [("alice", "unproven")] * 2
    assert "liveness" not in cli("run", "--camera", "clip", "--json").out


def test_where_liveness_is_looked_for_faces_are_searched_closely_and_where_it_is_required_looked_at_often():
    off, log, require = (load(overrides=[f"liveness.mode={mode}"]) for mode in ("off", "log", "require"))
    assert wiring_sightings.make_prover(off) is None
    assert wiring.make_coarse(log, YuNet()) is None and wiring.make_coarse(off, YuNet()) is not None
    assert [wiring.reverify_seconds(config) for config in (off, log, require)] == [1.0, 1.0, 0.25]

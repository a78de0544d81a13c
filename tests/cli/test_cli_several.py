"""Several cameras in one `edgeface run`: each by its name, together or alone."""

import json

import pytest

from edgeface import wiring_cameras
from tests.fakes import GREEN, RED, PaintedCamera, Square, paint

ALICE, BOB, NOBODY = paint(Square(RED)), paint(Square(GREEN)), paint()


@pytest.fixture
def settings(painted, cli, picture, monkeypatch, tmp_path):
    """Alice is enrolled; Alice stands at the door, and somebody unknown in the yard."""
    films = {"door": [NOBODY, *[ALICE] * 8], "yard": [NOBODY, *[BOB] * 12]}

    def make_camera(config):
        camera = PaintedCamera(films[config.camera.source])
        camera.name, camera.fps, camera.pace = config.camera.source, 10.0, lambda seconds: None
        return camera

    monkeypatch.setattr(wiring_cameras, "make_camera", make_camera)
    assert cli("enroll", "--name", "alice", picture("alice.png", Square(RED))).code == 0
    path = tmp_path / "several.toml"
    path.write_text("".join(f'[[cameras]]\nname = "{name}"\nsource = "{name}"\n' for name in films))
    return path


def events(result):
    return [json.loads(line) for line in result.out.splitlines()]


def test_each_event_bears_the_name_of_its_camera(cli, settings):
    result = cli("run", "--json", "--config", settings)
    said = {(event["camera"], event["kind"], event["name"]) for event in events(result)}
    assert said == {
        ("door", "arrived", "alice"),
        ("door", "left", "alice"),
        ("yard", "arrived", None),
        ("yard", "left", None),
    }
    assert "9 frames in 0.8 s of door: 2 events" in result.err
    assert "13 frames in 1.2 s of yard: 2 events" in result.err


def test_people_read_where_somebody_is(cli, settings):
    assert "alice arrived at camera door (1.00)" in cli("run", "--config", settings).out


def test_one_of_them_alone_is_chosen_by_its_name(cli, settings):
    found = events(cli("run", "--json", "--config", settings, "--camera", "door"))
    assert [(event["kind"], event["name"]) for event in found] == [("arrived", "alice"), ("left", "alice")]
    assert "camera" not in found[0]


def test_a_film_is_of_one_camera(cli, settings, tmp_path):
    result = cli("run", "--config", settings, "--annotate", tmp_path / "film.mp4")
    assert result.code == 2
    assert "--annotate draws one camera" in result.err
    assert "--camera NAME" in result.err


def test_the_status_and_mqtt_names_are_those_of_the_settings(settings):
    from edgeface.config import load

    config = load([settings])
    assert list(wiring_cameras.camera_configs(config)) == ["door", "yard"]
    assert {name: own.camera.source for name, own in wiring_cameras.camera_configs(config).items()} == {
        "door": "door",
        "yard": "yard",
    }
    assert wiring_cameras.camera_configs(load()) == {"": load()}


def test_the_doctor_looks_at_each(cli, settings):
    found = cli("doctor", "--json", "--config", settings).objects
    [camera] = [check for check in found if check["check"] == "camera"]
    assert camera["ok"]
    assert camera["found"] == "door: door, 520x180; yard: yard, 520x180"

"""enroll, list and forget."""

import pytest

from tests.fakes import GREEN, PINKISH, RED, Square


@pytest.fixture(autouse=True)
def world(painted):
    """All of it is painted."""


def test_who_is_enrolled_is_listed_and_can_be_forgotten(cli, picture):
    photos = picture("red.png", Square(RED)), picture("red2.png", Square(RED, size=80))
    enrolled = cli("enroll", "--name", "alice", *photos)
    assert enrolled.code == 0
    assert enrolled.out.endswith("enrolled alice: 2 added, 2 looks in all\n")
    assert cli("list").out.startswith("alice  2 looks, since 2")
    forgotten, logged = cli("forget", "alice").out.splitlines()
    assert forgotten == "forgot alice: 2 looks deleted"
    assert logged.startswith("entry 2 of the audit log, ")
    nobody = cli("list")
    assert (nobody.code, nobody.out) == (0, "")
    assert "nobody is enrolled in" in nobody.err


def test_before_anybody_is_enrolled_listing_makes_no_file(cli, tmp_path):
    assert cli("list", "--gallery", "g.db").code == 0
    assert not (tmp_path / "g.db").exists()


@pytest.mark.parametrize(
    ("squares", "reason"),
    [
        ([], "no face found"),
        ([Square(RED), Square(GREEN, left=300)], "2 faces found, exactly one is needed"),
        ([Square(RED, size=25)], "face is 25 px wide, at least"),
        ([Square(RED, light=0.2)], "too dark"),
        ([Square(RED, sharp=False)], "too blurred"),
        ([Square(RED, turned=True)], "turned away"),
    ],
)
def test_a_photo_is_refused_with_its_reason_and_nothing_is_stored(cli, picture, squares, reason):
    refused = cli("enroll", "--name", "alice", picture("good.png", Square(RED)), picture("bad.png", *squares))
    assert (refused.code, refused.out) == (5, "")
    assert f"edgeface: bad.png: {reason}" in refused.err
    assert "hint: " in refused.err
    assert cli("list").out == ""


def test_a_refused_first_enrolment_leaves_no_gallery(cli, picture, tmp_path):
    refused = cli("enroll", "--gallery", "state/g.db", "--name", "alice", picture("bad.png"))
    assert refused.code == 5
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture_is_refused(cli, tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    refused = cli("enroll", "--name", "alice", "x.png")
    assert refused.code == 5
    assert refused.err.startswith("edgeface: x.png ")


def test_a_face_like_somebody_elses_needs_force(cli, picture):
    assert cli("enroll", "--name", "alice", picture("red.png", Square(RED))).code == 0
    pink = picture("pink.png", Square(PINKISH))
    refused = cli("enroll", "--name", "bob", pink)
    assert refused.code == 5
    assert "looks like alice, who is enrolled already (similarity 0.9" in refused.err
    assert cli("enroll", "--name", "bob", pink, "--force").code == 0


def test_a_name_is_stripped_before_it_is_compared(cli, picture):
    red = picture("red.png", Square(RED))
    assert cli("enroll", "--name", "alice", red).code == 0
    assert cli("enroll", "--name", " alice ", red).code == 0
    assert [person["looks"] for person in cli("list", "--json").objects] == [2]


@pytest.mark.parametrize("name", ["", "  ", "a\nb"])
def test_an_impossible_name_is_a_mistake_of_the_command_line(cli, picture, name):
    assert cli("enroll", "--name", name, picture("red.png", Square(RED))).code == 2


def test_from_the_camera_the_best_look_is_taken(cli, picture):
    picture("clip/1.png")
    picture("clip/2.png", Square(RED, light=0.2))
    picture("clip/3.png", Square(RED))
    enrolled = cli("enroll", "--name", "alice", "--camera", "clip", "--json")
    assert enrolled.code == 0
    assert enrolled.objects[0]["added"] == [{"source": "camera", "quality": 1.0, "face_px": 112}]
    said = enrolled.err.splitlines()
    assert said[0] == "looking at clip for 10 s"
    assert said[1:] == ["camera: no face found", said[2], "camera: good, hold still"]
    assert said[2].startswith("camera: too dark")


def test_the_camera_of_the_settings_is_the_usual_one(cli, picture):
    picture("clip/1.png", Square(RED))
    assert cli("-o", "camera.source=clip", "enroll", "--name", "alice", "--camera").code == 0


def test_photos_or_a_camera_must_be_given(cli):
    assert "no photo is given" in cli("enroll", "--name", "alice").err
    assert "--camera takes one source, not 2" in cli("enroll", "--name", "a", "--camera", "x", "y").err


def test_somebody_unknown_cannot_be_forgotten_but_a_near_name_is_offered(cli, picture):
    cli("enroll", "--name", "alice", picture("red.png", Square(RED)))
    missing = cli("forget", "alise")
    assert missing.code == 7
    assert "did you mean 'alice'?" in missing.err

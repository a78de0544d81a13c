"""gallery verify, backup, restore and migrate."""

from pathlib import Path

import pytest

from edgeface.drivers.gallery_file import MIGRATIONS
from tests.drivers.test_gallery_upgrade import make_old
from tests.fakes import BLUE, GREEN, RED, Square


@pytest.fixture(autouse=True)
def world(painted, cli, picture):
    """Alice is enrolled."""
    assert cli("enroll", "--name", "alice", picture("red.png", Square(RED))).code == 0


@pytest.fixture
def enrol(cli, picture):
    """Enrol a square of a colour."""

    def run(name, colour):
        assert cli("enroll", "--name", name, picture(f"{name}.png", Square(colour))).code == 0

    return run


def backed_up(cli, *arguments):
    return cli("gallery", "backup", "--json", *arguments).objects[0]


def test_a_backup_is_made_beside_the_gallery_and_verified(cli, tmp_path):
    made = cli("gallery", "backup")
    assert made.code == 0
    path, said = made.out.strip().split(": ")
    assert said == "1 person, 1 look"
    assert Path(path).parent == tmp_path / "home" / ".local" / "state" / "edgeface" / "backups"
    whole = cli("gallery", "verify", path)
    assert whole.out.startswith(f"{path} is whole: 1 person, 1 look, schema {len(MIGRATIONS)}, model ")
    assert cli("gallery", "verify", "--json").objects[0]["people"] == 1


def test_rotation_keeps_the_newest(cli):
    made = [backed_up(cli, "usb", "--keep", "2") for _ in range(3)]
    assert made[2]["removed"] == [made[0]["backup"]]
    assert "removed 1 older" in cli("gallery", "backup", "usb", "--keep", "2").err
    assert len(list(Path("usb").iterdir())) == 2
    assert cli("gallery", "backup", "usb", "--keep", "0").code == 2


def test_restoring_names_who_is_back_and_keeps_what_was_there(cli, enrol):
    enrol("bob", GREEN)
    backup = backed_up(cli)["backup"]
    assert cli("forget", "bob").code == 0
    restored = cli("gallery", "restore", backup)
    assert (restored.code, restored.out) == (0, "restored 2 people, 2 looks\n")
    assert "back, or with more looks: bob" in restored.err
    assert "what the gallery held is kept in " in restored.err
    assert [person["name"] for person in cli("list", "--json").objects] == ["alice", "bob"]


def test_newer_looks_need_force(cli, enrol):
    backup = backed_up(cli)["backup"]
    enrol("carol", BLUE)
    refused = cli("gallery", "restore", backup)
    assert (refused.code, refused.out) == (7, "")
    assert "lacks: of carol" in refused.err
    forced = cli("gallery", "restore", backup, "--force", "--json")
    assert forced.objects[0]["lost"] == ["carol"]
    assert cli("gallery", "verify", forced.objects[0]["aside"], "--json").objects[0]["people"] == 2


def test_damage_is_one_line_and_the_way_back_is_named(cli, tmp_path):
    backup = backed_up(cli)["backup"]
    gallery = Path(backup).parents[1] / "gallery.db"
    gallery.write_bytes(gallery.read_bytes()[:5000])
    for command in (["verify"], ["backup"]):
        damaged = cli("gallery", *command)
        assert (damaged.code, damaged.out) == (7, "")
        assert "is damaged" in damaged.err
        assert "edgeface gallery restore" in damaged.err
    assert cli("gallery", "restore", backup).out == "restored 1 person, 1 look\n"
    assert cli("gallery", "verify").code == 0


def test_where_there_is_no_gallery_verify_and_backup_say_so(cli, tmp_path):
    for command in (["verify"], ["backup"], ["restore", "nowhere.db"]):
        missing = cli("gallery", *command, "--gallery", "none.db")
        assert missing.code == 7
        assert "there is no " in missing.err
    assert not Path("none.db").exists()


def test_an_older_gallery_is_brought_up_to_date(cli, tmp_path):
    newest = len(MIGRATIONS)
    make_old(tmp_path / "old.db")
    ended = cli("gallery", "migrate", "--gallery", "old.db")
    assert (ended.code, ended.out) == (0, f"old.db has schema {newest} now; it had 1\n")
    assert cli("gallery", "migrate", "--gallery", "old.db").out == f"old.db has schema {newest} already\n"
    again = cli("gallery", "migrate", "--gallery", "old.db", "--json").objects
    assert again == [{"file": "old.db", "schema_before": newest, "schema": newest}]
    missing = cli("gallery", "migrate", "--gallery", "none.db")
    assert (missing.code, "there is no gallery at none.db" in missing.err) == (7, True)
    assert not Path("none.db").exists()


def test_forgetting_reminds_of_the_backups_and_of_what_was_kept_aside(cli, enrol):
    old = backed_up(cli)["backup"]
    enrol("bob", GREEN)
    aside = cli("gallery", "restore", old, "--force", "--json").objects[0]["aside"]
    forgotten = cli("forget", "alice", "--json")
    assert forgotten.objects[0]["plain_copies"] == [aside, old]
    for copy in (aside, old):
        assert f"{copy} is not encrypted or cannot be read, and may still hold alice\n" in forgotten.err
    assert "`edgeface gallery backup FOLDER --keep 1`" in forgotten.err
    Path(aside).unlink()
    enrol("bob", GREEN)
    backed_up(cli, "--keep", "1")
    Path(old).unlink(missing_ok=True)
    [newest] = cli("forget", "bob", "--json").objects[0]["plain_copies"]
    assert newest != old
    Path(newest).unlink()
    enrol("cy", BLUE)
    quiet = cli("forget", "cy", "--json")
    assert (quiet.objects[0]["plain_copies"], quiet.err) == ([], "")


def test_pictures_are_kept_dropped_and_told_of(cli, painted, picture):
    keep = ("-o", "gallery.keep_chips=plain")
    red = picture("red.png", Square(RED))
    for name in ("alice", "bob"):
        assert cli("enroll", "--name", name, red, "--force", *keep).code == 0
    assert cli("gallery", "drop-chips", "bob").out == "deleted 1 picture\n"
    assert "kept again at the next enrolment" in cli("gallery", "drop-chips", "bob", *keep).err
    assert cli("gallery", "drop-chips", "eve").code == 7
    forgotten = cli("forget", "alice", "--json").objects[0]
    assert (forgotten["looks_removed"], forgotten["chips_removed"]) == (2, 1)
    assert cli("enroll", "--name", "alice", red, "--force", *keep).code == 0
    assert cli("forget", "alice").out.startswith("forgot alice: 1 look and 1 picture deleted\n")
    assert cli("gallery", "drop-chips", "--json").objects == [{"name": None, "chips_removed": 0}]

"""A new user with bad luck: each mishap is one clear line, the documented exit code, and nothing half-written."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import fill, make_read_only
from tests.fakes import GREEN, RED, Square

LONG = "x" * 300


@pytest.fixture(autouse=True)
def world(painted, cli, picture):
    """Alice is enrolled in g.db; red.png shows her, and so do the pictures in clip. green.png is somebody else."""
    picture("green.png", Square(GREEN))
    for name in ("red.png", "clip/1.png", "clip/2.png"):
        picture(name, Square(RED))
    assert cli("enroll", "--gallery", "g.db", "--name", "alice", "red.png").code == 0


def assert_refused(ended, code, says):
    """One line that says what and which, perhaps one more with a hint, and no result."""
    said, *hint = ended.err.splitlines()
    assert (ended.code, ended.out) == (code, "")
    assert said.startswith("edgeface: ")
    assert says in said
    assert len(hint) <= 1 and all(line.startswith("  hint: ") for line in hint)


def bmp(width, height):
    """A picture of a few bytes that says how large it is."""
    size = width.to_bytes(4, "little") + height.to_bytes(4, "little")
    return b"BM" + bytes(8) + b"\x36\0\0\0\x28\0\0\0" + size + b"\x01\0\x18\0" + bytes(24 + 99)


@pytest.mark.parametrize(
    ("photo", "content", "says"),
    [
        ("empty.jpg", b"", "empty.jpg is empty: 0 bytes"),
        ("text.jpg", b"milk, bread, eggs\n" * 99, "text.jpg is not a picture"),
        ("bomb.bmp", bmp(50_000, 50_000), "bomb.bmp is too large"),
        ("liar.bmp", bmp(5_000, 5_000), "liar.bmp is damaged"),
        ("clip", None, "clip is a folder, not a picture"),
        ("nowhere.jpg", None, "nowhere.jpg cannot be read: No such file"),
        (LONG, None, "cannot be read: File name too long"),
    ],
)
def test_a_hostile_photo_is_refused_and_changes_nothing(cli, tmp_path, photo, content, says):
    if content is not None:
        (tmp_path / photo).write_bytes(content)
    assert_refused(cli("enroll", "--gallery", "g.db", "--name", "bob", "green.png", photo), 5, says)
    assert [person["name"] for person in cli("list", "--gallery", "g.db", "--json").objects] == ["alice"]


def test_half_a_photo_is_refused(cli, tmp_path):
    whole = (tmp_path / "red.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    assert_refused(cli("enroll", "--name", "bob", "half.png"), 5, "half.png is damaged")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "a person's name is empty"),
        ("a\nb", "holds a control character: 'a\\nb'"),
        ("\u202eecila", "holds a control character"),
        ("x" * 101, "has 101 characters, 100 are allowed"),
    ],
)
def test_an_impossible_name_is_said_so_wherever_it_is_given(cli, name, says):
    for command in (["enroll", "--name", name, "red.png"], ["forget", name]):
        assert_refused(cli(*command, "--gallery", "g.db"), 2, says)


@pytest.mark.parametrize(
    "name", ["李小龙", "Zoë", "👩\u200d👧", "o'brien\"; DROP TABLE people;--", "--force", "..", "é" * 100]
)
def test_every_other_name_is_listed_as_it_was_given_and_forgotten_by_it(cli, name):
    assert cli("enroll", f"--name={name}", "--force", "red.png").code == 0
    assert [person["name"] for person in cli("list", "--json").objects] == [name]
    assert cli("forget", "--", name).code == 0
    assert cli("list").out == ""


def newer(path):
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO migrations VALUES (99, 0)")
    connection.close()


def cut(path):
    path.write_bytes(path.read_bytes()[:5000])


def text(path):
    path.write_text("this is no database\n" * 99)


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def folder(path):
    path.unlink()
    path.mkdir()


COMMANDS = {
    "list": [],
    "identify": ["red.png"],
    "enroll": ["--name", "bob", "red.png"],
    "forget": ["alice"],
    "run": ["--camera", "clip"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (text, "gallery bad.db is not a gallery"),
        (cut, "gallery bad.db is damaged"),
        (newer, "gallery bad.db has schema 99"),
        (folder, "gallery bad.db is a folder"),
        (pipe, "gallery bad.db is not a file"),
    ],
    ids=["text", "truncated", "newer", "folder", "pipe"],
)
def test_a_gallery_that_is_none_stops_every_command(cli, tmp_path, command, spoil, says):
    shutil.copy(tmp_path / "g.db", tmp_path / "bad.db")
    spoil(tmp_path / "bad.db")
    assert_refused(cli(command, *COMMANDS[command], "--gallery", "bad.db"), 7, says)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_gallery_at_an_impossible_path_stops_every_command(cli, command):
    assert_refused(cli(command, *COMMANDS[command], "--gallery", LONG), 7, "cannot be opened: File name too long")


def test_to_forget_somebody_makes_no_gallery(cli, tmp_path):
    assert_refused(cli("forget", "alice", "--gallery", "none.db"), 7, "there is no gallery at none.db")
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("nowhere.mp4", "no camera, video or folder is called 'nowhere.mp4'"),
        ("notes.txt", "notes.txt is text, not a video"),
        ("notes.mp4", "notes.mp4 is text, not a video"),
        ("empty.mp4", "video empty.mp4 is empty: 0 bytes"),
        ("empty", "folder empty holds no photo"),
        ("9" * 20, "is called '99999999999999999999'"),
        (LONG, "cannot be opened: File name too long"),
    ],
)
def test_what_is_no_camera_is_said_so(cli, tmp_path, source, says):
    for name in ("notes.txt", "notes.mp4"):
        (tmp_path / name).write_text("this is a shopping list\n" * 99)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "empty").mkdir()
    assert_refused(cli("run", "--gallery", "g.db", "--camera", source), 3, says)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("recognition.treshold=1", "unknown setting recognition.treshold"),
        ("recognition.far=often", "recognition.far must be float, not 'often'"),
        ("camera.width=true", "camera.width must be int, not True"),
        ("recognition.votes_of=" + "9" * 30, "must be at most 1000"),
        ("recognition.threshold=" + "9" * 5000, "recognition.threshold must be float"),
        ('detection.weights="a\\u0000b"', "detection.weights holds a null character"),
    ],
)
def test_a_wrong_setting_is_named(cli, setting, says):
    assert_refused(cli("run", "--gallery", "g.db", "--camera", "clip", "-o", setting), 2, says)


WRITERS = {
    "enroll": (["--gallery", "disk/g.db", "--name", "bob", "--force", "red.png"], 7),
    "forget": (["--gallery", "disk/g.db", "alice"], 7),
    "run": (["--gallery", "disk/g.db", "--camera", "clip", "--annotate", "disk/named.mp4"], 3),
    "embed": (["red.png", "--out", "disk/x.npz"], 2),
    "config": (["--init", "--config", "disk/config.toml"], 2),
}


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("spoil", [fill, make_read_only], ids=["full", "read-only"])
def test_on_a_disk_that_cannot_be_written_nothing_is_half_written(cli, small_disk, tmp_path, spoil, command):
    shutil.copy(tmp_path / "g.db", small_disk / "g.db")
    spoil(small_disk)
    before = sorted(path.name for path in small_disk.iterdir() if path.suffix != ".mp4")
    options, code = WRITERS[command]
    assert_refused(cli(command, *options), code, "disk/")
    left = sorted(path.name for path in small_disk.iterdir() if path.suffix != ".mp4")
    assert [name for name in left if not name.endswith(("-wal", "-shm"))] == before
    assert [person["looks"] for person in cli("list", "--gallery", "disk/g.db", "--json").objects] == [1]
    assert cli("identify", "--gallery", "disk/g.db", "red.png").out.startswith("red.png: alice")


@pytest.mark.parametrize("out", [LONG, f"{LONG}/x.npz", "nowhere/x.npz", "clip"])
def test_vectors_are_not_written_to_an_impossible_place(cli, out):
    assert_refused(cli("embed", "red.png", "--out", out), 2, "cannot be written")


def test_a_photo_with_an_impossible_name_is_left_out(cli):
    embedded = cli("embed", "red.png", LONG, "--out", "x.npz")
    assert embedded.code == 0
    assert embedded.err.startswith(f"left out {LONG} cannot be read: File name too long")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [["list", "--gallery", "g.db"], ["config"], ["--version"], ["list", "--help"]])
def test_results_that_find_no_room_are_one_clear_line(command, unbuffered, tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has a device that is always full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edgeface", *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr == "edgeface: standard output cannot be written: No space left on device\n"


CLOSED = """
import os
os.close(2)
from edgeface.cli.main import main
try: main(["list", "--gallery", "g.db"])
except SystemExit as ended: print(ended.code, os.path.samestat(os.fstat(2), os.stat(os.devnull)))
"""


def test_no_file_gets_the_number_of_a_standard_stream_that_was_closed(tmp_path):
    python_path = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", CLOSED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": python_path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "0 True"

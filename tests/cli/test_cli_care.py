"""doctor and config."""

import pytest

from edgeface.config import Config, load
from tests.fakes import MODEL, RED, Square


def test_all_is_well_with_a_painted_camera(cli, painted, picture):
    picture("clip/1.png", Square(RED))
    examined = cli("doctor", "--camera", "clip", "--json")
    assert [finding["check"] for finding in examined.objects] == [
        "python",
        "64-bit",
        "numpy",
        "opencv",
        "runtime",
        "detector",
        "model",
        "gallery",
        "camera",
    ]
    assert [finding["found"] for finding in examined.objects if not finding["ok"]] == []
    assert examined.code == 0


def test_what_is_wrong_comes_with_advice_and_exit_code_1(cli, painted):
    examined = cli("doctor", "--camera", "nowhere.mp4", "--model", "nothing", "--gallery", ".")
    assert examined.code == 1
    assert "3 of 9 checks failed" in examined.err
    failed = [line for line in examined.out.splitlines() if line.startswith("FAIL")]
    assert [line.split()[1] for line in failed] == ["model", "gallery", "camera"]
    assert examined.out.count("-> ") == 3


def test_the_camera_can_be_left_out(cli, painted):
    assert cli("doctor", "--no-camera").code == 0


def test_the_gallery_in_use_is_examined(cli, painted, picture):
    cli("enroll", "--name", "alice", picture("red.png", Square(RED)))
    assert "gallery.db, 1 people" in cli("doctor", "--no-camera").out


def test_a_gallery_of_another_model_is_found(cli, painted, picture):
    cli("enroll", "--name", "alice", picture("red.png", Square(RED)))
    card = painted / "model.json"
    card.write_text(card.read_text().replace(MODEL, "f" * 64))
    examined = cli("doctor", "--no-camera")
    assert examined.code == 1
    assert "was made with another model" in examined.out


def test_the_settings_in_force_are_a_file_that_gives_them_again(cli, tmp_path):
    shown = cli("-o", "recognition.far=0.01", "config", "-o", "camera.width=320", "-o", "camera.source=rtsp://x/y")
    assert shown.code == 0
    (tmp_path / "again.toml").write_text(shown.out)
    again = load([tmp_path / "again.toml"])
    assert (again.recognition.far, again.camera.width, again.camera.source) == (0.01, 320, "rtsp://x/y")
    assert again.gallery.path == str(tmp_path / "home/.local/state/edgeface/gallery.db")


def test_the_written_file_of_defaults_changes_nothing(cli, tmp_path):
    written = cli("config", "--init")
    path = tmp_path / "home/.config/edgeface/config.toml"
    assert (written.code, written.out) == (0, f"{path}\n")
    assert load([path]) == Config()
    assert "exists already" in cli("config", "--init").err


def test_the_file_of_defaults_goes_where_it_is_told(cli, tmp_path):
    assert cli("config", "--init", "--config", "mine/edgeface.toml").code == 0
    assert (tmp_path / "mine/edgeface.toml").is_file()


@pytest.mark.parametrize("before", [True, False])
def test_settings_may_stand_before_the_command_or_after_it(cli, before):
    options = ("-o", "recognition.far=0.01")
    shown = cli(*options, "config") if before else cli("config", *options)
    assert "far = 0.01" in shown.out


def test_files_and_options_win_in_their_order(cli, tmp_path):
    user = tmp_path / "home/.config/edgeface/config.toml"
    for path, far in ((tmp_path / "etc/config.toml", 0.1), (user, 0.2), (tmp_path / "mine.toml", 0.3)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[recognition]\nfar = {far}\n")

    def far(*options):
        return next(line for line in cli("config", *options).out.splitlines() if line.startswith("far"))

    assert far("--config", "mine.toml", "-o", "recognition.far=0.4") == "far = 0.4"
    assert far("--config", "mine.toml") == "far = 0.3"
    assert far() == "far = 0.2"
    user.unlink()
    assert far() == "far = 0.1"


def test_under_systemd_the_gallery_is_in_the_state_folder_of_the_service(cli, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/edgeface:/var/lib/other")
    assert 'path = "/var/lib/edgeface/gallery.db"' in cli("config").out


def test_the_state_folder_of_the_desktop_is_kept_to(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert f'path = "{tmp_path}/state/edgeface/gallery.db"' in cli("config").out
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert f'path = "{tmp_path}/home/.local/state/edgeface/gallery.db"' in cli("config").out

"""The daily backup's unit files: they call a command that exists, in the service's own folder, and expose little."""

import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import typer

from edgeface.cli.main import app

SYSTEMD = Path(__file__).parents[1] / "systemd"
ANALYZE = shutil.which("systemd-analyze")


def settings(name):
    """Return each key of a unit and its values, in order."""
    found = defaultdict(list)
    for line in (SYSTEMD / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[key].append(value)
    return found


def test_the_service_calls_the_command_as_the_command_line_knows_it():
    [command] = settings("edgeface-backup.service")["ExecStart"]
    program, *words = command.split()
    assert program == "/opt/edgeface/bin/edgeface"
    group = typer.main.get_command(app).commands[words[0]]
    context = group.commands[words[1]].make_context(words[1], words[2:])
    assert context.params["keep"] == 7
    assert context.params["folder"] is None


def test_it_runs_once_a_day_as_the_service_s_own_user_in_its_folder_and_without_a_network():
    service, timer = settings("edgeface-backup.service"), settings("edgeface-backup.timer")
    assert service["Type"] == ["oneshot"]
    assert (service["DynamicUser"], service["User"], service["StateDirectory"]) == (["yes"], ["edgeface"], ["edgeface"])
    assert service["ConditionPathExists"] == [f"/var/lib/{service['StateDirectory'][0]}/gallery.db"]
    assert service["PrivateNetwork"] == ["yes"]
    assert (timer["OnCalendar"], timer["Persistent"]) == (["daily"], ["yes"])


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not on this machine")
def test_systemd_finds_nothing_wrong_and_little_exposed(tmp_path):
    for name in ("edgeface-backup.service", "edgeface-backup.timer"):
        text = (SYSTEMD / name).read_text().replace("/opt/edgeface/bin/edgeface", "/bin/true")
        (tmp_path / name).write_text(text)
    unit = str(tmp_path / "edgeface-backup.service")
    for words in (
        ["verify", unit, f"{tmp_path}/edgeface-backup.timer"],
        ["security", "--offline=true", "--threshold=10", unit],
    ):
        done = subprocess.run([ANALYZE, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-300:] + done.stderr
        assert words[0] == "security" or done.stderr == ""

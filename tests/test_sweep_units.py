"""The daily sweep's unit files: a command that exists, every day, and no less protected than the backup."""

import typer

from edgeface.cli.main import app
from tests.test_backup_units import settings

OWN = {"Description", "ExecStart"}


def test_the_service_calls_the_command_as_the_command_line_knows_it():
    [command] = settings("edgeface-sweep.service")["ExecStart"]
    program, *words = command.split()
    assert program == "/opt/edgeface/bin/edgeface"
    group = typer.main.get_command(app).commands[words[0]]
    assert group.commands[words[1]].make_context(words[1], words[2:])


def test_all_but_the_command_is_as_for_the_backup():
    for kind in ("service", "timer"):
        sweep, backup = settings(f"edgeface-sweep.{kind}"), settings(f"edgeface-backup.{kind}")
        assert {key: sweep[key] for key in sweep.keys() - OWN} == {key: backup[key] for key in backup.keys() - OWN}

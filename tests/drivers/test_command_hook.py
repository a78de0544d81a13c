"""A program of the owner is started for each event, and never left behind."""

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from edgeface.core.types import Event
from edgeface.drivers.sinks.choose import Surroundings, open_outboxes
from edgeface.drivers.sinks.command import CommandHook
from edgeface.errors import ConfigError, SinkError
from edgeface.sink_settings import CommandSinkSettings

EVENT = Event("arrived", "Zoë $(reboot) ; `x`", 1_700_000_000.0, 0.5, 3)
ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "NOTIFY_SOCKET": "/run/systemd/notify"}


def hook(*command: str, **options) -> CommandHook:
    return CommandHook(command, environment=ENVIRONMENT, **options)


def shell(script: str, **options) -> CommandHook:
    return hook("sh", "-c", script, **options)


def children() -> set[int]:
    """The processes that this one has to wait for, dead ones too."""
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def runs(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return "(sh) Z" not in Path(f"/proc/{pid}/stat").read_text() and Path(f"/proc/{pid}").exists()
    except OSError:
        return False


def wait_until(true, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def test_the_program_gets_the_event_on_standard_input_and_in_variables(tmp_path) -> None:
    script = tmp_path / "hook.py"
    script.write_text(
        "import json, os, sys\n"
        "event = json.loads(sys.stdin.read())\n"
        "said = {name: text for name, text in os.environ.items() if name.startswith(('EDGEFACE', 'NOTIFY'))}\n"
        "print('no result of edgeface')\n"
        "json.dump([event, said, sys.argv[2:]], open(sys.argv[1], 'w'))\n"
    )
    out = tmp_path / "out.json"
    hook(sys.executable, str(script), str(out), "$HOME *").emit(EVENT)
    event, variables, arguments = json.loads(out.read_text())
    at = "2023-11-14T22:13:20.000Z"
    assert event == {"kind": "arrived", "name": EVENT.name, "at": at, "similarity": 0.5, "track": 3}
    assert variables == {
        "EDGEFACE_KIND": "arrived",
        "EDGEFACE_NAME": EVENT.name,
        "EDGEFACE_AT": at,
        "EDGEFACE_SIMILARITY": "0.5",
        "EDGEFACE_TRACK": "3",
    }
    assert arguments == ["$HOME *"]


def test_a_stranger_has_an_empty_name_and_a_trial_says_so(tmp_path) -> None:
    out = tmp_path / "out"
    hook("sh", "-c", 'printf "<%s>%s" "$EDGEFACE_NAME" "$EDGEFACE_TEST" > "$0"', str(out)).emit(
        Event("left", None, 0.0, 0.1, 1, test=True)
    )
    assert out.read_text() == "<>1"


def test_what_it_prints_is_no_result_of_edgeface(capfd) -> None:
    shell("echo out").emit(EVENT)
    assert capfd.readouterr().out == ""


def test_a_program_need_not_read() -> None:
    hook("true").emit(EVENT)


@pytest.mark.parametrize(("script", "code"), [("exit 3", "3"), ("kill -9 $$", "-9")])
def test_a_failure_is_told(script, code) -> None:
    with pytest.raises(SinkError, match=f"ended with {code}$"):
        shell(script).emit(EVENT)


@pytest.mark.parametrize("trap", ["", "trap '' TERM; "])
def test_a_program_that_takes_too_long_is_ended_with_all_it_started(tmp_path, monkeypatch, trap) -> None:
    monkeypatch.setattr("edgeface.drivers.sinks.command.GRACE_SECONDS", 0.2)
    pids = tmp_path / "pids"
    slow = shell(f"{trap}sleep 600 & echo $$ $! > {pids}; wait; wait", timeout_seconds=0.5)
    before = children()
    with pytest.raises(SinkError, match=r"took longer than 0\.5 s and was ended"):
        slow.emit(EVENT)
    assert children() == before
    assert wait_until(lambda: not any(runs(int(pid)) for pid in pids.read_text().split()))


def test_closing_ends_what_still_runs(tmp_path) -> None:
    mark = tmp_path / "started"
    sink = shell(f"touch {mark}; sleep 600", timeout_seconds=600)
    failures = []

    def emit() -> None:
        try:
            sink.emit(EVENT)
        except SinkError as error:
            failures.append(str(error))

    before = children()
    thread = threading.Thread(target=emit)
    thread.start()
    assert wait_until(mark.exists)
    sink.close()
    sink.close()
    thread.join(10)
    assert len(failures) == 1 and failures[0].endswith("ended with -9")
    assert children() == before
    with pytest.raises(SinkError, match="is closed"):
        sink.emit(EVENT)


def test_at_most_so_many_run_at_once(tmp_path) -> None:
    # Each waits until it sees one more beside it, so that it needs two at once to end; a third is noted as a fault.
    script = (
        f"cd {tmp_path}; mkdir run.$$; "
        "until [ -e both ]; do set -- run.*; [ $# -gt 2 ] && touch three; [ $# -eq 2 ] && touch both; sleep 0.01; done;"
        "set -- run.*; [ $# -gt 2 ] && touch three; rmdir run.$$"
    )
    settings = CommandSinkSettings(command=("sh", "-c", script), at_once=2)
    outboxes = open_outboxes([settings], Surroundings(ENVIRONMENT))
    for _ in range(6):
        outboxes.emit(EVENT)
    [outbox] = outboxes.outboxes
    outbox.close(30)
    assert outbox.tally.delivered == 6
    assert {path.name for path in tmp_path.iterdir()} == {"both"}


@pytest.mark.parametrize(
    ("command", "message"), [((), "is empty"), (("nowhere-to-be-found",), "nowhere-to-be-found is not an executable")]
)
def test_a_program_that_is_not_there_is_a_wrong_setting(command, message) -> None:
    with pytest.raises(ConfigError, match=message):
        hook(*command)


def test_a_program_that_has_gone_is_one_clear_error(tmp_path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    sink = hook(str(program))
    program.unlink()
    with pytest.raises(SinkError, match="cannot be started: No such file"):
        sink.emit(EVENT)

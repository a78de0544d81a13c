"""edgeface sinks test."""

import json

from tests.drivers.test_webhook import Receiver


def test_each_sink_is_tried_and_the_failing_one_named(cli, tmp_path):
    with Receiver(403) as receiver:
        (tmp_path / "sinks.toml").write_text(
            '[[sink]]\nkind = "file"\npath = "events.jsonl"\n'
            f'[[sink]]\nkind = "webhook"\nurl = "http://127.0.0.1:{receiver.port}/secret-token"\n'
            '[[sink]]\nkind = "webhook"\nurl = "https://example.org/"\nsecret_file = "nowhere"\n'
            '[[sink]]\nkind = "command"\ncommand = ["true"]\n'
        )
        ended = cli("sinks", "test", "--config", "sinks.toml")
    assert ended.code == 3
    assert ended.out.splitlines() == [
        "ok    file events.jsonl",
        "FAIL  webhook 127.0.0.1: 127.0.0.1 answers with status 403",
        "FAIL  webhook example.org: secret nowhere cannot be read: No such file or directory",
        "      -> see who owns it",
        "ok    command true",
    ]
    assert ended.err == "edgeface: 2 of 4 sinks failed\n"
    [line] = (tmp_path / "events.jsonl").read_text().splitlines()
    posted = json.loads(receiver.requests[0][2])
    for event in (json.loads(line), posted):
        assert (event["name"], event["test"], event["track"]) == ("edgeface test", True, 0)


def test_when_all_is_well_the_exit_code_is_0(cli, tmp_path):
    (tmp_path / "sinks.toml").write_text('[[sink]]\nkind = "socket"\npath = "s"\n')
    ended = cli("sinks", "test", "--json", "--config", "sinks.toml")
    assert ended.code == 0
    assert ended.objects == [{"sink": "socket s", "ok": True, "problem": None, "hint": ""}]
    assert not (tmp_path / "s").exists()


def test_without_sinks_there_is_nothing_to_try(cli):
    ended = cli("sinks", "test")
    assert ended.code == 2
    assert ended.err.startswith("edgeface: no sink is configured\n  hint: ")

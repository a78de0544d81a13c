"""unknowns, and run where unknown people are remembered."""

import json

import pytest

from tests.cli.test_cli_help import GOLDENS, compare, shape
from tests.fakes import BLUE, RED, Square

REMEMBER = ("-o", "unknown.remember=true")


@pytest.fixture(autouse=True)
def world(painted, cli, picture):
    """Alice is enrolled; a stranger walks through a clip."""
    assert cli("enroll", "--name", "alice", picture("alice.png", Square(RED))).code == 0
    for number in range(8):
        picture(f"clip/{number}.png", Square(BLUE))


def came(cli, *options):
    ended = cli("run", "--camera", "clip", "--json", *options)
    assert ended.code == 0, ended.err
    return [(event["kind"], event["name"], event.get("unknown"), event.get("visits")) for event in ended.objects]


def test_nobody_is_remembered_unless_the_owner_wants_it(cli):
    assert came(cli) == [("arrived", None, None, None), ("left", None, None, None)]
    assert "no unknown person is remembered" in cli("unknowns", "list").err


def test_a_stranger_comes_again_is_named_and_then_recognised(cli):
    assert came(cli, *REMEMBER)[0] == ("arrived", None, "unknown-2", 1)
    assert came(cli, *REMEMBER, "-o", "presence.patience_seconds=0")[0] == ("arrived", None, "unknown-2", 2)
    assert cli("unknowns", "list").out.startswith("unknown-2  2 visits, first 20")
    assert [person["name"] for person in cli("list", "--json").objects] == ["alice"]
    named = cli("unknowns", "name", "unknown-2", "bea")
    assert (named.code, named.out) == (0, "unknown-2 is bea from now on: 5 looks in all\n")
    assert "edgeface consent bea" in named.err
    assert came(cli, *REMEMBER)[0] == ("arrived", "bea", None, None)
    assert cli("unknowns", "list").out == ""


def test_who_is_ignored_is_told_of_no_more_and_who_is_forgotten_is_new(cli):
    came(cli, *REMEMBER)
    assert cli("unknowns", "ignore", "unknown-2").out == "unknown-2 is ignored from now on\n"
    assert came(cli, *REMEMBER) == []
    assert cli("unknowns", "list").out.endswith(", ignored\n")
    forgot = cli("unknowns", "forget", "2")
    assert forgot.out.startswith("forgot unknown-2: 5 looks deleted\nentry ")
    assert came(cli, *REMEMBER)[0] == ("arrived", None, "unknown-3", 1)
    audit = cli("audit").out
    assert "unknown remembered person 2, looks 5" in audit
    assert "unknown remembered person 3 (unknown-3), looks 5" in audit


def test_the_sweep_forgets_who_has_not_come_for_too_long(cli):
    came(cli, *REMEMBER)
    assert "nothing is over" in cli("gallery", "sweep").err
    swept = cli("gallery", "sweep", "-o", "unknown.days=0.01")
    assert "nothing is over" in swept.err


@pytest.mark.parametrize("words", [["ignore", "unknown-9"], ["forget", "9"], ["name", "unknown-9", "bea"]])
def test_who_is_not_there_is_said(cli, words):
    ended = cli("unknowns", *words)
    assert (ended.code, ended.out) == (7, "")
    assert "there is no unknown-9 in gallery" in ended.err


def test_somebody_who_looks_like_an_enrolled_person_is_not_named_otherwise(cli, picture):
    came(cli, *REMEMBER)
    assert cli("enroll", "--name", "bea", picture("bea.png", Square(BLUE))).code == 0
    refused = cli("unknowns", "name", "unknown-2", "carl")
    assert refused.code == 5
    assert "unknown-2 looks like bea" in refused.err
    assert cli("unknowns", "name", "unknown-2", "bea").code == 0


def test_the_shapes_of_json_are_the_promised_ones(cli):
    came(cli, *REMEMBER)
    lines = []
    for words in (["list"], ["ignore", "unknown-2"], ["forget", "unknown-2"]):
        lines += [f"$ edgeface unknowns {' '.join(words)} --json"]
        lines += [json.dumps(shape(told)) for told in cli("unknowns", *words, "--json").objects]
    came(cli, *REMEMBER)
    lines += ["$ edgeface unknowns name unknown-3 bea --json"]
    lines += [json.dumps(shape(told)) for told in cli("unknowns", "name", "unknown-3", "bea", "--json").objects]
    compare(GOLDENS / "json-unknowns.txt", "\n".join(lines) + "\n")

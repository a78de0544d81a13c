"""consent, gallery sweep and gallery export --person."""

import json
from pathlib import Path

import pytest

from edgeface.cli import consent as module
from tests.cli.test_cli_help import GOLDENS, compare, shape
from tests.fakes import GREEN, RED, Square


@pytest.fixture(autouse=True)
def world(painted, cli, picture):
    """Alice and bob are enrolled in g.db."""
    for name, colour in (("alice", RED), ("bob", GREEN)):
        assert cli("enroll", "--gallery", "g.db", "--name", name, picture(f"{name}.png", Square(colour))).code == 0


def test_a_consent_is_noted_and_listed(cli):
    noted = cli("consent", "alice", "--gallery", "g.db", "--text", "2026-11")
    assert noted.out.startswith("alice: agreed to 2026-11 on 20")
    cli(
        "consent",
        "bob",
        "--gallery",
        "g.db",
        "--by",
        "bob's mother",
        "-o",
        "privacy.consent_text=7",
        "--until",
        "2999-01-01",
    )
    alice, bob = cli("consent", "--gallery", "g.db").out.splitlines()
    assert alice.startswith("alice: agreed to 2026-11 on ")
    assert "bob: agreed to 7 by bob's mother on " in bob
    assert bob.endswith(", until 2999-01-01T00:00:00Z")


def test_what_a_consent_lacks_is_said(cli):
    assert "version of the text" in cli("consent", "alice", "--gallery", "g.db").err
    assert "needs the name of a person" in cli("consent", "--gallery", "g.db", "--text", "1").err
    assert cli("consent", "carol", "--gallery", "g.db", "--text", "1").code == 7
    past = cli("consent", "alice", "--gallery", "g.db", "--text", "1", "--until", "2001-01-01")
    assert (past.code, past.out) == (2, "")
    assert cli("consent", "alice", "--gallery", "none.db", "--text", "1").code == 7
    assert not Path("none.db").exists()


def test_who_is_over_is_unknown_and_swept(cli, monkeypatch):
    assert "nothing is over" in cli("gallery", "sweep", "--gallery", "g.db").err
    with monkeypatch.context() as long_ago:
        long_ago.setattr(module.time, "time", lambda: 1000.0)
        assert cli("consent", "alice", "--gallery", "g.db", "--text", "1", "-o", "privacy.consent_days=1").code == 0
    listed = cli("consent", "--gallery", "g.db", "--json").objects
    assert [(told["name"], told["over"]) for told in listed] == [("alice", True), ("bob", False)]
    [seen] = cli("gallery", "sweep", "--gallery", "g.db", "--json").objects
    assert seen == {"forgotten": ["alice"], "unknowns": 0, "unreached": [], "audit_dropped": 0}
    assert [person["name"] for person in cli("list", "--gallery", "g.db", "--json").objects] == ["bob"]
    assert ": expired person 1, looks 1" in cli("audit", "--gallery", "g.db").out


def test_somebody_gets_all_that_is_kept_about_them(cli):
    written = cli("gallery", "export", "alice.json", "--person", "alice", "--gallery", "g.db")
    assert written.out == "alice.json: 1 person, 1 look\n"
    assert json.loads(Path("alice.json").read_text())["name"] == "alice"
    both = cli("gallery", "export", "b.json", "--person", "alice", "--name", "bob", "--gallery", "g.db")
    assert both.code == 2
    assert cli("gallery", "export", "b.json", "--person", "carol", "--gallery", "g.db").code == 7
    assert not Path("b.json").exists()


def test_the_shapes_of_json_are_the_promised_ones(cli):
    lines = []
    for words in (
        ["consent", "alice", "--text", "1", "--until", "2999-01-01"],
        ["consent"],
        ["gallery", "sweep"],
        ["gallery", "export", "alice.json", "--person", "alice"],
    ):
        command = [*words, "--gallery", "g.db", "--json"]
        lines += [
            f"$ edgeface {' '.join(command)}",
            *(json.dumps(shape(told)) for told in cli(*command).objects),
        ]
    lines += ["$ cat alice.json", json.dumps(shape(json.loads(Path("alice.json").read_text()) | {"looks": []}))]
    compare(GOLDENS / "json-consent.txt", "\n".join(lines) + "\n")

"""gallery export and import."""

import json
import sys
from pathlib import Path

import pytest
import typer

from edgeface.card import write_bundle
from edgeface.drivers import sealed
from tests.cli.test_cli_help import GOLDENS, compare, shape
from tests.fakes import GREEN, RED, Square

WORDS = "correct horse battery staple"


@pytest.fixture(autouse=True)
def world(painted, cli, picture, monkeypatch):
    """Alice and bob are enrolled in g.db; the passphrase is in words.txt."""
    monkeypatch.setattr(sealed, "COST", 2)
    for name, colour in (("alice", RED), ("bob", GREEN)):
        photo = picture(f"{name}.png", Square(colour))
        assert cli("enroll", "--gallery", "g.db", "--name", name, photo).code == 0
    Path("words.txt").write_text(f"{WORDS}\n")


@pytest.fixture
def move(cli):
    """Run a command of the gallery with the passphrase's file."""
    pytest.importorskip("cryptography", reason="the extra secure is not installed")

    def run(*words):
        return cli("gallery", *words, "--passphrase-file", "words.txt")

    return run


def test_people_go_from_one_gallery_to_another_and_are_recognised_there(cli, move):
    assert move("export", "all.people", "--gallery", "g.db").out == "all.people: 2 people, 2 looks\n"
    arrived = move("import", "all.people", "--gallery", "new/h.db")
    assert arrived.out == "added alice: 1 look\nadded bob: 1 look\n"
    [found] = cli("identify", "bob.png", "--gallery", "new/h.db", "--json").objects
    assert found["faces"][0]["name"] == "bob"


def test_who_is_there_already_is_skipped_renamed_or_replaced(cli, move):
    move("export", "one.people", "--name", "alice", "--gallery", "g.db")
    skipped = move("import", "one.people", "--gallery", "g.db")
    assert (skipped.code, skipped.out) == (0, "skipped alice, who is enrolled already\n")
    renamed = move("import", "one.people", "--gallery", "g.db", "--on-conflict", "rename")
    assert renamed.out == "renamed alice as alice (2): 1 look\n"
    replaced = move("import", "one.people", "--gallery", "g.db", "--on-conflict", "replace")
    assert replaced.out == "replaced alice: 1 look\n"
    assert move("import", "one.people", "--gallery", "g.db", "--on-conflict", "ask").code == 2


def test_the_shapes_of_json_are_the_promised_ones(move):
    lines = []
    for words in (
        ["export", "all.people", "--gallery", "g.db", "--json"],
        ["import", "all.people", "--gallery", "g.db", "--json"],
    ):
        lines += [
            f"$ edgeface gallery {' '.join(words)}",
            *(json.dumps(shape(found)) for found in move(*words).objects),
        ]
    compare(GOLDENS / "json-transfer.txt", "\n".join(lines) + "\n")


def test_another_model_is_refused_with_what_to_do(cli, move, painted):
    from dataclasses import replace

    from edgeface.card import read_bundle

    move("export", "all.people", "--gallery", "g.db")
    card = read_bundle(painted).card
    other = replace(card, files={"int8": replace(card.files["int8"], sha256="cd" * 32)})
    write_bundle(Path("other"), other, {"int8": b"model"})
    refused = move("import", "all.people", "--gallery", "h.db", "--model", "other")
    assert (refused.code, refused.out) == (4, "")
    assert "were made with model " in refused.err
    assert "enrol these people again from photos" in refused.err
    assert not Path("h.db").exists()


def test_another_passphrase_a_weak_one_and_none_are_one_line_each(cli, move):
    move("export", "all.people", "--gallery", "g.db")
    Path("words.txt").write_text("another passphrase altogether")
    assert move("import", "all.people", "--gallery", "h.db").code == 7
    Path("words.txt").write_text("short\n")
    weak = move("export", "b.people", "--gallery", "g.db")
    assert (weak.code, weak.out) == (2, "")
    assert "has 5 characters, at least 12 are needed" in weak.err
    Path("words.txt").write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in move("export", "b.people", "--gallery", "g.db").err
    Path("words.txt").unlink()
    assert "cannot be read: No such file" in move("export", "b.people", "--gallery", "g.db").err
    assert "no terminal to ask" in cli("gallery", "export", "b.people", "--gallery", "g.db").err
    assert not Path("b.people").exists()


def test_at_a_terminal_the_passphrase_is_asked_for_unseen_and_twice_when_it_is_new(cli, move, monkeypatch):
    asked = []

    def prompt(text, **options):
        asked.append((text, options["hide_input"], options["confirmation_prompt"]))
        return WORDS

    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr(typer, "prompt", prompt)
    assert cli("gallery", "export", "all.people", "--gallery", "g.db").code == 0
    assert cli("gallery", "import", "all.people", "--gallery", "h.db").code == 0
    assert asked == [("passphrase", True, True), ("passphrase", True, False)]


def test_without_the_extra_the_command_to_install_it_is_said(cli, monkeypatch):
    for module in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    missing = cli("gallery", "export", "b.people", "--gallery", "g.db", "--passphrase-file", "words.txt")
    assert missing.code == 6
    assert "pip install 'edgeface[secure]'" in missing.err
    assert not Path("b.people").exists()

"""audit and audit verify."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.cli.test_cli_help import GOLDENS, compare, shape
from tests.fakes import GREEN, RED, Square


@pytest.fixture(autouse=True)
def world(painted, cli, picture):
    """Alice and bob were enrolled in g.db, and bob was forgotten."""
    for name, colour in (("alice", RED), ("bob", GREEN)):
        assert cli("enroll", "--gallery", "g.db", "--name", name, picture(f"{name}.png", Square(colour))).code == 0
    assert cli("forget", "bob", "--gallery", "g.db").code == 0


def test_the_log_names_who_is_there_and_numbers_who_is_gone(cli):
    shown = cli("audit", "--gallery", "g.db")
    assert shown.code == 0
    first, second, third = shown.out.splitlines()
    assert first.endswith(": enrolled person 1 (alice), looks 1")
    assert second.endswith(": enrolled person 2, looks 1")
    assert third.endswith(": forgotten person 2, looks 1, keys 0")


def test_a_whole_log_is_verified_and_a_receipt_is_found_in_it(cli):
    receipt = cli("forget", "alice", "--gallery", "g.db", "--json").objects[0]
    for words in (["audit", "verify", "--gallery", "g.db"], ["audit", "--gallery", "g.db", "verify"]):
        whole = cli(*words, "--head", receipt["hash"])
        assert whole.out == f"the audit log is whole: 4 entries, ends with {receipt['hash']}\n"


def test_a_hash_too_short_to_prove_anything_is_refused(cli):
    receipt = cli("forget", "alice", "--gallery", "g.db", "--json").objects[0]
    assert cli("audit", "verify", "--gallery", "g.db", "--head", receipt["hash"][:8]).code == 0
    refused = cli("audit", "verify", "--gallery", "g.db", "--head", receipt["hash"][:7])
    assert (refused.code, refused.out) == (2, "")
    assert "give 8 digits of the hash or more" in refused.err


def test_a_log_that_was_changed_is_exit_code_7(cli):
    with closing(sqlite3.connect("g.db")) as connection:
        connection.execute("DELETE FROM audit WHERE number = 2")
        connection.commit()
    broken = cli("audit", "verify", "--gallery", "g.db")
    assert (broken.code, broken.out) == (7, "")
    assert "is broken: entries between 1 and 3 were removed" in broken.err


def test_where_there_is_no_gallery_both_say_so(cli):
    for words in (["audit"], ["audit", "verify"]):
        assert cli(*words, "--gallery", "none.db").code == 7


def test_the_shapes_of_json_are_the_promised_ones(cli):
    lines = []
    for words in (["audit"], ["audit", "verify"]):
        command = [*words, "--gallery", "g.db", "--json"]
        shapes = dict.fromkeys(json.dumps(shape(found)) for found in cli(*command).objects)
        lines += [f"$ edgeface {' '.join(command)}", *shapes]
    compare(GOLDENS / "json-audit.txt", "\n".join(lines) + "\n")

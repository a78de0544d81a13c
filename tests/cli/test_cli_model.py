"""A gallery goes over to another model while both run, and can be brought back."""

import json

import numpy as np
import pytest

from edgeface.drivers import model_upgrade
from edgeface.drivers.store import Gallery
from edgeface.drivers.unknowns import Unknowns
from tests.cli.test_cli_help import GOLDENS, compare, shape
from tests.cli.two_models import KEEP, gallery_file, models_of, who
from tests.fakes import (
    BLUE,
    GREEN,
    MODEL,
    NEW_MODEL,
    PINKISH,
    RED,
    ColourEmbedder,
    Square,
)

pytestmark = pytest.mark.usefixtures("two_models")


def test_everybody_whose_picture_is_kept_is_moved_at_once_and_the_old_model_retired(cli, enrol, picture):
    for name, colour in (("alice", RED), ("bob", GREEN)):
        assert enrol(name, colour, *KEEP).code == 0
    ended = cli("model", "upgrade", "new")
    first, second, *rest = ended.out.splitlines()
    assert (ended.code, first) == (0, f"2 of 2 people moved to model {NEW_MODEL[:12]}")
    assert second.startswith(f"model {MODEL[:12]} is retired; to go back: `edgeface gallery restore --force ")
    assert "`edgeface calibrate` again" in rest[0]
    assert (models_of("templates"), models_of("next_templates")) == ({NEW_MODEL}, set())
    assert who(cli, "alice.png") == ["alice"]
    assert enrol("carol", BLUE).code == 0
    assert who(cli, "carol.png") == ["carol"]
    assert cli("model", "status").out.startswith(f"model {NEW_MODEL[:12]} of {gallery_file().absolute().parent}/models")
    assert cli("doctor", "--json").code in (0, 1)


def test_going_back_is_restoring_the_backup(cli, enrol):
    enrol("alice", RED, *KEEP)
    backup = cli("model", "upgrade", "new", "--json").objects[0]["backup"]
    assert cli("gallery", "restore", backup).code == 7
    assert cli("gallery", "restore", "--force", backup).code == 0
    assert cli("model", "status").out.splitlines()[1] == f"1 of 1 people moved to model {NEW_MODEL[:12]}"
    assert cli("model", "upgrade", "--cancel").out == f"model {NEW_MODEL[:12]} is left\n"
    assert (models_of("templates"), models_of("next_templates")) == ({MODEL}, set())
    assert who(cli, "alice.png") == ["alice"]


def test_who_has_no_picture_is_named_by_the_old_model_until_enrolled_again(cli, enrol):
    enrol("alice", RED, *KEEP)
    enrol("bob", GREEN)
    begun = cli("model", "upgrade", "new").out
    assert begun == f"1 of 2 people moved to model {NEW_MODEL[:12]}\nenrol again, or --finish without: bob\n"
    assert cli("model", "status", "--json").objects[0]["waiting"] == ["bob"]
    assert [who(cli, f"{name}.png") for name in ("alice", "bob")] == [["alice"], ["bob"]]
    assert models_of("templates") == {MODEL}
    assert models_of("next_templates") == {NEW_MODEL}
    again = enrol("bob", GREEN)
    assert f"model {MODEL[:12]} is retired" in again.err
    assert models_of("templates") == {NEW_MODEL}
    assert [who(cli, f"{name}.png") for name in ("alice", "bob")] == [["alice"], ["bob"]]
    assert cli("list").out.count("1 look,") == 2


def test_each_model_judges_by_its_own_threshold(cli, enrol, picture):
    enrol("alice", RED, *KEEP)
    enrol("bob", GREEN)
    orange = picture("orange.png", Square((220, 120, 40)))  # cosine to RED: between 0.8 and 0.9
    assert who(cli, orange) == ["alice"]
    cli("model", "upgrade", "new")
    assert who(cli, orange) == [None]


def test_who_looks_like_somebody_to_either_model_is_not_enrolled(cli, enrol):
    enrol("alice", RED, *KEEP)
    enrol("bob", GREEN)
    cli("model", "upgrade", "new")
    refused = enrol("eve", PINKISH)
    assert (refused.code, "looks like alice" in refused.err) == (5, True)


def test_finishing_leaves_who_was_not_moved_without_a_look_and_says_so(cli, enrol):
    enrol("alice", RED, *KEEP)
    enrol("bob", GREEN)
    cli("model", "upgrade", "new")
    done = cli("model", "upgrade", "--finish", "-o", "recognition.threshold=0.5")
    assert "cannot be recognised until enrolled again: bob" in done.out
    assert "recognition.threshold = 0.5 was the old model's and is not used" in done.out
    assert cli("list").out.splitlines()[1].startswith("bob  0 looks")
    assert who(cli, "bob.png") == [None]


def test_who_is_only_remembered_is_forgotten_with_the_old_model(cli, enrol):
    enrol("alice", RED, *KEEP)
    with Gallery(gallery_file(), MODEL) as gallery:
        looks = ColourEmbedder().embed([np.full((112, 112, 3), BLUE, np.uint8)])
        Unknowns(gallery, keep_seconds=1e12, most=5).remember(looks)
    done = cli("model", "upgrade", "new")
    assert "forgotten with the old model, as they are not enrolled: 1\n" in done.out
    assert cli("unknowns", "list", "--json").objects == []
    assert who(cli, "alice.png") == ["alice"]


def test_where_nobody_is_moved_nothing_is_finished(cli, enrol):
    enrol("bob", GREEN)
    refused = cli("model", "upgrade", "new", "--finish")
    assert (refused.code, "nobody is moved" in refused.err) == (4, True)
    assert who(cli, "bob.png") == ["bob"]
    assert cli("model", "upgrade").code == 0


def test_a_third_model_waits_until_the_first_upgrade_has_ended(cli, enrol):
    enrol("bob", GREEN)
    assert cli("model", "upgrade", "new").code == 0
    refused = cli("model", "upgrade", "third")
    assert (refused.code, "is being upgraded to model" in refused.err) == (4, True)
    assert "--cancel" in refused.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("upgrade", 4, "no upgrade is going on"),
        ("upgrade --finish", 4, "no upgrade is going on"),
        ("upgrade --cancel", 4, "no upgrade is going on"),
        ("upgrade bundle", 4, "is in use already"),
        ("upgrade nowhere", 4, "no model bundle in nowhere"),
        ("upgrade new --cancel", 2, "--cancel goes with nothing else"),
        ("upgrade new --gallery none.db", 7, "there is no gallery at none.db"),
    ],
)
def test_what_cannot_be_done_is_one_line(cli, enrol, words, code, said):
    enrol("bob", GREEN)
    ended = cli("model", *words.split())
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


def test_a_model_that_the_gallery_never_had_is_still_refused(cli, enrol):
    enrol("alice", RED, *KEEP)
    cli("model", "upgrade", "new")
    for bundle in ("bundle", "new"):
        assert who(cli, "alice.png", "--model", bundle) == ["alice"]
    refused = cli("identify", "alice.png", "--model", "third")
    assert (refused.code, "was made with model" in refused.err) == (4, True)
    assert "was made with another model" in cli("doctor", "-o", "recognition.model=third").out


def test_a_move_that_was_killed_goes_on_where_it_was(cli, enrol, monkeypatch):
    for name, colour in (("alice", RED), ("bob", GREEN)):
        enrol(name, colour, *KEEP)
    write, calls = model_upgrade.write_next, []

    def once(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return write(*arguments)

    monkeypatch.setattr(model_upgrade, "write_next", once)
    assert cli("model", "upgrade", "new").code == 130
    assert cli("model", "status", "--json").objects[0]["waiting"] == ["bob"]
    assert [who(cli, f"{name}.png") for name in ("alice", "bob")] == [["alice"], ["bob"]]
    assert cli("model", "upgrade").out.startswith("2 of 2 people moved")
    assert len(calls) == 3


def test_forgetting_takes_both_models_looks(cli, enrol):
    enrol("alice", RED, *KEEP)
    enrol("bob", GREEN)
    cli("model", "upgrade", "new")
    cli("forget", "alice")
    assert models_of("next_templates") == set()
    assert who(cli, "alice.png") == [None]


def test_the_shapes_of_json_are_the_promised_ones(cli, enrol):
    enrol("alice", RED, *KEEP)
    enrol("bob", GREEN)
    lines = []
    for words in ("status", "upgrade new", "status", "upgrade --cancel", "upgrade new --finish"):
        ended = cli("model", *words.split(), "--json")
        assert ended.code == 0, ended.err
        lines += [f"$ edgeface model {words} --json", *(json.dumps(shape(found)) for found in ended.objects)]
    compare(GOLDENS / "json-model.txt", "\n".join(lines) + "\n")

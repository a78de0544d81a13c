"""A clean list says what it does, does only that, and is refused when it speaks of what is not there."""

from pathlib import Path

import numpy as np
import pytest
from edgeface_train.chips import Listing, list_chips, load_chips
from edgeface_train.doctor.clean import HEADING, Decision, apply_clean, effect, read_clean, write_clean

from edgeface.errors import ConfigError

LISTING = Listing(
    Path("chips"),
    ["ada", "bo", "cy"],
    np.array([0, 0, 1, 1, 2], np.int32),
    ["ada/0.png", "ada/1.png", "bo/0.png", "bo/tab\there.png", "cy/#1.png"],
)


def after(tmp_path, text):
    path = tmp_path / "clean.tsv"
    path.write_text(text)
    left = apply_clean(LISTING, read_clean(path))
    return [(left.names[person], photo) for person, photo in zip(left.people, left.paths, strict=True)]


def test_a_list_that_decides_nothing_changes_nothing(tmp_path):
    everything = [(photo.partition("/")[0], photo) for photo in LISTING.paths]
    assert after(tmp_path, "# drop\tada/0.png\treason\n\n") == everything


def test_photos_and_people_are_dropped_and_people_joined(tmp_path):
    text = "drop\tada/0.png\tblurred\ndrop\tbo/\tin the test folder\nmerge\tcy\tada\ttwins\n"
    assert after(tmp_path, text) == [("ada", "ada/1.png"), ("ada", "cy/#1.png")]


def test_people_joined_under_a_later_name_stand_together(tmp_path):
    assert [name for name, _ in after(tmp_path, "merge\tada\tcy\n")] == ["bo", "bo", "cy", "cy", "cy"]


def test_what_is_written_reads_back_and_doubts_decide_nothing(tmp_path):
    path = tmp_path / "clean.tsv"
    doubt = Decision("ada/1.png", "perhaps", certain=False)
    decisions = [Decision("cy", "twins", "ada"), Decision("bo/tab\there.png", 'says "no"'), doubt]
    write_clean(path, decisions, heading=HEADING)
    clean = read_clean(path)
    assert (list(clean.drops), {who: into for who, (into, _) in clean.merges.items()}) == (
        ["bo/tab\there.png"], {"cy": "ada"},
    )  # fmt: skip
    assert "# drop\tada/1.png\tperhaps\n" in path.read_text()


def test_the_effect_is_counted(tmp_path):
    path = tmp_path / "clean.tsv"
    path.write_text("drop\tbo\nmerge\tcy\tada\n")
    found = effect(LISTING, read_clean(path))
    assert (found["photos"], found["people"], found["people_joined"], len(found["clean"])) == (2, 2, 1, 64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drop\tada/9.png\n", "line 1: there is no ada/9.png"),
        ("# fine\ndrop\teve\n", "line 2: there is no eve"),
        ("merge\teve\tada\n", "there is no eve"),
        ("merge\tada\teve\n", "there is no eve"),
        ("merge\tada\tbo\nmerge\tbo\tcy\n", "line 1: ada is joined to bo, who is joined to cy"),
        ("merge\tada\tada\n", "joined to ada"),
        ("remove\tada\n", "line 1: 'remove ada' is no decision"),
        ("drop ada\n", "is no decision"),
        ("merge\tada\n", "is no decision"),
        ("drop\tada\ndrop\tbo\ndrop\tcy\n", "every photo"),
    ],
)
def test_a_list_that_does_not_fit_is_refused_with_the_line(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        after(tmp_path, text)


def test_a_list_that_is_absent_or_unwritable_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_clean(tmp_path / "nowhere.tsv")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_clean(tmp_path / "nowhere" / "clean.tsv", [])


def test_dropped_chips_are_not_even_read(chips_folder, tmp_path):
    path = tmp_path / "clean.tsv"
    path.write_text("drop\tperson03/2.png\nmerge\tperson11\tperson00\n")
    chips = load_chips(chips_folder, edit=lambda listing: apply_clean(listing, read_clean(path)))
    whole = load_chips(chips_folder)
    assert len(chips) == len(whole) - 1 == len(list_chips(chips_folder).paths) - 1
    assert len(chips.names) == len(whole.names) - 1
    for place, photo in enumerate(chips.paths):
        assert np.array_equal(chips.images[place], whole.images[whole.paths.index(photo)])

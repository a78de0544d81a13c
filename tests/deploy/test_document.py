"""The commands that the ARM check types are those of the documents."""

from pathlib import Path

import pytest

from deploy.lab.document import STANDS_FOR, commands, in_the_lab, spoken

DOCS = Path(__file__).parents[2] / "docs"
QUICKSTART = (DOCS / "quickstart-pi.md").read_text()


def test_the_quickstart_is_five_commands_and_the_last_one_watches():
    said = commands(QUICKSTART)
    assert len(said) == 5
    assert [command for command in said if "journalctl -f" in command] == said[-1:]
    assert not any("#" in command for command in said)


def test_every_word_that_is_replaced_is_one_of_the_quickstart():
    said = " ".join(commands(QUICKSTART))
    assert all(word in said for word in STANDS_FOR)
    assert not any(word in in_the_lab(said) for word in STANDS_FOR)


def test_the_package_stands_for_the_first_commands_as_the_page_on_installing_has_it():
    build, install = commands((DOCS / "install.md").read_text(), "## As a Debian package")
    assert build.startswith("deploy/build-deb ")
    assert install in spoken(QUICKSTART)


def test_a_document_without_commands_is_refused():
    with pytest.raises(ValueError, match="no shell block after ## Nothing"):
        commands(QUICKSTART, "## Nothing")


def test_code_in_a_sentence_is_found_where_a_line_ends_within_it():
    assert spoken("say `one\ntwo`.\n```sh\nno `three`\n```\n") == {"one two"}

"""A person's name is any visible text of a reasonable length, however it was typed."""

import pytest

from edgeface.core.names import MAX_NAME, clean_name
from edgeface.errors import ConfigError


@pytest.mark.parametrize("name", ["Ada", "José", "李小龍", "O'Neil-Smith", "Ada 2", "نام\u200cها", "x" * MAX_NAME])
def test_a_visible_name_stays_as_it_is(name: str) -> None:
    assert clean_name(name) == name


def test_space_around_a_name_is_dropped() -> None:
    assert clean_name("  Ada Lovelace\n") == "Ada Lovelace"


def test_a_name_typed_with_combining_accents_is_the_same_name() -> None:
    assert clean_name("Jose\u0301") == "José"


@pytest.mark.parametrize("name", ["", "   ", "\n\t"])
def test_an_empty_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="name is empty"):
        clean_name(name)


def test_a_long_name_is_refused_with_its_length() -> None:
    with pytest.raises(ConfigError, match="has 101 characters, 100 are allowed"):
        clean_name("x" * 101)


@pytest.mark.parametrize("name", ["a\nb", "a\x00b", "a\x1b[31mb", "a\u202eb", "a\ud800b", "a\u2028b", "a\u200bb"])
def test_control_characters_are_refused_and_shown_escaped(name: str) -> None:
    with pytest.raises(ConfigError, match="control character") as caught:
        clean_name(name)
    assert str(caught.value).isascii()

"""Tell which texts can be a person's name."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

from edgeface.errors import ConfigError

MAX_NAME = 100
"""Characters."""


def clean_name(name: str) -> str:
    """Return a person's name stripped and in Unicode's composed form.

    Raise ConfigError when it is empty, too long or holds invisible characters.
    """
    clean = unicodedata.normalize("NFC", name).strip()
    if not clean:
        raise ConfigError("a person's name is empty")
    if len(clean) > MAX_NAME:
        raise ConfigError(f"a person's name has {len(clean)} characters, {MAX_NAME} are allowed")
    # Joiners are letters' business in some scripts; other invisible characters make two names look the same.
    if any(unicodedata.category(c) in ("Cc", "Cs", "Cf", "Zl", "Zp") and c not in "\u200c\u200d" for c in clean):
        raise ConfigError(f"a person's name holds a control character: {clean!a}")
    return clean


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a hint for somebody unknown: the nearest known name, or where to find them all."""
    folded = {there.casefold(): there for there in known}
    near = get_close_matches(name.casefold(), folded, 1)
    return f"did you mean {folded[near[0]]!r}?" if near else "`edgeface list` shows who is there"

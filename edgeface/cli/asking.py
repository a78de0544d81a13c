"""Ask at the terminal for what must not be seen."""

import sys

import typer

from edgeface.errors import ConfigError

INSTEAD = 'set gallery.key = "passphrase:PATH", or use a key file or a credential'


def ask(what: str, *, twice: bool, instead: str) -> str:
    """Return what was typed unseen; with `twice` until it was typed so twice. Raise ConfigError without a terminal."""
    if not sys.stdin.isatty():
        raise ConfigError(f"there is no terminal to ask for the {what}", hint=instead)
    return typer.prompt(what, hide_input=True, confirmation_prompt=twice, err=True)


def ask_passphrase() -> str:
    """Return the passphrase of the gallery. Raise ConfigError without a terminal."""
    return ask("gallery's passphrase", twice=False, instead=INSTEAD)


def ask_new_passphrase() -> str:
    """Return a passphrase that the gallery shall have, typed twice. Raise ConfigError without a terminal."""
    return ask("gallery's new passphrase", twice=True, instead=INSTEAD)

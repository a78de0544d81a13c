"""Write docs/cli.md from the commands' own help: `python -m edgeface.cli.reference > docs/cli.md`."""

from collections.abc import Iterator
from typing import Any

import typer

from edgeface.cli.main import EXIT_CODES, app

WIDTH = 110

HEADING = """\
# The command line

Results go to standard output, everything else to standard error. With `--json` a command prints one object a
line, whose keys stay. `--config` and `-o` may stand before the command or after it.

This page is written by `python -m edgeface.cli.reference > docs/cli.md`.

## Exit codes

| code | meaning |
|---|---|
"""


def render() -> str:
    """Return the page."""
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES.items())
    blocks = [f"## {' '.join(['edgeface', *path])}\n\n```text\n{text}\n```\n" for path, text in help_texts().items()]
    return HEADING + codes + "\n" + "\n".join(blocks)


def help_texts() -> dict[tuple[str, ...], str]:
    """Return the help of every command, as a wide terminal shows it, by the words that lead to it."""
    command: Any = typer.main.get_command(app)
    top = command.context_class(command, info_name="edgeface", terminal_width=WIDTH - 2)
    return {path: _plain(context.get_help()) for path, context in _walk(top, ())}


def _walk(context: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, context
    for name, command in getattr(context.command, "commands", {}).items():
        inner = command.context_class(command, info_name=name, parent=context)
        yield from _walk(inner, (*path, name))


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


if __name__ == "__main__":
    typer.echo(render(), nl=False)

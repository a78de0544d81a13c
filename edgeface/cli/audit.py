"""The command that shows what was done to whom, and proves that nothing was changed afterwards."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeface.cli.options import (
    ConfigOption,
    GalleryOption,
    Given,
    JsonOption,
    SettingOption,
    build_config,
    with_config,
)
from edgeface.cli.output import iso, say, say_json, tell
from edgeface.config import Config
from edgeface.errors import ConfigError

if TYPE_CHECKING:
    from edgeface.drivers.audit import Entry

AUDIT_HELP = """Show what was done to whom, oldest first.

The log is in the gallery. People are named by their number; who is in the gallery by name, too.

\b
Examples:
  edgeface audit
  edgeface audit --json
  edgeface audit verify
"""

LEAST_DIGITS = 8
"""Of a hash: with fewer, another entry than the one that was removed may begin alike."""

audit_app = typer.Typer(rich_markup_mode=None, help=AUDIT_HELP)


@audit_app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    json_output: JsonOption = False,
    config_file: ConfigOption = None,
    settings: SettingOption = None,
    gallery: GalleryOption = None,
) -> None:
    """Show the log, unless `verify` follows."""
    if context.invoked_subcommand:
        before: Given = context.obj or Given()
        chosen = [f"gallery.path={gallery}"] if gallery else []
        context.obj = Given(config_file or before.config_file, [*before.settings, *(settings or []), *chosen])
        return
    path = Path(build_config(context, config_file, settings, gallery).gallery.path)
    entries, names = _read(path)
    for entry in entries:
        if json_output:
            about = {"person": entry.person, "name": names.get(entry.person), "amounts": entry.amounts}
            told = {"number": entry.number, "at": iso(entry.at), "actor": entry.actor, "action": entry.action}
            say_json({**told, **about, "hash": entry.hash.hex()})
        else:
            say(_line(entry, names))
    if not entries:
        tell(f"nothing was done yet to {path}")


@audit_app.command("verify")
@with_config("gallery")
def verify(
    config: Config,
    head: Annotated[
        str,
        typer.Option(
            "--head", metavar="HASH", help="The hash of an entry that must still be there, or its first 8 digits."
        ),
    ] = "",
    json_output: JsonOption = False,
) -> None:
    """Follow the chain of the log's hashes, and say whether an entry was changed or removed.

    An entry that was removed from the end is seen only by comparing: keep the hash that is printed, or that of a
    receipt, where the device is not, and give it with --head.

    \b
    Examples:
      edgeface audit verify
      edgeface audit verify --head 3f9a5c01
    """
    from edgeface.drivers.audit import check

    if head and len(head) < LEAST_DIGITS:
        raise ConfigError(
            f"--head {head} is too short to tell entries apart", hint=f"give {LEAST_DIGITS} digits of the hash or more"
        )
    path = Path(config.gallery.path)
    checked = check(_read(path)[0], path, head=head)
    if json_output:
        say_json({"entries": checked.entries, "dropped": checked.dropped, "head": checked.head})
    else:
        dropped = f", {checked.dropped} older dropped" if checked.dropped else ""
        ends = f", ends with {checked.head}" if checked.head else ""
        say(f"the audit log is whole: {checked.entries} entr{'y' if checked.entries == 1 else 'ies'}{dropped}{ends}")


def _read(path: Path) -> "tuple[list[Entry], dict[int | None, str]]":
    """Return the entries, and the names of those who are in the gallery."""
    from edgeface.drivers.audit import read_entries
    from edgeface.drivers.gallery_errors import store_errors
    from edgeface.drivers.gallery_file import open_gallery
    from edgeface.drivers.gallery_rows import MARK
    from edgeface.drivers.gallery_upgrade import upgrade

    upgrade(path)
    with closing(open_gallery(path, read_only=True)) as connection, store_errors(path):
        names = {number: name.removeprefix(MARK) for number, name in connection.execute("SELECT id, name FROM people")}
        return read_entries(connection, path), names


def _line(entry: "Entry", names: dict[int | None, str]) -> str:
    whom = f" person {entry.person}" if entry.person is not None else ""
    whom += f" ({names[entry.person]})" if entry.person in names else ""
    amounts = "".join(f", {what} {amount}" for what, amount in entry.amounts.items())
    return f"{entry.number}  {iso(entry.at)}  {entry.actor}: {entry.action}{whom}{amounts}"

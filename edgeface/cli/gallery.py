"""The commands that keep the gallery safe: verify, backup, restore and migrate."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from edgeface.cli.asking import ask_passphrase
from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import say, say_json, tell
from edgeface.config import Config

GALLERY_HELP = """Keep the gallery safe, and move people to another device.

\b
Examples:
  edgeface gallery backup --keep 7
  edgeface gallery verify
  edgeface gallery export family.people
"""

BACKUPS = "backups"
"""The folder beside the gallery where backups go."""

gallery_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help=GALLERY_HELP)


@gallery_app.command("verify")
@with_config("gallery")
def verify(
    config: Config,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A backup; the gallery, if none is given."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Read all of the gallery, or of a backup, and say whether it is whole.

    \b
    Examples:
      edgeface gallery verify
      edgeface gallery verify backups/gallery-20261124T030000Z.db
    """
    from edgeface import wiring
    from edgeface.drivers.gallery_restore import verify

    path = file or Path(config.gallery.path)
    found = verify(path, wiring.make_master(config, ask_passphrase))
    if json_output:
        say_json(
            {
                "file": str(path),
                "people": found.people,
                "looks": found.looks,
                "schema": found.schema,
                "models": found.models,
            }
        )
    else:
        model = f", model {found.models[0][:12]}…" if found.models else ""
        say(f"{path} is whole: {amounts(found.people, found.looks)}, schema {found.schema}{model}")


@gallery_app.command("backup")
@with_config("gallery")
def backup(
    config: Config,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="Where to; the folder backups beside the gallery, if none is given."),
    ] = None,
    keep: Annotated[
        int | None, typer.Option("--keep", metavar="N", min=1, help="Remove all but the N newest backups there.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Copy the gallery to a dated file, even while it is in use.

    \b
    Examples:
      edgeface gallery backup
      edgeface gallery backup /media/usb/edgeface --keep 7
    """
    from edgeface.drivers.gallery_backup import backup

    path = Path(config.gallery.path)
    made = backup(path, folder or path.parent / BACKUPS, keep=keep, now=time.time())
    if json_output:
        removed = [str(older) for older in made.removed]
        say_json({"backup": str(made.path), "people": made.people, "looks": made.looks, "removed": removed})
        return
    say(f"{made.path}: {amounts(made.people, made.looks)}")
    if made.removed:
        tell(f"removed {len(made.removed)} older")


@gallery_app.command("restore")
@with_config("gallery")
def restore(
    config: Config,
    file: Annotated[Path, typer.Argument(metavar="BACKUP", help="A file that `edgeface gallery backup` made.")],
    force: Annotated[
        bool, typer.Option("--force", help="Restore even where the gallery has looks that it lacks.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Give the gallery the content of a backup.

    What the gallery held is kept in a file beside it. It is refused when the gallery has looks that the backup
    lacks, unless with --force. Somebody who was forgotten after the backup is back, and is named; by an
    encrypted gallery they stay forgotten.

    \b
    Examples:
      edgeface gallery restore backups/gallery-20261124T030000Z.db
    """
    from edgeface import wiring
    from edgeface.drivers.gallery_restore import restore

    master = wiring.make_master(config, ask_passphrase)
    restored = restore(file, Path(config.gallery.path), force=force, now=time.time(), master=master)
    if restored.aside:
        tell(f"what the gallery held is kept in {restored.aside}")
    if restored.returned:
        tell(f"back, or with more looks: {', '.join(restored.returned)}")
    if restored.still_forgotten:
        tell(f"forgotten since, and still: {', '.join(restored.still_forgotten)}")
    if json_output:
        say_json(
            {
                "people": restored.people,
                "looks": restored.looks,
                "lost": restored.lost,
                "returned": restored.returned,
                "still_forgotten": restored.still_forgotten,
                "aside": str(restored.aside) if restored.aside else None,
            }
        )
    else:
        say(f"restored {amounts(restored.people, restored.looks)}")


@gallery_app.command("migrate")
@with_config("gallery")
def migrate(config: Config, json_output: JsonOption = False) -> None:
    """Bring the gallery's file to the schema of this edgeface, all of it or nothing.

    Other commands do so by themselves when they open an older gallery that they may write. An older edgeface cannot
    read it afterwards: make a backup first where you may want to go back.

    \b
    Examples:
      edgeface gallery backup
      edgeface gallery migrate
    """
    from edgeface.drivers.gallery_upgrade import migrate_file

    path = Path(config.gallery.path)
    old, new = migrate_file(path)
    if json_output:
        say_json({"file": str(path), "schema_before": old, "schema": new})
    elif old == new:
        say(f"{path} has schema {new} already")
    else:
        say(f"{path} has schema {new} now; it had {old}")


def remind_of_plain(copies: Sequence[object], whom: str) -> None:
    """Tell which copies of a gallery are not encrypted and may still hold somebody."""
    for copy in copies:
        tell(f"{copy} is not encrypted or cannot be read, and may still hold {whom}")
    if copies:
        tell("delete what you do not need; `edgeface gallery backup FOLDER --keep 1` removes older backups in a folder")


def amounts(people: int, looks: int) -> str:
    """Return how many people and looks, in words."""
    return f"{people} {'person' if people == 1 else 'people'}, {looks} look{'s' * (looks != 1)}"

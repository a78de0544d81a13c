"""The commands that move a gallery to another model: upgrade and status."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeface.cli.asking import ask_passphrase
from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import progress as counting
from edgeface.cli.output import report, say, say_json, tell
from edgeface.config import Config
from edgeface.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from edgeface.succession import Finished, Progress

MODEL_HELP = """Move the gallery to another model; both are in use until everybody is moved. docs/models.md explains it.

\b
Examples:
  edgeface model upgrade new-model
  edgeface model status
  edgeface model upgrade --finish
"""

model_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help=MODEL_HELP)


@model_app.command("upgrade")
@with_config("gallery", "model")
def upgrade(
    config: Config,
    bundle: Annotated[
        str | None, typer.Argument(metavar="BUNDLE", help="The new bundle; none goes on with what was begun.")
    ] = None,
    variant: Annotated[
        str, typer.Option("--variant", metavar="NAME", help="Which file of it; its default, if none is given.")
    ] = "",
    finish: Annotated[
        bool, typer.Option("--finish", help="Retire the old model even if somebody is not moved.")
    ] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Leave the new model, and go on with the old one.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Begin to use a new model beside the old one, or go on with that.

    Looks of which gallery.keep_chips has kept a picture are embedded with the new model; others must be enrolled again,
    and are named. Until then both models run: each compares with its own looks and by its own threshold. When everybody
    is moved, or with --finish, a backup is made and the old model's looks are deleted. Killed, it goes on where it was.

    \b
    Examples:
      edgeface model upgrade new-model
      edgeface model upgrade new-model --variant float16
      edgeface model upgrade --finish
      edgeface model upgrade --cancel
    """
    from edgeface import succession

    if cancel and (finish or bundle):
        raise ConfigError("--cancel goes with nothing else", hint="`edgeface model upgrade --cancel`")
    if cancel:
        left = succession.cancel(config, now=time.time())
        _say({"old": left.old, "new": left.new, "cancelled": True}, [f"model {left.new[:12]} is left"], json_output)
        return
    if bundle:
        succession.begin(config, bundle, variant, now=time.time())
    reached = succession.progress(config)
    with counting(len(reached.people) if reached else 0, "moving people") as counter:
        succession.move(config, ask=ask_passphrase, on_person=counter)
    reached = succession.progress(config)
    if reached is None:
        raise StoreError("the upgrade was ended by another program", hint="`edgeface model status`")
    done = None
    if finish or not reached.waiting:
        done = succession.finish(config, now=time.time())
    _say(_as_json(reached, done), [*_lines(reached, done), *_afterwards(config, done)], json_output)


@model_app.command("status")
@with_config("gallery", "model")
def status(config: Config, json_output: JsonOption = False) -> None:
    """Say which model the gallery is of, and how far an upgrade is.

    \b
    Examples:
      edgeface model status
      edgeface model status --json | jq .waiting
    """
    from edgeface import succession, wiring

    reached, used = succession.progress(config), succession.in_use(config)
    found = wiring.read_model(used)
    model = found.variant(used.recognition.variant).sha256
    place = str(found.folder)
    if reached is None:
        said = {"model": model, "bundle": place, "new": None, "people": None, "moved": None, "waiting": []}
        _say(said, [f"model {model[:12]} of {place}, and no other"], json_output)
        return
    said = {"model": model, "bundle": place, "new": reached.upgrade.new, "people": len(reached.people)}
    said |= {"moved": reached.moved, "waiting": reached.waiting}
    _say(said, [f"model {model[:12]} of {place}", *_lines(reached, None)], json_output)


def settle(config: Config) -> None:
    """Retire the old model if who was just enrolled was the last to be moved; what hinders it is told only."""
    from edgeface import succession

    try:
        done = succession.finish_if_done(config)
    except StoreError as error:
        report(error)
        return
    if done:
        for line in [_retired(done), *_afterwards(config, done)]:
            tell(line)


def _say(said: dict[str, Any], lines: list[str], json_output: bool) -> None:
    if json_output:
        say_json(said)
        return
    for line in lines:
        say(line)


def _as_json(reached: "Progress", done: "Finished | None") -> dict[str, Any]:
    return {
        "old": reached.upgrade.old,
        "new": reached.upgrade.new,
        "people": len(reached.people),
        "moved": reached.moved,
        "waiting": reached.waiting,
        "looks_behind": reached.looks_behind,
        "finished": done is not None,
        "backup": str(done.backup) if done else None,
    }


def _lines(reached: "Progress", done: "Finished | None") -> list[str]:
    lines = [f"{reached.moved} of {len(reached.people)} people moved to model {reached.upgrade.new[:12]}"]
    if reached.looks_behind:
        lines.append(f"looks without a picture, which go with the old model: {reached.looks_behind}")
    again = "cannot be recognised until enrolled again" if done else "enrol again, or --finish without"
    lines += [f"{again}: {name}" for name in reached.waiting]
    return [*lines, _retired(done)] if done else lines


def _retired(done: "Finished") -> str:
    return f"model {done.upgrade.old[:12]} is retired; to go back: `edgeface gallery restore --force {done.backup}`"


def _afterwards(config: Config, done: "Finished | None") -> list[str]:
    if not done:
        return []
    lines = ["`edgeface calibrate` again: another model has another threshold"]
    if config.recognition.threshold is not None:
        lines.append(f"recognition.threshold = {config.recognition.threshold:g} was the old model's and is not used")
    if done.strangers:
        lines.append(f"forgotten with the old model, as they are not enrolled: {len(done.strangers)}")
    lines += [
        f"not reached: the key file in {folder} still holds keys of them, until a backup is made there"
        for folder in sorted({folder for receipt in done.strangers for folder in receipt.spread.unreached})
    ]
    backups = Path(done.backup).parent
    return [*lines, f"the backup in {backups} holds the looks of the old model: delete it when all is well"]

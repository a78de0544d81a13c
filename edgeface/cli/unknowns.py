"""The commands about people who are not enrolled and are remembered: list, name, ignore, forget."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeface.cli.asking import ask_passphrase
from edgeface.cli.gallery import BACKUPS, remind_of_plain
from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import iso, say, say_json, tell
from edgeface.config import Config
from edgeface.errors import EnrollmentError

if TYPE_CHECKING:
    from edgeface.drivers.store import Gallery
    from edgeface.drivers.unknowns import Unknown, Unknowns

UNKNOWNS_HELP = """Look after people who are not enrolled and come again; docs/unknowns.md explains it.

They are remembered only where unknown.remember is true.

\b
Examples:
  edgeface unknowns list
  edgeface unknowns name unknown-17 alice
  edgeface unknowns forget unknown-17
"""

unknowns_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help=UNKNOWNS_HELP)

UnknownArgument = Annotated[
    str, typer.Argument(metavar="UNKNOWN", help="Who it is, as events and `edgeface unknowns list` call them.")
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Who they are from now on.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Accept a face that looks like somebody else's.")]


@unknowns_app.command("list")
@with_config("gallery")
def list_unknowns(config: Config, json_output: JsonOption = False) -> None:
    """List who is remembered without being enrolled.

    \b
    Examples:
      edgeface unknowns list
      edgeface unknowns list --json
    """
    from edgeface.drivers.gallery_file import exists

    everybody: list[Unknown] = []
    if exists(Path(config.gallery.path)):
        with _opened(config, read_only=True) as (_, unknowns):
            everybody = unknowns.everybody()
    for one in everybody:
        if json_output:
            say_json(_fields(one))
        else:
            say(_line(one))
    if not everybody:
        tell(f"no unknown person is remembered in {config.gallery.path}")


@unknowns_app.command("name")
@with_config("gallery", "model")
def name_unknown(
    config: Config,
    unknown: UnknownArgument,
    name: NameArgument,
    force: ForceOption = False,
    json_output: JsonOption = False,
) -> None:
    """Enrol somebody with the looks of them that are remembered.

    It is an enrolment like any other: ask them first, and note their consent with `edgeface consent`. Looks from the
    camera are poorer than a good photo; `edgeface enroll` adds one.

    \b
    Examples:
      edgeface unknowns name unknown-17 alice && edgeface consent alice --text 2026-11
    """
    from edgeface import succession, wiring, wiring_household
    from edgeface.drivers.unknowns import number_of

    config = succession.in_use(config)
    bundle = wiring.read_model(config)
    model = bundle.variant(config.recognition.variant).sha256
    with _opened(config, model) as (gallery, unknowns):
        number = number_of(unknown)
        if not force:
            policy = wiring_household.household_policy(config, wiring.make_policy(config, bundle), gallery)
            _refuse_somebody_else(gallery, unknowns, number, name, policy.threshold)
        identity = unknowns.name(number, name)
        looks = gallery.looks_of(identity)
    if json_output:
        say_json({"name": identity.name, "was": f"unknown-{number}", "looks": looks})
    else:
        say(f"unknown-{number} is {identity.name} from now on: {looks} look{'s' * (looks != 1)} in all")
    tell(f"once they agree: edgeface consent {identity.name} --text VERSION")


@unknowns_app.command("ignore")
@with_config("gallery")
def ignore(config: Config, unknown: UnknownArgument, json_output: JsonOption = False) -> None:
    """Tell nothing more of somebody, for good.

    Their vectors must be kept for that, without an end, until `edgeface unknowns forget`.

    \b
    Examples:
      edgeface unknowns ignore unknown-17
    """
    from edgeface.drivers.unknowns import number_of

    with _opened(config) as (_, unknowns):
        one = unknowns.ignore(number_of(unknown))
    if json_output:
        say_json(_fields(one))
    else:
        say(f"{one.name} is ignored from now on")


@unknowns_app.command("forget")
@with_config("gallery")
def forget_unknown(config: Config, unknown: UnknownArgument, json_output: JsonOption = False) -> None:
    """Forget somebody as `edgeface forget` does, and print a receipt.

    Their vectors are overwritten. In an encrypted gallery their key is destroyed.

    \b
    Examples:
      edgeface unknowns forget unknown-17
    """
    from edgeface.drivers.gallery_backup import plain_copies
    from edgeface.drivers.unknowns import number_of

    number = number_of(unknown)
    with _opened(config) as (_, unknowns):
        receipt = unknowns.forget(number)
    for folder in receipt.spread.unreached:
        tell(f"not reached: the key file in {folder} still holds their key, until a backup is made there")
    path = Path(config.gallery.path)
    remind_of_plain(plain_copies(path, path.parent / BACKUPS), f"unknown-{number}")
    if json_output:
        fields = {"looks_removed": receipt.looks, "keys_destroyed": receipt.keys, "audit": receipt.entry.number}
        say_json({"unknown": f"unknown-{number}", **fields, "hash": receipt.entry.hash.hex()})
        return
    say(f"forgot unknown-{number}: {receipt.looks} look{'s' * (receipt.looks != 1)} deleted")
    if receipt.keys:
        say(f"destroyed {receipt.keys} key{'s' * (receipt.keys != 1)}")
    say(f"entry {receipt.entry.number} of the audit log, {receipt.entry.hash.hex()}")


@contextmanager
def _opened(config: Config, model: str = "", *, read_only: bool = False) -> "Iterator[tuple[Gallery, Unknowns]]":
    from edgeface import wiring, wiring_sightings
    from edgeface.drivers.gallery_file import require

    require(Path(config.gallery.path))
    with wiring.open_gallery(config, model, read_only=read_only, ask=ask_passphrase) as gallery:
        yield gallery, wiring_sightings.open_unknowns(config, gallery)


def _refuse_somebody_else(gallery: "Gallery", unknowns: "Unknowns", number: int, name: str, threshold: float) -> None:
    """Raise EnrollmentError where a remembered look names somebody who is enrolled by another name."""
    for look in unknowns.looks_of(number):
        for identity, similarity in gallery.nearest(look, 1):
            if similarity >= threshold and identity.name != name.strip():
                raise EnrollmentError(
                    f"unknown-{number} looks like {identity.name} (similarity {similarity:.2f})",
                    hint=f"`edgeface unknowns name unknown-{number} {identity.name}`, or --force when it is another",
                )


def _fields(one: "Unknown") -> dict[str, Any]:
    times = {"first": iso(one.first), "last": iso(one.last)}
    return {"unknown": one.name, "visits": one.visits, **times, "looks": one.looks, "ignored": one.ignored}


def _line(one: "Unknown") -> str:
    visits = f"{one.visits} visit{'s' * (one.visits != 1)}"
    return f"{one.name}  {visits}, first {iso(one.first)}, last {iso(one.last)}{', ignored' if one.ignored else ''}"

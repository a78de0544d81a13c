"""The commands for single looks: list them, set some aside, take them back, delete their pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeface.cli.asking import ask_passphrase
from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import iso, say, say_json, tell
from edgeface.config import Config

if TYPE_CHECKING:
    from edgeface.drivers.gallery_rows import Template

Numbers = Annotated[
    list[int], typer.Argument(metavar="LOOK...", help="Numbers of looks, as `edgeface gallery looks` lists them.")
]


@with_config("gallery")
def list_looks(
    config: Config,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Of one person; of all, if none is given.")] = None,
    json_output: JsonOption = False,
) -> None:
    """List every stored look with its number, where it is from, and why it is set aside if it is.

    \b
    Examples:
      edgeface gallery looks
      edgeface gallery looks alice --json
    """
    from edgeface import wiring
    from edgeface.core.names import suggest
    from edgeface.errors import StoreError

    with wiring.open_gallery(config, "", read_only=True, ask=ask_passphrase) as gallery:
        looks = gallery.looks()
    known = {look.identity.name for look in looks}
    if name is not None and name not in known:
        raise StoreError(f"nobody called {name!r} is in gallery {config.gallery.path}", hint=suggest(name, known))
    for look in looks:
        if name in (None, look.identity.name):
            _say(look, json_output=json_output)


@with_config("gallery")
def set_aside(
    config: Config,
    numbers: Numbers,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for later.")] = "set aside by hand",
    json_output: JsonOption = False,
) -> None:
    """Set looks aside: nobody is compared with them until they are taken back.

    `edgeface calibrate` names looks that are nearer to somebody else than to their own person, or like none of that
    person's others. The last look in use of a person stays. Exported files leave out what is set aside.

    \b
    Examples:
      edgeface gallery set-aside 7
      edgeface gallery set-aside 7 12 --reason "a photo of bob"
    """
    from edgeface import wiring
    from edgeface.drivers import gallery_care
    from edgeface.drivers.gallery_file import require

    require(Path(config.gallery.path))
    with wiring.open_gallery(config, "", ask=ask_passphrase) as gallery:
        for look in gallery_care.set_aside(gallery, numbers, reason):
            if json_output:
                say_json({"look": look.id, "name": look.identity.name, "set_aside": reason})
            else:
                say(f"look {look.id} of {look.identity.name} is set aside: {reason}")
    tell("`edgeface calibrate` again: others are compared now")


@with_config("gallery")
def take_back(config: Config, numbers: Numbers, json_output: JsonOption = False) -> None:
    """Use looks again that were set aside.

    \b
    Examples:
      edgeface gallery take-back 7
    """
    from edgeface import wiring
    from edgeface.drivers import gallery_care
    from edgeface.drivers.gallery_file import require

    require(Path(config.gallery.path))
    with wiring.open_gallery(config, "", ask=ask_passphrase) as gallery:
        for look in gallery_care.take_back(gallery, numbers):
            if json_output:
                say_json({"look": look.id, "name": look.identity.name, "set_aside": None})
            else:
                say(f"look {look.id} of {look.identity.name} is in use again")


@with_config("gallery")
def drop_chips(
    config: Config,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Of one person; of all, if none is given.")] = None,
    json_output: JsonOption = False,
) -> None:
    """Delete the pictures that gallery.keep_chips keeps of looks; the looks stay.

    They are overwritten in the gallery's file. Older backups still hold them.

    \b
    Examples:
      edgeface gallery drop-chips
      edgeface gallery drop-chips alice
    """
    from edgeface import wiring
    from edgeface.drivers import gallery_care
    from edgeface.drivers.gallery_file import require

    require(Path(config.gallery.path))
    with wiring.open_gallery(config, "") as gallery:
        dropped = gallery_care.drop_chips(gallery, name)
    if json_output:
        say_json({"name": name, "chips_removed": dropped})
    else:
        say(f"deleted {dropped} picture{'s' * (dropped != 1)}")
    if config.gallery.keep_chips != "never":
        tell(f'gallery.keep_chips is "{config.gallery.keep_chips}": pictures are kept again at the next enrolment')


def _say(look: "Template", *, json_output: bool) -> None:
    if json_output:
        say_json(
            {
                "look": look.id,
                "name": look.identity.name,
                "source": look.source,
                "enrolled": iso(look.created),
                "set_aside": look.set_aside,
            }
        )
        return
    aside = "" if look.set_aside is None else f", set aside: {look.set_aside}"
    say(f"{look.id}  {look.identity.name}  {look.source}, {iso(look.created)}{aside}")

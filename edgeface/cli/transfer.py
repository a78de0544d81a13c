"""The commands that move people to another device: gallery export and import."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from edgeface.cli.asking import ask, ask_passphrase
from edgeface.cli.gallery import amounts
from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import say, say_json
from edgeface.config import Config
from edgeface.errors import ConfigError

PassphraseOption = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="PATH", help="Read the passphrase from a file instead of asking."),
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The file of people.")]


@with_config("gallery")
def export_people(
    config: Config,
    file: FileArgument,
    names: Annotated[
        list[str] | None, typer.Option("--name", metavar="NAME", help="Only this person; repeatable.")
    ] = None,
    person: Annotated[
        str | None,
        typer.Option("--person", metavar="NAME", help="All that is kept about this person, as plain JSON for them."),
    ] = None,
    passphrase_file: PassphraseOption = None,
    json_output: JsonOption = False,
) -> None:
    """Write people and their looks to one new file, encrypted with a passphrase.

    Without the passphrase nobody can read it. It needs the extra secure. With --person the file is not encrypted:
    it answers somebody who asks what is kept about them.

    \b
    Examples:
      edgeface gallery export family.people
      edgeface gallery export alice.people --name alice
      edgeface gallery export alice.json --person alice
    """
    from edgeface import wiring
    from edgeface.drivers.disclosure import disclose
    from edgeface.drivers.gallery_file import require
    from edgeface.drivers.gallery_transfer import export_people

    require(Path(config.gallery.path))
    with wiring.open_gallery(config, "", ask=ask_passphrase) as gallery:
        if person:
            if names or passphrase_file:
                raise ConfigError("--person goes with neither --name nor --passphrase-file")
            looks = disclose(gallery, Path(config.gallery.path), person, file)
            _say_exported(file, 1, looks, json_output=json_output)
            return
        passphrase = _passphrase(passphrase_file, twice=True)
        people, looks = export_people(gallery, file, passphrase, names or [])
    _say_exported(file, people, looks, json_output=json_output)


@with_config("gallery", "model")
def import_people(
    config: Config,
    file: FileArgument,
    on_conflict: Annotated[
        Literal["skip", "rename", "replace"],
        typer.Option("--on-conflict", help="What becomes of somebody whose name is in the gallery already."),
    ] = "skip",
    passphrase_file: PassphraseOption = None,
    json_output: JsonOption = False,
) -> None:
    """Add the people of a file to the gallery: all of them, or nobody when anything is wrong.

    Looks that another model made are refused: they cannot be compared with this device's.

    \b
    Examples:
      edgeface gallery import family.people
      edgeface gallery import family.people --on-conflict replace
    """
    from edgeface import succession, wiring
    from edgeface.drivers.gallery_transfer import import_people

    config = succession.in_use(config)
    model = wiring.read_model(config).variant(config.recognition.variant).sha256
    passphrase = _passphrase(passphrase_file, twice=False)
    path, master = Path(config.gallery.path), wiring.make_master(config, ask_passphrase)
    for person in import_people(file, passphrase, path, model=model, rule=on_conflict, master=master):
        if json_output:
            stored = {"name": person.name, "stored_as": person.stored_as, "looks": person.looks}
            say_json({**stored, "action": person.action})
        elif person.stored_as is None:
            say(f"skipped {person.name}, who is enrolled already")
        else:
            renamed = f" as {person.stored_as}" if person.action == "renamed" else ""
            say(f"{person.action} {person.name}{renamed}: {person.looks} look{'s' * (person.looks != 1)}")


def _say_exported(file: Path, people: int, looks: int, *, json_output: bool) -> None:
    if json_output:
        say_json({"file": str(file), "people": people, "looks": looks})
    else:
        say(f"{file}: {amounts(people, looks)}")


def _passphrase(file: Path | None, *, twice: bool) -> str:
    if file:
        from edgeface.drivers.sealed import read_passphrase

        return read_passphrase(file)
    return ask("passphrase", twice=twice, instead="give it with --passphrase-file")

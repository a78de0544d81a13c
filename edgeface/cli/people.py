"""The commands that keep the gallery: enroll, list, forget."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeface.cli.asking import ask_passphrase
from edgeface.cli.control import call_if_there, named_gallery, needs_the_daemon
from edgeface.cli.gallery import remind_of_plain
from edgeface.cli.options import JsonOption, SocketOption, with_config, with_source
from edgeface.cli.output import iso, say, say_json, tell
from edgeface.cli.serve import forget_from, list_in
from edgeface.config import Config
from edgeface.errors import ConfigError

if TYPE_CHECKING:
    from edgeface.app.enroll import Enrolled, Enroller
    from edgeface.drivers.control_client import ControlClient

ENROLL_SECONDS = 660.0
"""An enrolment that looks for ten minutes may be silent all the time."""

PhotosOrSource = Annotated[
    list[str] | None,
    typer.Argument(metavar="PHOTO...", help="Photos of one person; with --camera: the source, if not the usual one."),
]
NameOption = Annotated[str, typer.Option("--name", metavar="NAME", help="Who it is.")]
CameraFlag = Annotated[
    bool, typer.Option("--camera", help="Take the best look of a few seconds at the camera instead.")
]
SecondsOption = Annotated[
    float | None,
    typer.Option("--seconds", min=0.1, metavar="S", help="How long, as enrollment.seconds does."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Accept a face that looks like somebody else's.")]


@with_config("gallery", "model")
def enroll(
    config: Config,
    photos: PhotosOrSource = None,
    *,
    name: NameOption,
    camera: CameraFlag = False,
    seconds: SecondsOption = None,
    force: ForceOption = False,
    socket: SocketOption = None,
    json_output: JsonOption = False,
) -> None:
    """Enrol a person from photos or from the camera.

    Each photo needs one face, large, sharp, well lit and from the front, and becomes a look of its own. When
    one is refused, nothing is stored. More photos of somebody enrolled add looks.

    While a daemon listens, --camera without a source, or with the name of one of several cameras, means the daemon's
    camera and gallery; see docs/daemon.md.

    \b
    Examples:
      edgeface enroll --name alice alice.jpg
      edgeface enroll --name alice glasses.jpg no-glasses.jpg
      edgeface enroll --name bob --camera
      edgeface enroll --name bob --camera rtsp://192.168.1.20/stream
    """
    given = photos or []
    if camera and len(given) > 1:
        raise ConfigError(f"--camera takes one source, not {len(given)}")
    if not camera and not given:
        raise ConfigError("no photo is given", hint="name photos, or use --camera")
    named = given[0] if camera and given and any(each.name == given[0] for each in config.cameras) else ""
    if socket and given and not named:
        raise ConfigError("--socket takes neither photos nor a source", hint="use --camera alone: the daemon's own")
    daemon = call_if_there(config, socket) if camera and (named or not given) else None
    if daemon:
        with daemon:
            enrolled = _by_the_daemon(daemon, config, name, seconds, force, named)
    else:
        enrolled = _here(config, given, name, seconds, camera=camera, force=force)
    _say_enrolled(enrolled, json_output=json_output)


@with_config("gallery")
def list_people(config: Config, socket: SocketOption = None, json_output: JsonOption = False) -> None:
    """List who is enrolled.

    A gallery that only the running daemon may read is asked of it.

    \b
    Examples:
      edgeface list
      edgeface list --json
    """
    answer = _of_the_daemon(config, socket, {"ask": "list"})
    path = answer["gallery"] if answer else config.gallery.path
    people = answer["people"] if answer else list(map(asdict, list_in(config)))
    for person in people:
        since = iso(person["enrolled"])
        if json_output:
            say_json({**person, "enrolled": since})
        else:
            say(f"{person['name']}  {_looks(person['looks'])}, since {since}")
    if not people:
        tell(f"nobody is enrolled in {path}")


@with_config("gallery")
def forget(
    config: Config,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who it is, as `edgeface list` spells it.")],
    socket: SocketOption = None,
    json_output: JsonOption = False,
) -> None:
    """Forget a person: delete all their looks from the gallery, and print a receipt.

    Their vectors are overwritten. In an encrypted gallery their key is destroyed, so that older backups no longer
    open for them either; backups that are not encrypted still hold them. A gallery that only the running daemon may
    read is left to it.

    \b
    Examples:
      edgeface forget alice
    """
    receipt = _of_the_daemon(config, socket, {"ask": "forget", "name": name}) or forget_from(config, name)
    if json_output:
        say_json(receipt)
    else:
        _say_receipt(receipt)
    for folder in receipt["unreached"]:
        tell(f"not reached: the key file in {folder} still holds the key of {name}, until a backup is made there")
    remind_of_plain(receipt["plain_copies"], name)


def _here(
    config: Config, given: list[str], name: str, seconds: float | None, *, camera: bool, force: bool
) -> dict[str, Any]:
    """Enrol in this process, from photos or a camera of its own."""
    from edgeface import succession
    from edgeface.app.enroll import describe_enrolled
    from edgeface.cli.model import settle

    given_config = config
    with succession.enrolling(config, ask_passphrase, live=camera) as (enroller, gallery):
        if camera:
            config = with_source(config, given[0] if given else None)
            enrolled = _from_camera(config, enroller, name, seconds or config.enrollment.seconds, force)
        else:
            enrolled = _from_photos(given, enroller, name, force)
        described = describe_enrolled(enrolled, gallery.looks_of(enrolled.identity))
    settle(given_config)
    return described


def _by_the_daemon(
    daemon: "ControlClient", config: Config, name: str, seconds: float | None, force: bool, camera: str
) -> dict[str, Any]:
    request = {"ask": "enroll", "name": name, "force": force, "gallery": named_gallery(config)}
    request |= {"camera": camera} if camera else {}
    return daemon.ask(request | ({"seconds": seconds} if seconds else {}), tell=tell, seconds=ENROLL_SECONDS)


def _of_the_daemon(config: Config, socket: Path | None, request: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the daemon answers, or None when the gallery is to be used here."""
    if not socket and not needs_the_daemon(config):
        return None
    daemon = call_if_there(config, socket)
    if daemon is None:
        return None
    with daemon:
        return daemon.ask(request | {"gallery": named_gallery(config)})


def _say_receipt(receipt: dict[str, Any]) -> None:
    name, keys = receipt["name"], receipt["keys_destroyed"]
    chips = receipt["chips_removed"]
    pictures = f" and {chips} picture{'s' * (chips != 1)}" if chips else ""
    say(f"forgot {name}: {_looks(receipt['looks_removed'])}{pictures} deleted")
    if keys:
        say(f"destroyed {keys} key{'s' * (keys != 1)} in {', '.join(receipt['key_files'])}")
    say(f"entry {receipt['audit']} of the audit log, {receipt['hash']}")


def _from_photos(photos: list[str], enroller: "Enroller", name: str, force: bool) -> "Enrolled":
    from edgeface.drivers.photos import read_photo

    return enroller.from_photos(name, list(map(Path, photos)), read=read_photo, force=force)


def _from_camera(config: Config, enroller: "Enroller", name: str, seconds: float, force: bool) -> "Enrolled":
    from edgeface import wiring_cameras

    with wiring_cameras.make_camera(config) as source:
        tell(f"looking at {source.name} for {seconds:g} s")
        return enroller.from_camera(name, source, seconds=seconds, tell=tell, force=force)


def _say_enrolled(enrolled: dict[str, Any], *, json_output: bool) -> None:
    if json_output:
        say_json(enrolled)
        return
    for look in enrolled["added"]:
        say(f"{look['source']}: quality {look['quality']:.2f}, face {look['face_px']} px wide")
    say(f"enrolled {enrolled['name']}: {len(enrolled['added'])} added, {_looks(enrolled['looks'])} in all")


def _looks(number: int) -> str:
    return f"{number} look{'s' * (number != 1)}"

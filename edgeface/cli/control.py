"""The commands that ask a running daemon: status, reload and snapshot."""

import base64
import binascii
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeface.cli.options import JsonOption, SocketOption, with_config
from edgeface.cli.output import iso, say, say_json
from edgeface.cli.places import SERVICE_SOCKET, default_gallery
from edgeface.config import Config
from edgeface.errors import ConfigError, ControlError, HardwareError, NoDaemon, StoreError

if TYPE_CHECKING:
    from edgeface.drivers.control_client import ControlClient


@with_config()
def status(config: Config, socket: SocketOption = None, json_output: JsonOption = False) -> None:
    """Say how the running daemon is: cameras, frames a second, who came last, people, model and sinks.

    Who is neither root nor the daemon's user nor in its group learns no names.

    \b
    Examples:
      edgeface status
      edgeface status --json | jq .cameras
      edgeface status --socket /run/edgeface-door/control.sock
    """
    with call(config, socket) as daemon:
        said = daemon.ask({"ask": "status"})
    for camera in said["cameras"]:
        camera["since"] = camera["since"] and iso(camera["since"])
    if said["last_event"]:
        said["last_event"]["at"] = iso(said["last_event"]["at"])
    if json_output:
        say_json(said)
    else:
        for line in _lines(said):
            say(line)


@with_config()
def reload(config: Config, socket: SocketOption = None, json_output: JsonOption = False) -> None:
    """Have the running daemon read its settings again, and say what is wrong with them if they are refused.

    \b
    Examples:
      edgeface reload
    """
    with call(config, socket) as daemon:
        said = daemon.ask({"ask": "reload"})
    if json_output:
        say_json(said)
    else:
        say("the settings changed, the daemon begins again with them" if said["changed"] else "no setting changed")


@with_config()
def snapshot(
    config: Config,
    out: Annotated[Path, typer.Argument(metavar="OUT.jpg", help="The picture to write; only you can read it.")],
    camera: Annotated[
        str, typer.Option("--camera", metavar="NAME", help="Which of its several cameras; otherwise the first.")
    ] = "",
    socket: SocketOption = None,
    json_output: JsonOption = False,
) -> None:
    """Write what the running daemon's camera sees now.

    \b
    Examples:
      edgeface snapshot now.jpg
      edgeface snapshot now.jpg --camera door
    """
    from edgeface.drivers.durable import replacing

    if out.suffix.lower() not in (".jpg", ".jpeg"):
        raise ConfigError(f"snapshot {out} would be a JPEG", hint="give a name that ends in .jpg")
    with call(config, socket) as daemon:
        said = daemon.ask({"ask": "snapshot"} | ({"camera": camera} if camera else {}))
        try:
            picture = base64.b64decode(said["jpeg"], validate=True)
        except binascii.Error as error:
            raise ControlError(f"{daemon} sent no picture") from error
    try:
        with replacing(out) as draft:
            draft.write_bytes(picture)
    except OSError as error:
        raise HardwareError(f"snapshot {out} cannot be written: {error.strerror}") from error
    size = {"width": said["width"], "height": said["height"]}
    if json_output:
        say_json({"path": str(out), **size})
    else:
        say(f"{out}: {size['width']}x{size['height']}")


def call(config: Config, socket: Path | None) -> "ControlClient":
    """Connect to the daemon at a socket, or else that of the settings, or of the shipped unit.

    Raise NoDaemon when none listens, ControlError when it is not for you.
    """
    from edgeface.drivers.control_client import ControlClient

    return ControlClient(socket or Path(config.control.socket or SERVICE_SOCKET).expanduser())


def call_if_there(config: Config, socket: Path | None) -> "ControlClient | None":
    """Connect likewise, but return None when no daemon listens where nobody said that one does."""
    try:
        return call(config, socket)
    except NoDaemon:
        if socket:
            raise
        return None


def named_gallery(config: Config) -> str:
    """Return the absolute path of a gallery that was asked for; nothing when it is the usual one."""
    path = Path(config.gallery.path)
    return "" if path == default_gallery(os.environ) else str(path.resolve())


def needs_the_daemon(config: Config) -> bool:
    """Tell whether the gallery cannot be read here, or is the usual one and not there."""
    from edgeface.drivers.gallery_file import exists

    path = Path(config.gallery.path)
    try:
        if not exists(path):
            return not named_gallery(config)
    except StoreError:
        return True
    return not os.access(path, os.R_OK)


def _lines(said: dict[str, Any]) -> list[str]:
    fps, event = said["frames_per_second"], said["last_event"]
    pace = "counting frames" if fps is None else f"{fps:g} frames a second"
    lines = [f"edgeface {said['version']}: up {timedelta(seconds=round(said['uptime_seconds']))}, {pace}"]
    for camera in said["cameras"]:
        since = f" since {camera['since']}" if camera["since"] else ""
        detail = f": {camera['detail'] or camera['reason']}" if camera["reason"] else ""
        lines.append(f"camera {camera['name'] or '-'}: {camera['state']}{since}{detail}")
    lines.append(f"people: {said['people']}{' in ' + said['gallery'] if said['gallery'] else ''}")
    lines.append(f"model: {said['model']}")
    if said["upgrade"]:
        lines.append("upgrade to {to}: {moved} of {people} people moved".format(**said["upgrade"]))
    if event:
        seen_by = f" at camera {event['camera']}" if event.get("camera") else ""
        lines.append(f"last event: {event['name'] or 'somebody unknown'} {event['kind']} at {event['at']}{seen_by}")
    for sink in said["sinks"]:
        fared = ", ".join(f"{sink[key]} {key}" for key in ("waiting", "delivered", "failed", "dropped"))
        lines.append(f"sink {sink['name']}: {fared}")
    return lines

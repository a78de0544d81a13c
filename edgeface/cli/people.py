"""The commands that keep the gallery: enroll, list, forget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeface.cli.gallery import BACKUPS
from edgeface.cli.options import JsonOption, with_config, with_source
from edgeface.cli.output import iso, say, say_json, tell
from edgeface.config import Config
from edgeface.errors import ConfigError

if TYPE_CHECKING:
    from edgeface.app.enroll import Enrolled, Enroller


PhotosOrSource = Annotated[
    list[str] | None,
    typer.Argument(metavar="PHOTO", help="Photos of one person; with --camera: the source, if not the usual one."),
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
    json_output: JsonOption = False,
) -> None:
    """Enrol a person from photos or from the camera.

    Each photo needs one face, large, sharp, well lit and from the front, and becomes a look of its own. When
    one is refused, nothing is stored. More photos of somebody enrolled add looks.

    \b
    Examples:
      edgeface enroll --name alice alice.jpg
      edgeface enroll --name alice glasses.jpg no-glasses.jpg
      edgeface enroll --name bob --camera
      edgeface enroll --name bob --camera rtsp://192.168.1.20/stream
    """
    from edgeface import wiring

    given = photos or []
    if camera and len(given) > 1:
        raise ConfigError(f"--camera takes one source, not {len(given)}")
    if not camera and not given:
        raise ConfigError("no photo is given", hint="name photos, or use --camera")
    parts = wiring.make_parts(config)
    with wiring.open_gallery(config, parts.embedder.model) as gallery:
        enroller = wiring.make_enroller(wiring.for_household(config, parts, gallery), gallery)
        if camera:
            config = with_source(config, given[0] if given else None)
            enrolled = _from_camera(config, enroller, name, seconds or config.enrollment.seconds, force)
        else:
            enrolled = _from_photos(given, enroller, name, force)
        total = next(person.looks for person in gallery.people() if person.identity == enrolled.identity)
    _say_enrolled(enrolled, total, json_output=json_output)


@with_config("gallery")
def list_people(config: Config, json_output: JsonOption = False) -> None:
    """List who is enrolled.

    \b
    Examples:
      edgeface list
      edgeface list --json
    """
    from edgeface import wiring
    from edgeface.drivers.gallery_file import exists

    people = []
    if exists(Path(config.gallery.path)):
        with wiring.open_gallery(config, "", read_only=True) as gallery:
            people = gallery.people()
    for person in people:
        name, since = person.identity.name, iso(person.enrolled)
        if json_output:
            say_json({"name": name, "looks": person.looks, "enrolled": since, "model": person.model})
        else:
            say(f"{name}  {person.looks} look{'s' * (person.looks != 1)}, since {since}")
    if not people:
        tell(f"nobody is enrolled in {config.gallery.path}")


@with_config("gallery")
def forget(
    config: Config,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who it is, as `edgeface list` spells it.")],
    json_output: JsonOption = False,
) -> None:
    """Forget a person: delete all their looks from the gallery.

    Their vectors are overwritten. Backups made before still hold them.

    \b
    Examples:
      edgeface forget alice
    """
    from edgeface import wiring
    from edgeface.drivers.gallery_backup import backups_in
    from edgeface.drivers.gallery_file import require

    path = Path(config.gallery.path)
    require(path)
    with wiring.open_gallery(config, "") as gallery:
        removed = gallery.forget(name)
    if json_output:
        say_json({"name": name, "looks_removed": removed})
    else:
        say(f"forgot {name}: {removed} look{'s' * (removed != 1)} deleted")
    if backups_in(path.parent / BACKUPS):
        tell(f"backups in {path.parent / BACKUPS} may still hold {name}")


def _from_photos(photos: list[str], enroller: "Enroller", name: str, force: bool) -> "Enrolled":
    from edgeface.drivers.photos import read_photo

    return enroller.from_photos(name, list(map(Path, photos)), read=read_photo, force=force)


def _from_camera(config: Config, enroller: "Enroller", name: str, seconds: float, force: bool) -> "Enrolled":
    from edgeface import wiring

    with wiring.make_camera(config) as source:
        tell(f"looking at {source.name} for {seconds:g} s")
        return enroller.from_camera(name, source, seconds=seconds, tell=tell, force=force)


def _say_enrolled(enrolled: "Enrolled", total: int, *, json_output: bool) -> None:
    name, looks = enrolled.identity.name, enrolled.looks
    if json_output:
        described = [
            {
                "source": look.source,
                "quality": round(look.quality.score, 3),
                "face_px": round(look.quality.face_px),
            }
            for look in looks
        ]
        say_json({"name": name, "added": described, "looks": total})
        return
    for look in looks:
        say(f"{look.source}: quality {look.quality.score:.2f}, face {look.quality.face_px:.0f} px wide")
    say(f"enrolled {name}: {len(looks)} added, {total} look{'s' * (total != 1)} in all")

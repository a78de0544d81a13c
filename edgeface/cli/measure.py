"""The commands for people who measure: embed and evaluate lfw."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import progress, say, say_json, tell
from edgeface.config import Config
from edgeface.errors import ConfigError

EVALUATE_HELP = """Measure the model: on a published protocol, or on people of your own.

\b
Examples:
  edgeface evaluate lfw lfw/ --pairs pairs.txt
  edgeface evaluate people chips/ --out report/
"""

evaluate_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help=EVALUATE_HELP)

PhotosOrFolders = Annotated[
    list[str],
    typer.Argument(metavar="PHOTO_OR_FOLDER...", help="Photos, and folders of photos at any depth."),
]
ChipsOption = Annotated[bool, typer.Option("--chips", help="They are aligned chips already, of 112 or 128 pixels.")]


@with_config("model")
def embed(
    config: Config,
    photos: PhotosOrFolders,
    out: Annotated[Path, typer.Option("--out", metavar="X.npz", help="The file to write.")],
    chips: ChipsOption = False,
    json_output: JsonOption = False,
) -> None:
    """Write the embedding of the largest face of each photo to an .npz file.

    It holds `names` (each path as given), `vectors` (unit length, float32) and `model` (the SHA-256 of the
    model file). Photos without a face are listed on standard error and left out.

    \b
    Examples:
      edgeface embed photos/ --out photos.npz
      edgeface embed --chips chips/ --out chips.npz
    """
    from edgeface import succession, wiring
    from edgeface.app.embed import aligned_chip, embed_photos, largest_face, save
    from edgeface.drivers.photos import read_photo

    if not _is_folder(out.parent) or _is_folder(out):
        raise ConfigError(f"--out {out} cannot be written", hint="name a file in a folder that exists")
    named = list(_expand(photos))
    config = succession.in_use(config)  # `edgeface calibrate` reads the vectors, with the gallery's model
    embedder = wiring.make_embedder(config, wiring.read_model(config))
    cut = aligned_chip if chips else largest_face(wiring.make_detector(config))
    with progress(len(named), "photos") as counter:
        embedded = embed_photos(named, read=read_photo, cut=cut, embedder=embedder, on_photo=counter)
    save(out, embedded, embedder.model)
    for line in embedded.skipped:
        tell(f"left out {line}")
    done, skipped = len(embedded.names), len(embedded.skipped)
    if json_output:
        say_json({"out": str(out), "embedded": done, "left_out": skipped, "model": embedder.model})
    else:
        say(f"{out}: {done} vectors of {embedded.vectors.shape[1]} numbers, {skipped} photos left out")


@evaluate_app.command("lfw")
@with_config("model")
def lfw(
    config: Config,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with one folder a person.")],
    pairs: Annotated[Path, typer.Option("--pairs", metavar="PAIRS.txt", help="The pairs, as published.")],
    json_output: JsonOption = False,
) -> None:
    """Measure verification accuracy by the ten-fold protocol of Labeled Faces in the Wild.

    Each fold is judged at the threshold that is best on the other nine. A pair with a photo in which no face
    is found counts as an error. Of several faces in a photo, the one nearest to its centre counts.

    \b
    Examples:
      edgeface evaluate lfw lfw/ --pairs pairs.txt
      edgeface evaluate lfw lfw/ --pairs pairs.txt --json
    """
    from edgeface import wiring
    from edgeface.app.lfw import evaluate, photos_of, read_pairs
    from edgeface.drivers.photos import read_photo

    couples = read_pairs(pairs)
    embedder = wiring.make_embedder(config, wiring.read_model(config))
    detector = wiring.make_detector(config)
    with progress(len(photos_of(couples)), "photos") as counter:
        measured = evaluate(folder, couples, read=read_photo, detector=detector, embedder=embedder, on_photo=counter)
    if json_output:
        say_json({key: round(value, 6) for key, value in asdict(measured).items()})
        return
    say(
        f"accuracy {measured.accuracy:.4f} ± {measured.standard_error:.4f} (standard error) on "
        f"{measured.pairs} pairs, {measured.pairs_without_a_face} of them without a face in a photo"
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # its name is too long, or hidden from us: whoever reads or writes it will say so
        return False


def _expand(photos: list[str]) -> list[tuple[str, Path]]:
    """Return each photo's name and path; a folder stands for the photos in it at any depth, sorted."""
    from edgeface.drivers.photos import SUFFIXES

    named = []
    for given in photos:
        path = Path(given)
        if not _is_folder(path):
            named.append((given, path))
            continue
        inside = sorted(photo for photo in path.rglob("*") if photo.suffix.lower() in SUFFIXES and photo.is_file())
        if not inside:
            raise ConfigError(f"folder {given} holds no photo", hint=f"a photo ends in {', '.join(SUFFIXES)}")
        named += [(f"{given.rstrip('/')}/{photo.relative_to(path).as_posix()}", photo) for photo in inside]
    return named

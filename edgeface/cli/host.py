"""The commands of the training host: prepare, train and export. The package edgeface_train does the work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from edgeface.cli.options import JsonOption
from edgeface.errors import MissingExtra

EXTRA_PACKAGES = ("tensorflow", "keras", "matplotlib")


def prepare(
    photos: Annotated[Path, typer.Argument(metavar="PHOTOS", help="Folder with a folder of photos a person.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write aligned chips to.")],
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, metavar="N", help="Processes, one a core unless given.")
    ] = None,
    chips: Annotated[bool, typer.Option("--chips", help="The photos are aligned chips already.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Find, align and check the faces of a folder of photos, one folder a person, for training.

    \b
    Examples:
      edgeface prepare photos/ chips/
      edgeface prepare --workers 4 photos/ chips/
    """
    with needing_the_extra():
        from edgeface_train import commands

        commands.prepare(photos, out, workers, chips, json_output)


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name, or its TOML file.")],
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Folder with prepared chips.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="RUN", help="Folder of the run.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("-o", "--option", metavar="KEY=VALUE", help="Change one value of the recipe."),
    ] = None,
) -> None:
    """Train a network as a recipe says, with checkpoints from which --resume goes on exactly.

    \b
    Examples:
      edgeface train demo
      edgeface train my-recipe.toml --data chips/ --out runs/first
      edgeface train my-recipe.toml --data chips/ --out runs/first --resume
    """
    with needing_the_extra():
        from edgeface_train import commands

        commands.train(recipe, data, out, resume, settings or [])


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    out: Annotated[Path, typer.Option("--out", metavar="BUNDLE", help="Folder to write the bundle to.")],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The model's name in its card.")] = None,
) -> None:
    """Quantise a trained network and write a bundle for devices, with thresholds measured on that very file.

    \b
    Examples:
      edgeface export runs/first --out my-model
      edgeface enroll --model my-model --name alice alice.jpg
    """
    with needing_the_extra():
        from edgeface_train import commands

        commands.export(run, out, name)


@contextmanager
def needing_the_extra() -> Iterator[None]:
    """Turn the absence of a package of the train extra, and nothing else, into MissingExtra."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRA_PACKAGES:
            raise
        shown = {"tensorflow": "TensorFlow", "keras": "Keras", "matplotlib": "Matplotlib"}[package]
        raise MissingExtra(
            f"training needs {shown}, which is not installed", hint="pip install 'edgeface[train]'"
        ) from error

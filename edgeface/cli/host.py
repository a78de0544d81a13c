"""The commands of the training host: prepare, data, train and export. The package edgeface_train does the work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from edgeface.cli.options import JsonOption, with_config
from edgeface.config import Config
from edgeface.errors import MissingExtra

EXTRA_PACKAGES = ("tensorflow", "keras", "matplotlib", "jinja2")

DATA_HELP = """Look after the chips that a network is trained on.

\b
Example:
  edgeface data check chips/ --out report
"""

data_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help=DATA_HELP)


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


@data_app.command("check")
@with_config("model")
def check(
    config: Config,
    chips: Annotated[Path, typer.Argument(metavar="CHIPS", help="Folder with a folder of chips a person.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="REPORT", help="Folder to write the report to.")] = None,
    write_clean: Annotated[
        Path | None, typer.Option("--write-clean", metavar="LIST", help="File for what to leave out and whom to join.")
    ] = None,
    vectors: Annotated[
        Path | None, typer.Option("--vectors", metavar="X.npz", help="A strong network's vectors of the chips.")
    ] = None,
    order: Annotated[
        Path | None, typer.Option("--vectors-order", metavar="CSV", help="Its column `file` names each vector's chip.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", metavar="CSV", help="Columns file, person, source, licence, figures.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option("--test", metavar="CHIPS", help="People who must not be among those trained on.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Find what would teach a network the wrong thing: wrong labels, duplicates, one person under two names.

    Nothing is changed. The report shows every suspect beside those it was judged by; the clean list is a text
    file that a recipe names as data.clean. Read it before you train. What each finding means is in docs/data.md.

    \b
    Examples:
      edgeface data check chips/
      edgeface data check chips/ --test other-chips/ --out report --write-clean chips/clean.tsv
      edgeface data check chips/ --vectors teacher.npz --vectors-order chips.csv --manifest chips.csv --out report
    """
    from edgeface import wiring

    with needing_the_extra():
        from edgeface_train import commands

        commands.check_data(
            chips,
            lambda: wiring.make_embedder(config, wiring.read_model(config)),
            vectors=vectors,
            order=order,
            manifest=manifest,
            test=test,
            out=out,
            write_clean=write_clean,
            json_output=json_output,
        )


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
        shown = {"tensorflow": "TensorFlow", "keras": "Keras", "matplotlib": "Matplotlib", "jinja2": "Jinja"}[package]
        raise MissingExtra(
            f"training needs {shown}, which is not installed", hint="pip install 'edgeface[train]'"
        ) from error

"""The commands of the training host: prepare, data, train, export, evaluate people. edgeface_train does the work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from edgeface.cli.options import JsonOption, with_config
from edgeface.config import Config
from edgeface.errors import ConfigError, MissingExtra

EXTRA_PACKAGES = {"tensorflow": "TensorFlow", "keras": "Keras", "matplotlib": "Matplotlib", "jinja2": "Jinja"}

DATA_HELP = """Look after the chips that a network is trained on.

\b
Examples:
  edgeface data check chips/ --out report
  edgeface data teach chips/ sface.py --out teacher.npz
  edgeface data cohort my-model chips/ --held-out other-chips/
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
        from edgeface_train.doctor import command

        command.check_data(
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


@data_app.command("teach")
def teach(
    chips: Annotated[Path, typer.Argument(metavar="CHIPS", help="Folder with a folder of chips a person.")],
    adapter: Annotated[
        Path, typer.Argument(metavar="TEACHER.py", help="Adapter of the teacher, as for `evaluate`; it is run.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="X.npz", help="File to write, for data.teacher of a recipe.")],
    blends: Annotated[
        int, typer.Option("--blends", min=0, metavar="N", help="Ask about so many blends of two people, too.")
    ] = 0,
    warp: Annotated[
        float, typer.Option("--warp", min=0, max=8, metavar="PX", help="Bend the faces of blends by up to so much.")
    ] = 0.0,
    clean: Annotated[
        Path | None, typer.Option("--clean", metavar="LIST", help="What not to blend, as in training.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of the blends.")] = 1,
    unlabelled: Annotated[
        Path | None,
        typer.Option("--unlabelled", metavar="FOLDER", help="Ask about chips of people whom nobody knows, too."),
    ] = None,
) -> None:
    """Ask a strong network about chips, for a network that learns from it: one vector a chip.

    With --blends it is also asked about chips that nobody took: each is one person on one side of a seam and another
    on the other. With --warp both are first bent into somebody else; 4 pixels look natural still. With --unlabelled it
    is also asked about the aligned chips of a folder, at any depth, for data.unlabelled of a recipe. A small network
    that has few people to learn from learns more from all of them. What the teacher said is kept by the picture's
    digest: a run that was stopped goes on, and only new chips are asked about.

    \b
    Examples:
      edgeface data teach chips/ sface.py --out teacher.npz
      edgeface data teach chips/ sface.py --out teacher.npz --blends 100000 --warp 4 --clean clean.tsv
      edgeface data teach chips/ sface.py --out teacher.npz --unlabelled faces/
    """
    with needing_the_extra():
        from edgeface_train import commands

        commands.teach(chips, adapter, out, blends, clean, seed, unlabelled, warp)


@data_app.command("cohort")
def cohort(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of the bundle that gets the strangers.")],
    chips: Annotated[Path, typer.Argument(metavar="CHIPS", help="Folder with a folder of chips a person.")],
    held_out: Annotated[
        Path, typer.Option("--held-out", metavar="CHIPS", help="People who were not trained on, and are not in CHIPS.")
    ],
    clean: Annotated[
        Path | None, typer.Option("--clean", metavar="LIST", help="What to leave out and whom to join, as in training.")
    ] = None,
    strangers: Annotated[int, typer.Option("--strangers", min=200, max=5000, metavar="N", help="How many.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of chips and blends.")] = 1,
) -> None:
    """Blend strangers, who are nobody, into a bundle, for `edgeface calibrate` to measure a household with.

    Each stranger is a vector made of one chip each of 51 people who are alike. People held out tell how the scores
    of blends must be stretched to be those of real strangers. docs/calibration.md says what is given away.

    \b
    Examples:
      edgeface data cohort my-model chips/ --held-out other-chips/
      edgeface data cohort my-model chips/ --held-out other-chips/ --clean clean.tsv
    """
    with needing_the_extra():
        from edgeface_train import commands

        commands.make_cohort(bundle, chips, held_out, clean, strangers, seed)


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name, or its TOML file.")],
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Folder with prepared chips.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="RUN", help="Folder of the run.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("-o", "--option", metavar="KEY=VALUE", help="Change one value of the recipe."),
    ] = None,
    coordinator: Annotated[
        str,
        typer.Option("--coordinator", metavar="HOST:PORT", help="Where the first of several processes is to be met."),
    ] = "",
    processes: Annotated[
        int, typer.Option("--processes", metavar="N", help="Processes that train together, on JAX.")
    ] = 1,
    process: Annotated[int, typer.Option("--process", metavar="I", help="Which of them this is, from 0.")] = 0,
) -> None:
    """Train a network as a recipe says, with checkpoints from which --resume goes on exactly.

    \b
    Examples:
      edgeface train demo
      edgeface train my-recipe.toml --data chips/ --out runs/first
      edgeface train my-recipe.toml --data chips/ --out runs/first --resume
      edgeface train my-recipe.toml --coordinator node1:9000 --processes 2 --process 0
    """
    with needing_the_extra():
        from edgeface_train import commands

        commands.train(recipe, data, out, resume, settings or [], (coordinator, processes, process))


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


@with_config("model")
def evaluate_people(
    config: Config,
    chips: Annotated[Path, typer.Argument(metavar="CHIPS", help="Folder with a folder of aligned chips a person.")],
    variants: Annotated[
        str, typer.Option("--variants", metavar="LIST", help="Such as int8,float16; all of the bundle unless given.")
    ] = "",
    pairs: Annotated[
        Path | None, typer.Option("--pairs", metavar="PAIRS.csv", help="Pairs in folds: fold,same,left,right.")
    ] = None,
    oneshot: Annotated[
        Path | None, typer.Option("--oneshot", metavar="ONESHOT.csv", help="Galleries of one chip: trial,n,enrolled.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", metavar="CSV", help="Slices by its columns, too: file, source, glasses."),
    ] = None,
    also: Annotated[
        list[Path] | None, typer.Option("--also", metavar="PEER.py", help="Measure a peer too; its file is run.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="REPORT", help="Folder for report.html and report.json.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", metavar="OLD.json", help="An earlier report.json, for --max-drop.")
    ] = None,
    max_drop: Annotated[
        float | None,
        typer.Option("--max-drop", min=0, metavar="POINTS", help="Exit with 8 when a headline figure fell by more."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of galleries, triplets, intervals.")] = 1,
    write_card: Annotated[
        bool, typer.Option("--write-card", help="Keep figures and slices in the bundle's card; sign it afterwards.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Prove a model on people it never saw: verification, one-shot search, slices, confidence intervals.

    What is not given is drawn: ten galleries of each size that the people allow. Headline figures are the
    accuracy on the pairs, TAR at FAR 1e-2 and 1e-3, and the share of people found from one chip at FPIR 1 %.

    docs/evaluate.md explains each figure.

    \b
    Examples:
      edgeface evaluate people chips/
      edgeface evaluate people chips/ --pairs pairs.csv --oneshot oneshot.csv --out report/
      edgeface evaluate people chips/ --manifest chips.csv --out report/
      edgeface evaluate people chips/ --model my-model --against report/report.json --max-drop 0.5
    """
    from edgeface import wiring

    if (against is None) != (max_drop is None):
        raise ConfigError("--max-drop and --against belong together", hint="give both, or neither")
    bundle = wiring.read_model(config)
    chosen = [name.strip() for name in variants.split(",") if name.strip()]
    with needing_the_extra():
        from edgeface_train.evaluation import command

        gate = (against, max_drop) if against is not None and max_drop is not None else None
        command.evaluate_people(
            bundle, chips, chosen, also or [], pairs, oneshot, out, gate, seed, json_output, write_card, manifest
        )


@contextmanager
def needing_the_extra() -> Iterator[None]:
    """Turn the absence of a package of the train extra, and nothing else, into MissingExtra."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRA_PACKAGES:
            raise
        raise MissingExtra(
            f"training needs {EXTRA_PACKAGES[package]}, which is not installed", hint="pip install 'edgeface[train]'"
        ) from error

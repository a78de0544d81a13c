"""What `edgeface prepare`, `train`, `export` and `evaluate people` do, between the command line and the library."""

import importlib
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edgeface.card import write_bundle
from edgeface.drivers.quiet import standard_error_muted
from edgeface.errors import ConfigError
from edgeface_train.parallel import ALONE, Team, run_folder
from edgeface_train.processor import slow_precision
from edgeface_train.recipe import Recipe, completed, differences, find_recipe, read_recipe, recipe_from

if TYPE_CHECKING:
    from edgeface_train.chips import ChipSet
    from edgeface_train.curriculum import Curriculum
    from edgeface_train.teacher import Teacher

RUNS = Path("runs")
TELL_SECONDS = 10.0
COUNTED = ("left_out", "unlabelled_photos")
"""Beside its recipe, what a run keeps of its chips for the card."""


def prepare(photos: Path, out: Path, workers: int | None, chips: bool, json_output: bool) -> None:
    """Make aligned chips of a folder of photos, and tell what became of every photo that gave none."""
    from edgeface_train.prepare import prepare as make_chips

    def bar(length: int) -> Any:
        return typer.progressbar(length=length, label="photos", file=sys.stderr)

    report = make_chips(
        photos, out, workers=workers or 0, already_chips=chips, progress=bar if sys.stderr.isatty() else None
    )
    if json_output:
        typer.echo(json.dumps(asdict(report)))
        return
    for line in report.summary():
        typer.echo(line)
    typer.echo(f"every refused photo and its reason: {out / 'report.json'}")


def train(
    recipe: str,
    data: Path | None,
    out: Path | None,
    resume: bool,
    overrides: list[str],
    processes: tuple[str, int, int] = ("", 1, 0),
) -> None:
    """Train a recipe in a run folder, or continue the run that was interrupted there.

    `processes` are where the first is to be met, how many there are, and which this is: see `Team`.
    """
    team = Team(*processes)
    path = find_recipe(recipe)
    plan = read_recipe(path, overrides)
    run = out or RUNS / plan.name
    with run_folder(run, team) as folder:
        team.join()
        curriculum = open_run(plan, data or Path(), folder, resume=resume, team=team)
        try:
            curriculum.run()
        except KeyboardInterrupt:
            again = f"edgeface train {recipe} --out {run} --resume" + (f" --data {data}" if data else "")
            typer.echo(f"stopped; nothing but the epoch under way is lost. Go on with:\n  {again}", err=True)
            raise typer.Exit(130) from None
        finally:
            curriculum.close()
        if team.leads:
            _conclude(curriculum, run)


def _conclude(curriculum: "Curriculum", run: Path) -> None:
    """Draw the curves and say what the run came to."""
    from edgeface_train.plots import draw_curves
    from edgeface_train.report import table

    entries = curriculum.journal.entries()
    draw_curves(entries, run / "curves.png")
    typer.echo(table(entries))
    typer.echo(f"run: {run}\nnext: edgeface export {run} --out my-model")


def open_run(plan: Recipe, data: Path, run: Path, *, resume: bool, team: Team = ALONE) -> "Curriculum":
    """Load a recipe's chips and make its run folder, or reopen it.

    A run that was started takes over settings on which training does not depend, for its export. Raise ConfigError
    rather than write over another run, or go on with other settings.
    """
    from edgeface_train.journal import CHECKPOINT, RECIPE

    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with standard_error_muted():
        keras = importlib.import_module("keras")  # before any work: a device has none, and is told what to install
    started = (run / CHECKPOINT).exists()
    if started and not resume:
        raise ConfigError(f"run {run} exists already", hint="go on with --resume, or choose another folder with --out")
    report = _progress if team.leads else _say_nothing
    if not started and (slow := slow_precision(plan.network.precision, keras.distribution.list_devices())):
        report(slow)
    chips, held_out = load_people(plan, data)
    from edgeface_train.curriculum import Curriculum

    teacher = load_teacher(plan, data, chips)
    run.mkdir(parents=True, exist_ok=True)
    counted = left_out(plan, data)
    if teacher and teacher.unlabelled:
        counted["unlabelled_photos"] = len(teacher.unlabelled.vectors)
    settings = {**plan.resolved(), "data_folder": str(data.resolve()), **counted}
    if started:
        kept = completed(json.loads((run / RECIPE).read_text()), source=str(run / RECIPE))
        if changed := differences(kept, settings):
            raise ConfigError(
                f"run {run} was started with other settings than this recipe gives: {changed}",
                hint=f"give what {run / RECIPE} has, or choose another folder with --out",
            )
    curriculum = Curriculum(plan, run, chips, held_out, teacher=teacher, team=team, report=report)
    (run / RECIPE).write_text(json.dumps(settings, indent=1) + "\n")  # once the run is locked
    if started:
        curriculum.resume()
    elif plan.network.start:
        curriculum.begin(plan.network.start, *plan.network.mean_with)
    return curriculum


def export(run: Path, out: Path, name: str | None) -> None:
    """Convert a finished run, prove every file on the device's runtime, and write the bundle."""
    from edgeface_train.journal import CHECKPOINT, RECIPE, read_log

    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        settings = json.loads((run / RECIPE).read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{run} is not a run: {error}", hint="give a folder that `edgeface train` made") from error
    data = Path(settings.pop("data_folder"))
    counted = {key: settings.pop(key) for key in COUNTED if key in settings}
    plan = recipe_from(settings, source=str(run / RECIPE))
    if left_out(plan, data).get("left_out") != counted.get("left_out"):
        raise ConfigError(
            f"clean list {data / plan.data.clean} is not the one that {run} was trained with",
            hint="put it back as it was, or train again",
        )
    chips, held_out = load_people(plan, data)
    from edgeface_train import export as exporting
    from edgeface_train.backbone import build
    from edgeface_train.begin import began_from
    from edgeface_train.fit import restore_weights
    from edgeface_train.journal import LOG, load_checkpoint
    from edgeface_train.report import rows

    position, arrays = load_checkpoint(run)
    if position["at"]["stage"] < len(plan.stage):
        typer.echo(f"note: {run / CHECKPOINT} is of an unfinished run", err=True)
    model = build(plan.network, seed=plan.seed)
    restore_weights(model, arrays)
    training = {
        "recipe": settings,
        "people": len(chips.names),
        "photos": len(chips),
        "held_out_people": len(held_out.names),
        "held_out_photos": len(held_out),
        "began_from": began_from(read_log(run / LOG)),
        **counted,
        "rounds": rows(read_log(run / LOG)),
        "sources": plan.data.sources,
    }
    made = exporting.export(plan, model, chips, held_out, name=name or plan.name, training=training, report=_progress)
    write_bundle(out, made.card, made.models)
    typer.echo(f"bundle: {out}")


def teach(
    chips: Path,
    adapter: Path,
    out: Path,
    blends: int,
    clean: Path | None,
    seed: int,
    unlabelled: Path | None = None,
    warp: float = 0.0,
) -> None:
    """Write what a teacher says about chips, blends of them and unlabelled chips."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from edgeface_train import teach as teaching

    told = time.monotonic()

    def tell(text: str) -> None:
        nonlocal told
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            _progress(f"  {text}")

    try:
        teaching.teach(
            chips, adapter, out, clean=clean, blends=blends, warp=warp, seed=seed, tell=tell, unlabelled=unlabelled
        )
    except KeyboardInterrupt:
        typer.echo("stopped; what the teacher said is kept. Go on with the same command", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"teacher: {out}")


def make_cohort(folder: Path, chips: Path, held_out: Path, clean: Path | None, strangers: int, seed: int) -> None:
    """Give every variant of a bundle a cohort of strangers."""
    from edgeface.card import read_bundle
    from edgeface.cohort_file import write_cohort
    from edgeface.drivers.embedder import TfliteEmbedder
    from edgeface_train import cohort

    bundle = read_bundle(folder)
    faces = cohort.draw_faces(chips, held_out, clean, strangers, seed)
    for name in bundle.card.files:
        made = cohort.make_cohort(TfliteEmbedder(bundle, variant=name), faces, strangers, seed)
        bundle = write_cohort(bundle, name, made, people=len(faces.chips))
        typer.echo(
            f"{name}: {strangers} strangers of {len(faces.chips)} people; a cosine c counts as "
            f"{made.offset:.3f} + {made.scale:.3f} c, tails of shape {made.shape:.3f}"
        )


def left_out(plan: Recipe, data: Path) -> dict[str, Any]:
    """Return, as `left_out`, the digest of the recipe's clean list and what it does, by count; nothing without one."""
    if not plan.data.clean:
        return {}
    from edgeface_train.chips import list_chips
    from edgeface_train.doctor.clean import effect, read_clean

    return {"left_out": effect(list_chips(data / plan.data.train), read_clean(data / plan.data.clean))}


def _progress(text: str) -> None:
    typer.echo(text, err=True)


def _say_nothing(_: str) -> None:
    """Leave the reports to the leader."""


def load_people(plan: Recipe, data: Path) -> tuple["ChipSet", "ChipSet"]:
    """Return the chips of the training people, as the clean list leaves them, and of the people held out."""
    from edgeface_train.chips import load_chips, split_by_person
    from edgeface_train.doctor.clean import apply_clean, read_clean

    clean = read_clean(data / plan.data.clean) if plan.data.clean else None
    chips = load_chips(data / plan.data.train, edit=lambda listing: apply_clean(listing, clean) if clean else listing)
    if plan.data.held_out:
        return chips, load_chips(data / plan.data.held_out)
    return split_by_person(chips, plan.data.held_out_people, plan.seed)


def load_teacher(plan: Recipe, data: Path, chips: "ChipSet") -> "Teacher | None":
    """Return what the recipe's teacher says about chips, and about unlabelled ones where a stage has a share of them.

    None where the recipe has no teacher.
    """
    from edgeface_train.chips import load_unlabelled
    from edgeface_train.teacher import read_teacher

    if not plan.data.teacher:
        return None
    order = data / plan.data.teacher_order if plan.data.teacher_order else None
    unlabelled = None
    if any(stage.unlabelled_share for stage in plan.stage):
        people = [data / folder for folder in (plan.data.train, plan.data.held_out) if folder]
        unlabelled = load_unlabelled(data / plan.data.unlabelled, apart=people, size=chips.size)
    return read_teacher(data / plan.data.teacher, order, chips.paths, unlabelled)

"""What `edgeface prepare`, `train`, `export` and `evaluate people` do, between the command line and the library."""

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edgeface.card import Bundle, write_bundle
from edgeface.errors import ConfigError
from edgeface_train.recipe import Recipe, find_recipe, read_recipe, recipe_from

if TYPE_CHECKING:
    from edgeface_train.chips import ChipSet
    from edgeface_train.curriculum import Curriculum

RUNS = Path("runs")


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


def train(recipe: str, data: Path | None, out: Path | None, resume: bool, overrides: list[str]) -> None:
    """Train a recipe in a run folder, or continue the run that was interrupted there."""
    path = find_recipe(recipe)
    plan = read_recipe(path, overrides)
    run = out or RUNS / plan.name
    curriculum = open_run(plan, data or Path(), run, resume=resume)
    try:
        curriculum.run()
    except KeyboardInterrupt:
        again = f"edgeface train {recipe} --out {run} --resume" + (f" --data {data}" if data else "")
        typer.echo(f"stopped; nothing but the epoch under way is lost. Go on with:\n  {again}", err=True)
        raise typer.Exit(130) from None
    from edgeface_train.plots import draw_curves
    from edgeface_train.report import table

    entries = curriculum.journal.entries()
    draw_curves(entries, run / "curves.png")
    typer.echo(table(entries))
    typer.echo(f"run: {run}\nnext: edgeface export {run} --out my-model")


def open_run(plan: Recipe, data: Path, run: Path, *, resume: bool) -> "Curriculum":
    """Load a recipe's chips and make its run folder, or reopen it. Refuse to write over another run."""
    from edgeface_train.journal import CHECKPOINT, RECIPE

    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    importlib.import_module("keras")  # before any work: a device has none, and is told what to install
    started = (run / CHECKPOINT).exists()
    if started and not resume:
        raise ConfigError(f"run {run} exists already", hint="go on with --resume, or choose another folder with --out")
    chips, held_out = load_people(plan, data)
    from edgeface_train.curriculum import Curriculum
    from edgeface_train.teacher import teacher_vectors

    teacher = None
    if plan.data.teacher:
        teacher = teacher_vectors(data / plan.data.teacher, data / plan.data.teacher_order, chips)
    run.mkdir(parents=True, exist_ok=True)
    settings = {**plan.resolved(), "data_folder": str(data.resolve())}
    if started and json.loads((run / RECIPE).read_text()) != settings:
        raise ConfigError(
            f"run {run} was started with other settings than this recipe gives",
            hint=f"compare with {run / RECIPE}, or choose another folder with --out",
        )
    (run / RECIPE).write_text(json.dumps(settings, indent=1) + "\n")
    curriculum = Curriculum(plan, run, chips, held_out, teacher=teacher, report=_progress)
    if started:
        curriculum.resume()
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
    plan = recipe_from(settings, source=str(run / RECIPE))
    chips, held_out = load_people(plan, data)
    from edgeface_train import export as exporting
    from edgeface_train.backbone import build
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
        "rounds": rows(read_log(run / LOG)),
        "sources": plan.data.sources,
    }
    made = exporting.export(plan, model, chips, held_out, name=name or plan.name, training=training, report=_progress)
    write_bundle(out, made.card, made.models)
    typer.echo(f"bundle: {out}")


def evaluate_people(
    bundle: Bundle,
    folder: Path,
    variants: Sequence[str],
    peers: Sequence[Path],
    pairs: Path | None,
    oneshot: Path | None,
    out: Path | None,
    gate: tuple[Path, float] | None,
    seed: int,
    json_output: bool,
) -> None:
    """Measure variants of a bundle and peers on chips of people, write the report, and hold it against an old one."""
    from edgeface.drivers.detectors.yunet import YuNet
    from edgeface_train.chips import load_chips
    from edgeface_train.evaluation import candidates
    from edgeface_train.evaluation import gate as gates
    from edgeface_train.evaluation.measure import measure_all, set_exam
    from edgeface_train.evaluation.summary import table

    if out is not None:
        for package in ("matplotlib", "jinja2"):
            importlib.import_module(package)  # before any work: a device has none, and is told what to install
        if out.exists() and not out.is_dir():
            raise ConfigError(f"--out {out} is a file, a folder is needed")
    old = gates.read_report(gate[0]) if gate else None
    networks = [*candidates.variants(bundle, variants), *map(candidates.load_peer, peers)]
    exam = set_exam(load_chips(folder), YuNet(), pairs=pairs, oneshot=oneshot, seed=seed, bar=_bar)
    if gate and old:
        gates.check_comparable(exam.digests, [network.name for network in networks], old, gate[0])
    report = measure_all(exam, networks, _bar)
    if out is not None:
        from edgeface_train.evaluation.report import write_report

        write_report(report, out, f"{bundle.card.name} on {len(exam.chips.names)} people")
        _progress(f"report: {out / 'report.html'}")
    typer.echo(json.dumps(report.as_json(), ensure_ascii=False) if json_output else table(report))
    if gate and old:
        gates.refuse_a_fall(report, old, *gate)


def _progress(text: str) -> None:
    typer.echo(text, err=True)


@contextmanager
def _bar(length: int, label: str) -> Iterator[Callable[[], object]]:
    """Count on a line of a terminal; elsewhere say once what begins."""
    if not sys.stderr.isatty():
        _progress(f"{label} ({length:,})")
        yield lambda: None
        return
    with typer.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def load_people(plan: Recipe, data: Path) -> tuple["ChipSet", "ChipSet"]:
    """Return the chips of the training people and of the people held out."""
    from edgeface_train.chips import load_chips, split_by_person

    chips = load_chips(data / plan.data.train)
    if plan.data.held_out:
        return chips, load_chips(data / plan.data.held_out)
    return split_by_person(chips, plan.data.held_out_people, plan.seed)

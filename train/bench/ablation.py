"""What each part of the training is worth: one row a part, each from the same weights and for as many chips.

    python train/bench/ablation.py RECIPE --data DIR --chips 2000000 --out ablation

Every row adds one part to the row before it: random and mined triplets alone; a margin softmax; a teacher; the clean
list; augmentation; the average of the weights; blends of two people; batches of P people x K chips, which come without
blends, as nobody knows who they are. All begin from the Glorot-random weights of the recipe's seed and see exactly the
same number of chips, most of them in the stage on chips where a row has one. RECIPE gives the network, the data and,
stage by stage, the rates, losses and weights to use; rows whose part it has not (no teacher, no clean list, no blends)
are left out. A row that is done is not trained again, one that was stopped goes on.

`--scale` adds "+ averaging" with half of the people and with twice the chips, and "+ margin" with the clean list, as
labels are all that it learns from. `--rows` trains the named rows alone; the table has those that are done, too.
`--oneshot CSV` adds who is missed of 50 enrolled people.
"""

import argparse
import json
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from edgeface_train import commands
from edgeface_train.chips import ChipSet, list_chips, load_chips
from edgeface_train.doctor.clean import Clean, read_clean
from edgeface_train.doctor.half import leave_half
from edgeface_train.evaluation.identification import Gallery, missed, search_gallery
from edgeface_train.evaluation.protocol import read_galleries
from edgeface_train.journal import CHECKPOINT
from edgeface_train.recipe import PLAIN, Augment, Recipe, completed, differences, find_recipe, read_recipe
from edgeface_train.stage import Stage

from edgeface.core.metrics import similarity_pairs, tar_at_far
from edgeface.core.types import Vector
from edgeface.errors import ConfigError, EdgefaceError

WARM_UP, MIDDLE = 0.05, 0.7
"""Shares of the chips: of random triplets, and of the stage on chips; the rounds get what is left."""
DISTIL_MARGIN = 0.02
"""Weight of the margin softmax beside the teacher where the recipe gives none, as in refine.toml."""
ON_CHIPS = ("margin", "distil", "in-batch")
RESULT = "result.json"
SHARES = {
    "tar_at_far_0.01": "TAR@FAR=1e-2",
    "tar_at_far_0.001": "TAR@FAR=1e-3",
    "fnir_50_fpir_0.01": "FNIR@FPIR=1e-2, N=50",
    "non_easy_held_out": "non-easy",
}
COUNTS = ("chips", "people", "photos")
ENROLLED, FPIR = 50, 0.01
MARGIN, AVERAGED = "+ margin", "+ averaging"


@dataclass(frozen=True, slots=True)
class Settings:
    """What all rows share."""

    chips: int
    """Chips that a row is trained with, a multiple of `batch`."""
    batch: int
    """Chips of a step, in every stage of every row: a multiple of 3 and of `chips_per_person`."""
    chips_per_person: int
    average: float


def plans(base: Recipe, settings: Settings) -> Iterator[tuple[str, Recipe]]:
    """Yield each row's name and recipe, every one the former with a part more."""
    network, data = replace(base.network, start="", mean_with=[], norm="batch"), replace(base.data, clean="")
    warm_up = _first(base, ("warmup",), Stage("warmup"))
    last = _first(base, ("rounds",), Stage("rounds", triplets=3000))
    on_chips = replace(_first(base, ON_CHIPS, last), kind="margin", distil_weight=0.0, margin_weight=1.0)
    share = on_chips.blend_share
    on_chips = replace(on_chips, people_per_batch=0, neighbours="none", memory=0, blend_share=0.0, unlabelled_share=0.0)
    rounds = replace(last, distil_weight=0.0, triplet_weight=1.0)
    plan = replace(base, network=network, data=data, augment=PLAIN)
    yield "triplets only", _staged(plan, settings, [warm_up, _at_the_rates_of(on_chips, rounds)])
    yield MARGIN, _staged(plan, settings, [warm_up, on_chips, rounds])
    if base.data.teacher:
        weight = _first(base, ("distil",), Stage("distil")).margin_weight or DISTIL_MARGIN
        on_chips = replace(on_chips, kind="distil", distil_weight=1.0, margin_weight=weight)
        rounds = replace(rounds, distil_weight=last.distil_weight or 1.0, triplet_weight=last.triplet_weight)
        yield "+ distillation", _staged(plan, settings, [warm_up, on_chips, rounds])
    if base.data.clean:
        plan = replace(plan, data=base.data)
        yield "+ cleaning", _staged(plan, settings, [warm_up, on_chips, rounds])
    plan = replace(plan, augment=base.augment if base.augment != PLAIN else Augment())
    yield "+ augmentation", _staged(plan, settings, [warm_up, on_chips, rounds])
    stages = [replace(stage, average=settings.average) for stage in (warm_up, on_chips, rounds)]
    yield AVERAGED, _staged(plan, settings, stages)
    if base.data.teacher and share:
        yield "+ blends", _staged(plan, settings, [stages[0], replace(stages[1], blend_share=share), stages[2]])
    each = settings.chips_per_person
    stages[1] = replace(stages[1], people_per_batch=settings.batch // each, chips_per_person=each, per_person=0)
    yield "+ P x K", _staged(plan, settings, stages)


def scaled(base: Recipe, settings: Settings, data: Path, out: Path) -> Iterator[tuple[str, Recipe]]:
    """Yield the rows of `--scale`; the list of which half of the people is left out goes into `out`."""
    rows, path = dict(plans(base, settings)), (out / "half.tsv").resolve()
    known = read_clean(data / base.data.clean) if base.data.clean else Clean(path, "")
    path.parent.mkdir(parents=True, exist_ok=True)
    leave_half(list_chips(data / base.data.train), known, path, np.random.default_rng(base.seed))
    fewer = replace(base.data, clean=str(path))
    yield "averaging, half of the people", replace(rows[AVERAGED], data=fewer)
    if base.data.clean:
        yield "margin, clean list", replace(rows[MARGIN], data=base.data)
    yield "averaging, twice the chips", dict(plans(base, replace(settings, chips=2 * settings.chips)))[AVERAGED]


def _first(base: Recipe, kinds: tuple[str, ...], otherwise: Stage) -> Stage:
    """Return the recipe's first stage of the first of these kinds that it has."""
    found = [stage for kind in kinds for stage in base.stage if stage.kind == kind]
    return replace(found[0] if found else otherwise, average=0.0)


def _at_the_rates_of(main: Stage, stage: Stage) -> Stage:
    """Give a stage that has a row's chips to itself the rates of the main one: its own may be for finishing touches."""
    return replace(
        stage,
        optimizer=main.optimizer,
        learning_rate=main.learning_rate,
        final_learning_rate=main.final_learning_rate,
        warmup_steps=main.warmup_steps,
        weight_decay=main.weight_decay,
    )


def _staged(plan: Recipe, settings: Settings, stages: list[Stage]) -> Recipe:
    """Give a plan stages that share the chips exactly."""
    steps = settings.chips // settings.batch
    given = [max(1, round(WARM_UP * steps))]
    if len(stages) == 3:
        given.append(max(1, round(MIDDLE * steps)))
    given.append(steps - sum(given))
    shared = [
        replace(stage, batch=settings.batch, chips=count * settings.batch)
        for stage, count in zip(stages, given, strict=True)
    ]
    return replace(plan, stage=shared)


def train_row(plan: Recipe, data: Path, folder: Path, oneshot: Path | None) -> dict[str, Any]:
    """Train a row, or go on with it, and return its figures; of a row that is done, return those it had."""
    done = folder / RESULT
    searched = str(oneshot.resolve()) if oneshot else ""
    asked = {**plan.resolved(), "--data": str(data.resolve()), "--oneshot": searched}
    if done.exists():
        result = json.loads(done.read_text())
        if changed := differences(completed(result.pop("asked"), source=str(done)), asked):
            told = f"row {folder} was trained with other settings: {changed}"
            raise ConfigError(told, hint="choose another folder with --out")
        return result
    curriculum = commands.open_run(plan, data, folder, resume=(folder / CHECKPOINT).exists())
    curriculum.run()
    result = measure(curriculum, oneshot)
    import keras  # not before open_run has chosen the backend

    keras.utils.clear_session()
    draft = done.with_suffix(".new")
    draft.write_text(json.dumps({**result, "asked": asked}, indent=1) + "\n")
    draft.replace(done)
    return result


def measure(curriculum: Any, oneshot: Path | None) -> dict[str, Any]:
    """Return the figures of a trained row, on the held-out people."""
    from edgeface_train.batches import embed_chips
    from edgeface_train.mining import Photos, non_easy_fraction

    held, fitter = curriculum.held_out, curriculum.fitter
    vectors = embed_chips(fitter.measured, held.images, fitter.spec)
    genuine, impostor = similarity_pairs(vectors, held.people)
    searched = {"fnir_50_fpir_0.01": _missed(vectors, held, oneshot)} if oneshot else {}
    rounds, rng = curriculum.recipe.stage[-1], np.random.default_rng(curriculum.recipe.seed)
    epochs = [entry for entry in curriculum.journal.entries() if entry["event"] == "epoch"]
    return {
        "tar_at_far_0.01": float(tar_at_far(genuine, impostor, 1e-2)[0]),
        "tar_at_far_0.001": float(tar_at_far(genuine, impostor, 1e-3)[0]),
        **searched,
        "non_easy_held_out": non_easy_fraction(
            Photos(held.people), vectors, rounds.margin, draws=rounds.stop.draws, rng=rng
        ),
        "chips": sum(entry["chips"] for entry in epochs),
        "people": len(curriculum.train.names),
        "photos": len(curriculum.train),
        "seconds": sum(entry["seconds"] for entry in epochs),
        "genuine_pairs": len(genuine),
        "impostor_pairs": len(impostor),
    }


def _missed(vectors: Vector, held: ChipSet, oneshot: Path) -> float:
    """Return the mean FNIR over the galleries of 50 people that a CSV lists."""
    everybody = np.ones((1, len(held.names)), np.int64)
    found = [search_gallery(vectors @ vectors.T, held.people, gallery) for gallery in _galleries(oneshot, held)]
    return float(np.mean([missed(one, FPIR, everybody)[0] for one in found]))


def _galleries(oneshot: Path, held: ChipSet) -> list[Gallery]:
    if found := [gallery for gallery in read_galleries(oneshot, held) if gallery.size == ENROLLED]:
        return found
    raise ConfigError(f"{oneshot} has no trial of {ENROLLED} people", hint="leave --oneshot out")


def choose(rows: Iterable[tuple[str, Recipe]], names: Collection[str], out: Path) -> list[tuple[Path, str, Recipe]]:
    """Return the named rows and those that are done, else all, with folders; raise ConfigError for an unknown name."""
    short = [(re.sub(r"\W+", "-", name).strip("-"), name, plan) for name, plan in rows]
    found = [(out / f"{number}-{folder}", name, plan) for number, (folder, name, plan) in enumerate(short, 1)]
    if strange := set(names) - {name for _, name, _ in found}:
        there = ", ".join(repr(name) for _, name, _ in found)
        raise ConfigError(f"no row is named {', '.join(sorted(strange))}", hint=f"choose from {there}")
    return [row for row in found if not names or row[1] in names or (row[0] / RESULT).exists()]


def compare(rows: Iterable[tuple[Path, str, Recipe]], data: Path, oneshot: Path | None) -> dict[str, Any]:
    """Train every row and return the figures by its name."""
    figures: dict[str, Any] = {}
    for folder, name, plan in rows:
        sys.stderr.write(f"row {folder.name.partition('-')[0]}: {name}\n")
        figures[name] = train_row(plan, data, folder, oneshot)
    return figures


def check(base: Recipe, data: Path, settings: Settings, *, scale: bool, oneshot: Path | None) -> None:
    """Raise ConfigError for what some row could not do."""
    if (base.data.clean or scale or oneshot) and not base.data.held_out:
        raise ConfigError(
            "a clean list, --scale and --oneshot need the same people held out in every row",
            hint="name a folder of other people as data.held_out",
        )
    if oneshot:
        _galleries(oneshot, load_chips(data / base.data.held_out))
    listing = list_chips(data / base.data.train)
    held_out = 0 if base.data.held_out else base.data.held_out_people
    there, wanted = len(listing.names) - held_out, settings.batch // settings.chips_per_person
    if wanted > there:
        raise ConfigError(
            f"a batch of {settings.batch} chips, {settings.chips_per_person} a person, needs {wanted} people; "
            f"{there} are there",
            hint="raise --chips-per-person, or lower the batch of the recipe's stages",
        )


def table(rows: dict[str, Any]) -> str:
    """Return the figures as a Markdown table."""
    measured = {key: heading for key, heading in SHARES.items() if all(key in row for row in rows.values())}
    lines = [["row", *measured.values(), *COUNTS, "minutes"], ["---"] * (len(measured) + len(COUNTS) + 2)]
    for name, row in rows.items():
        shares = [f"{row[key]:.1%}" for key in measured]
        counts = [f"{row[key]:,}" for key in COUNTS]
        lines.append([name, *shares, *counts, f"{row['seconds'] / 60:.1f}"])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def shared_settings(base: Recipe, chips: int, chips_per_person: int, average: float) -> Settings:
    """Return the batch that suits triplets and people alike, and the chips rounded down to whole steps."""
    unit = int(np.lcm(3, chips_per_person))
    wanted = _first(base, (*ON_CHIPS, "rounds"), Stage("margin")).batch
    batch = max(unit, wanted // unit * unit)
    if chips < (least := 6 * batch):  # so that each of three stages has a step
        raise ConfigError(f"{chips} chips are too few for steps of {batch}", hint=f"give {least} or more")
    return Settings(chips // batch * batch, batch, chips_per_person, average)


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the JSON; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="a TOML file, or a recipe that ships with the trainer")
    parser.add_argument("--data", type=Path, required=True, help="folder that the recipe's paths are relative to")
    parser.add_argument("--chips", type=int, required=True, help="chips shown to each row, rounded down to whole steps")
    parser.add_argument("--out", type=Path, required=True, help="folder of the rows' runs, ablation.md, ablation.json")
    parser.add_argument("--chips-per-person", type=int, default=4, help="K of the last row")
    parser.add_argument("--average", type=float, default=0.999, help="decay of the average")
    parser.add_argument("--scale", action="store_true", help="rows of half of the people and of twice the chips, too")
    parser.add_argument("--rows", nargs="+", default=(), metavar="NAME", help="train these; done ones are told of too")
    parser.add_argument("--oneshot", type=Path, help="CSV with the columns trial, n, enrolled, of the people held out")
    args = parser.parse_args(arguments)
    try:
        base = read_recipe(find_recipe(args.recipe))
        settings = shared_settings(base, args.chips, args.chips_per_person, args.average)
        check(base, args.data, settings, scale=args.scale, oneshot=args.oneshot)
        plan = chain(plans(base, settings), scaled(base, settings, args.data, args.out) if args.scale else ())
        rows = compare(choose(plan, args.rows, args.out), args.data, args.oneshot)
    except EdgefaceError as error:
        sys.stderr.write(f"error: {error}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        return error.exit_code
    found = json.dumps({"recipe": base.name, "seed": base.seed, "batch": settings.batch, "rows": rows})
    (args.out / "ablation.md").write_text(table(rows))
    (args.out / "ablation.json").write_text(found + "\n")
    sys.stdout.write(f"{table(rows)}\n{found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

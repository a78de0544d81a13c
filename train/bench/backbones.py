"""Backbones, side by side in one run: size, training speed, accuracy after equal time, int8 latency.

    python train/bench/backbones.py DATA --seconds 120

DATA is laid out as recipes/small.toml wants it. Every backbone learns the teacher's vectors for the same number of
seconds on this machine, so a slow one sees fewer chips: the question is which to train here, not which is best.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from edgeface_train.backbone import multiply_adds
from edgeface_train.batches import embed_chips
from edgeface_train.chips import ChipSet
from edgeface_train.commands import load_people, load_teacher
from edgeface_train.export import convert
from edgeface_train.fit import Fitter
from edgeface_train.quantised import quantised
from edgeface_train.recipe import Network, Recipe, find_recipe, read_recipe

from edgeface.core.metrics import similarity_pairs, tar_at_far
from edgeface.core.prepare import InputSpec
from edgeface.drivers.embedder import run_chip
from edgeface.drivers.runtime import load

CANDIDATES = {
    "mobilefacenet": Network(backbone="mobilefacenet", stem=64, widths=[64, 128, 128], depths=[5, 7, 3], head=512),
    "fused 24-40-80-128": Network(backbone="fused", stem=24, widths=[40, 80, 128], depths=[2, 3, 3], head=384),
    "residual 16-32-64-128": Network(stem=16, widths=[32, 64, 128], depths=[2, 2, 2], head=384),
    "residual 24-48-96-192": Network(stem=24, widths=[48, 96, 192], depths=[2, 3, 1], head=384),
    "residual 32-48-96-160": Network(stem=32, widths=[48, 96, 160], depths=[1, 3, 2], head=384),
}
STEPS_AN_EPOCH = 20


def train_for(fitter: Fitter, recipe: Recipe, seconds: float, chips: int) -> float:
    """Train for about `seconds` and return the chips seen per second."""
    stage = recipe.stage[1]
    fitter.start(stage)
    rng = np.random.default_rng(recipe.seed)
    fitter.epoch(stage, rng.choice(chips, stage.batch), 0, (0,), _silent)
    started, shown, number = time.perf_counter(), 0, 0
    while (passed := time.perf_counter() - started) < seconds:
        rows = rng.choice(chips, STEPS_AN_EPOCH * stage.batch, replace=False)
        epoch = round(stage.epochs * passed / seconds)
        shown += fitter.epoch(stage, rows, epoch, (recipe.seed, number), _silent)[1]
        number += 1
    return shown / passed


def int8_milliseconds(content: bytes, chips: ChipSet, runs: int = 60) -> float:
    """Return the median time of one chip on one thread, preparation included."""
    model, spec, times = load(content, threads=1), InputSpec(), []
    for number in range(runs):
        started = time.perf_counter()
        run_chip(model, spec, chips.images[number % len(chips)])
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times[10:]))


def compare(data: Path, seconds: float, names: list[str], write: Callable[[str], object]) -> None:
    """Print the table, a row as soon as it is measured."""
    plan = read_recipe(find_recipe("small.toml"))
    train, held_out = load_people(plan, data)
    teacher = load_teacher(plan, data, train)
    write("| backbone | parameters | MMAC | training, chips/s | TAR@FAR=1e-2 | int8, ms | int8, MB |\n")
    write("|---|---|---|---|---|---|---|\n")
    for name in names:
        recipe = Recipe(name, network=CANDIDATES[name], stage=plan.stage, data=plan.data, augment=plan.augment)
        fitter = Fitter(recipe, train, teacher)
        speed = train_for(fitter, recipe, seconds, len(train))
        vectors = embed_chips(fitter.model, held_out.images, fitter.spec)
        tar = tar_at_far(*similarity_pairs(vectors, held_out.people), 1e-2)[0]
        content = convert(quantised(fitter.model, fitter.plain_inputs(100)), "int8", fitter.spec)
        write(
            f"| {name} | {fitter.model.count_params() / 1e6:.2f} M | {multiply_adds(fitter.model) / 1e6:.0f} "
            f"| {speed:.0f} | {tar:.1%} | {int8_milliseconds(content, held_out):.2f} | {len(content) / 1e6:.2f} |\n"
        )


def _silent(_text: str) -> None:
    return


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> None:
    """Compare all candidates, or those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--only", nargs="*", choices=list(CANDIDATES), default=list(CANDIDATES))
    args = parser.parse_args()
    compare(args.data, args.seconds, args.only, _write)


if __name__ == "__main__":
    main()

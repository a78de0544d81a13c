"""What feeding costs: chips a second with the input pipeline at work, against bare steps on one batch, side by side.

    python train/bench/pipeline.py RECIPE --data DIR --seconds 60

The recipe's network and its first stage on chips are trained in turns of a few steps: in one turn decoded chips are
gathered, blended, augmented and normalised, one step ahead of the network, as in training; in the next, one batch is
given again and again. The weights are random, whatever `network.start` names. The last line is JSON; `ratio` is the
first rate over the second, medians of turns. Nothing is kept.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgeface.errors import ConfigError, EdgefaceError

STEPS = 5
"""Of a turn."""


def compare(fitter: Any, stage: Any, chips: int, seconds: float) -> dict[str, float]:
    """Return the median chips a second of turns with the pipeline (`fed`) and of turns without (`bare`), and `ratio`.

    `chips` is how many there are to draw from, blends and unlabelled ones behind the chips included.
    """
    fitter.start(stage)
    rng = np.random.default_rng(fitter.recipe.seed)
    rates: dict[str, list[float]] = {"fed": [], "bare": []}
    batch = fitter.batch(rng.choice(chips, stage.batch), stage, rng)
    fitter.step(*batch)  # compiles
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds or len(rates["bare"]) < 3:
        rows = rng.choice(chips, STEPS * stage.batch, replace=STEPS * stage.batch > chips)
        started = time.perf_counter()
        fitter.epoch(stage, rows, 0, (len(rates["fed"]),), _silent)
        rates["fed"].append(len(rows) / (time.perf_counter() - started))
        started = time.perf_counter()
        for _ in range(STEPS):
            fitter.step(*batch)
        rates["bare"].append(len(rows) / (time.perf_counter() - started))
    fed, bare = (float(np.median(rates[kind])) for kind in ("fed", "bare"))
    return {"fed": fed, "bare": bare, "ratio": fed / bare, "turns": len(rates["bare"])}


def _silent(_: str) -> None:
    """Report nothing between the two."""


def measure(name: str, data: Path, seconds: float, overrides: list[str] | None = None) -> dict[str, float]:
    """Load what a recipe trains and compare. Raise ConfigError for a recipe without a stage on chips."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    from edgeface_train.commands import load_people, load_teacher
    from edgeface_train.fit import Fitter
    from edgeface_train.recipe import find_recipe, read_recipe

    plan = read_recipe(find_recipe(name), overrides)
    stages = [stage for stage in plan.stage if stage.on_chips and not stage.people_per_batch]
    if not stages:
        raise ConfigError(f"recipe {name} has no stage on chips", hint="try small, refine or xs")
    train, _ = load_people(plan, data)
    teacher = load_teacher(plan, data, train)
    blends, unlabelled = teacher.behind if teacher and stages[0].labelled_share < 1 else (0, 0)
    return compare(Fitter(plan, train, teacher), stages[0], len(train) + blends + unlabelled, seconds)


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="a TOML file, or a recipe that ships with the trainer")
    parser.add_argument("--data", type=Path, required=True, help="folder that the recipe's paths are relative to")
    parser.add_argument("--seconds", type=float, default=60.0, help="about how long to measure")
    parser.add_argument("-o", "--option", action="append", metavar="KEY=VALUE", help="change one value of the recipe")
    args = parser.parse_args(arguments)
    try:
        found = measure(args.recipe, args.data, args.seconds, args.option)
    except EdgefaceError as error:
        sys.stderr.write(f"error: {error}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        return error.exit_code
    sys.stdout.write(
        f"with the pipeline {found['fed']:,.0f} chips a second, bare steps {found['bare']:,.0f}: {found['ratio']:.1%}\n"
        f"{json.dumps(found)}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

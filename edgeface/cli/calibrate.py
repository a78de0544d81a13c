"""The command that measures a household and recommends a threshold: calibrate."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeface.cli.asking import ask_passphrase
from edgeface.cli.gallery import amounts
from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import cosine, say, say_json, tell
from edgeface.config import Config
from edgeface.errors import ConfigError

if TYPE_CHECKING:
    from edgeface.app.calibrate import Measured

FarOption = Annotated[
    float | None,
    typer.Option("--far", metavar="RATE", help="Share of strangers' visits that may be named; unset: recognition.far."),
]
PerDayOption = Annotated[
    float | None, typer.Option("--false-accepts-per-day", metavar="X", help="Instead: how many a day, such as 0.01.")
]
StrangersPerDayOption = Annotated[
    float,
    typer.Option("--strangers-per-day", min=0.001, metavar="V", help="How many visits of strangers a day brings."),
]
StrangersOption = Annotated[
    Path | None,
    typer.Option("--strangers", metavar="X.npz", help="Your own strangers too: a file of `edgeface embed`."),
]


@with_config("gallery", "model")
def calibrate(
    config: Config,
    far: FarOption = None,
    false_accepts_per_day: PerDayOption = None,
    strangers_per_day: StrangersPerDayOption = 20.0,
    strangers: StrangersOption = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="OUT", help="Write a page with figures.")] = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="FOLDER", help="Write similarities.png and det.png there.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Keep threshold and margin in the gallery, for use.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Measure your own gallery, and recommend the threshold and margin that keep strangers out.

    Every look is searched for among the others; strangers who are nobody, from the bundle, are searched for among
    all. A visit of a stranger counts as one trial, however many frames it has. While a look is nearer to somebody
    else than to its own person, nothing is loosened. docs/calibration.md tells how far the figures can be trusted.

    \b
    Examples:
      edgeface calibrate
      edgeface calibrate --false-accepts-per-day 0.01 --strangers-per-day 20 --html calibration.html
      edgeface calibrate --plots .
      edgeface calibrate --far 0.001 --write
    """
    from edgeface import succession, wiring, wiring_household
    from edgeface.app.calibrate import calibrate as measure
    from edgeface.app.calibrate import rate_of
    from edgeface.drivers.gallery_rows import write_calibration

    if far is not None and false_accepts_per_day is not None:
        raise ConfigError("--far and --false-accepts-per-day say the same", hint="give one of them")
    rate = config.recognition.far if far is None else far
    if false_accepts_per_day is not None:
        rate = rate_of(false_accepts_per_day, strangers_per_day)
    _check_rate(rate)
    config = succession.in_use(config)
    bundle = wiring.read_model(config)
    model = bundle.variant(config.recognition.variant).sha256
    with wiring.open_gallery(config, model, read_only=not write, ask=ask_passphrase) as gallery:
        looks = wiring_household.known_looks(gallery)
        measured = measure(
            looks,
            wiring_household.read_strangers(config, bundle),
            read_own_strangers(strangers, model) if strangers else None,
            rate=rate,
            now=wiring_household.household_policy(config, wiring.make_policy(config, bundle), gallery),
            level=wiring.stranger_level(config, bundle),
            visits=[visit.similarity for visit in gallery.visits() if visit.model == model],
            visitors=wiring_household.unknown_visitors(gallery, model),
        )
        lines = summary(measured, strangers_per_day)
        if html:
            _write_page(html, measured, lines)
        if plots:
            _draw(plots, measured)
        if json_output:
            say_json(as_json(measured, strangers_per_day, written=write))
        else:
            for line in lines:
                say(line)
        if write:
            with gallery.changing() as connection:
                write_calibration(connection, wiring_household.calibrated(model, measured, time.time()))
            _tell_written(config)


def read_own_strangers(path: Path, model: str) -> Any:
    """Return the (n, size) vectors of a file of `edgeface embed`.

    Raise ConfigError for another file, EmbeddingMismatch for another model.
    """
    import numpy as np

    from edgeface.errors import EmbeddingMismatch

    try:
        with np.load(path, allow_pickle=False) as held:
            vectors, made_by = held["vectors"].astype(np.float32), str(held["model"])
    except (OSError, ValueError, KeyError, EOFError, AttributeError) as error:
        raise ConfigError(f"--strangers {path} cannot be read: {error}", hint="`edgeface embed` writes one") from error
    if made_by != model:
        raise EmbeddingMismatch(
            f"--strangers {path} was made with model {made_by[:12]}…, this one is {model[:12]}…",
            hint="make it again with `edgeface embed`",
        )
    if vectors.ndim != 2 or not len(vectors) or not np.isfinite(vectors).all():
        raise ConfigError(f"--strangers {path} holds {vectors.shape}, not a vector a face")
    return vectors


def summary(measured: "Measured", strangers_per_day: float) -> list[str]:
    """Return what was measured, in lines for people."""
    now, advice = measured.now, measured.advice
    judged = len(measured.genuine)
    days = f"{advice.rate * strangers_per_day:.2g} a day of {strangers_per_day:g} strangers"
    lines = [
        f"{amounts(measured.people, measured.looks)}, {measured.strangers} strangers",
        f"threshold {advice.threshold:.3f} (now {now.threshold:.3f})",
        f"margin {advice.margin:.3f} (now {now.margin:.3f})",
        f"strangers named: {advice.rate:.2g} of visits ({days}); now {advice.rate_now:.2g}, asked {measured.rate:.2g}",
        f"looks recognised by the others: {measured.found} of {judged} (now {measured.found_now})"
        if judged
        else "nobody has two looks, so it cannot be told how many of the household are recognised",
    ]
    if len(measured.visits):
        lines.append(
            f"confirmed visits: {len(measured.visits)}, the least similar {measured.visits.min():.3f}; "
            f"at least {measured.visits_missed} would be missed"
        )
    if len(measured.unknown_visitors):
        nearest = measured.unknown_visitors.max()
        lines.append(
            f"unknown visitors: {len(measured.unknown_visitors)}, the most similar {nearest:.3f}; "
            f"a look at {measured.unknown_named} of them would be named (now {measured.unknown_named_now})"
        )
    if measured.rate < measured.least_promised:
        people = f"{measured.people} {'person' if measured.people == 1 else 'people'}"
        lines.append(f"not promised: with {people} the strangers show no rate under {measured.least_promised:.2g}")
    if advice.rate > measured.rate * 1.001:
        lines.append("no threshold keeps that rate: ask for less, or look at those who are confusable")
    if advice.held:
        lines.append("the threshold is not lowered: a look is nearer to somebody else than to its own person")
    if measured.nearest_pair:
        pair = measured.nearest_pair
        lines.append(f"most alike: {pair.first} and {pair.second}, {pair.similarity:.3f}")
    lines += [f"confusable: {pair.first} and {pair.second}, {pair.similarity:.3f}" for pair in measured.confusable]
    lines += [f"another look is needed: {who.name}: {who.reason}" for who in measured.wanting]
    lines += [
        f"suspect: look {look.number} of {look.name}: {look.reason}; `edgeface gallery set-aside {look.number}`"
        for look in measured.suspects
    ]
    return lines


def as_json(measured: "Measured", strangers_per_day: float, *, written: bool) -> dict[str, Any]:
    """Return the same for programs."""
    now, advice = measured.now, measured.advice
    pair = measured.nearest_pair
    return {
        "people": measured.people,
        "looks": measured.looks,
        "strangers": measured.strangers,
        "far_asked": measured.rate,
        "far": advice.rate,
        "far_now": advice.rate_now,
        "far_least_promised": measured.least_promised,
        "false_accepts_per_day": advice.rate * strangers_per_day,
        "threshold": cosine(advice.threshold),
        "threshold_now": cosine(now.threshold),
        "margin": cosine(advice.margin),
        "margin_now": cosine(now.margin),
        "loosening_refused": advice.held,
        "looks_judged": len(measured.genuine),
        "looks_found": measured.found,
        "looks_found_now": measured.found_now,
        "most_alike": [pair.first, pair.second, cosine(pair.similarity)] if pair else None,
        "confusable": [[two.first, two.second, cosine(two.similarity)] for two in measured.confusable],
        "another_look": [{"name": who.name, "reason": who.reason} for who in measured.wanting],
        "suspects": [{"look": one.number, "name": one.name, "reason": one.reason} for one in measured.suspects],
        "own_strangers_named": measured.own_strangers_named,
        "visits": len(measured.visits),
        "visits_missed": measured.visits_missed,
        "unknown_visitors": len(measured.unknown_visitors),
        "unknown_named_now": measured.unknown_named_now,
        "unknown_named": measured.unknown_named,
        "written": written,
    }


def _check_rate(rate: float) -> None:
    from edgeface.core.calibration import LEAST_RATE, MOST_RATE

    if not LEAST_RATE <= rate <= MOST_RATE:
        raise ConfigError(
            f"a rate of {rate:g} false accepts a visit cannot be promised",
            hint=f"ask for one between {LEAST_RATE:g} and {MOST_RATE:g}",
        )


def _write_page(path: Path, measured: "Measured", lines: list[str]) -> None:
    from edgeface.app.calibration_page import page

    try:
        path.write_text(page(measured, lines), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--html {path} cannot be written: {error.strerror}") from error


def _draw(folder: Path, measured: "Measured") -> None:
    from edgeface.app.calibration_page import charts
    from edgeface.drivers.plots import save

    if not folder.is_dir():
        raise ConfigError(f"--plots {folder} is no folder", hint="make it first")
    for name, chart in charts(measured).items():
        save(chart, folder / f"{name}.png")


def _tell_written(config: Config) -> None:
    tell(f"kept in {config.gallery.path}; start `edgeface run` again to use it")
    if config.recognition.threshold is not None:
        tell(f"recognition.threshold = {config.recognition.threshold:g} in the settings still wins: remove it there")

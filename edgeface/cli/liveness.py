"""The command that measures the proof of liveness on the owner's own camera or films."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeface.cli.options import CameraOption, JsonOption, with_config, with_source
from edgeface.cli.output import say, say_json, tell
from edgeface.config import Config
from edgeface.errors import ConfigError

if TYPE_CHECKING:
    from edgeface.app.liveness_trials import Rate, Trial
    from edgeface.core.protocols import Detector

LIVENESS_HELP = """Measure how well living faces are told from pictures; docs/liveness.md explains it.

\b
Examples:
  edgeface liveness test
  edgeface liveness test --genuine me.mp4 --attack print=printed/ --attack phone=phone/
"""

VIDEOS = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v")
LIVING = "living"
BEFORE_THE_CAMERA = {
    LIVING: "a living person",
    "print": "a printed photo of somebody",
    "phone": "a photo of somebody on a phone",
}
"""What is asked for before the camera, by kind."""

liveness_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help=LIVENESS_HELP)

GenuineOption = Annotated[
    list[str] | None, typer.Option("--genuine", metavar="PATH", help="A film of living people, or a folder of such.")
]
AttackOption = Annotated[
    list[str] | None,
    typer.Option("--attack", metavar="[KIND=]PATH", help="A film of pictures of people, or a folder of such."),
]
TrialsOption = Annotated[int, typer.Option("--trials", min=1, max=1000, help="So many of each kind at the camera.")]


@liveness_app.command("test")
@with_config()
def test(
    config: Config,
    genuine: GenuineOption = None,
    attack: AttackOption = None,
    camera: CameraOption = None,
    trials: TrialsOption = 10,
    json_output: JsonOption = False,
) -> None:
    """Measure how often living people are refused, and printed photos and phones accepted.

    Without films it asks for each before the camera in turn. In films nobody turns their head as asked, so that they
    measure the motion of the face alone, one trial for each face that is followed for long enough. A film's kind is
    what is written before "=", or else the folder that it lies in. The settings are those of [liveness].

    The numbers hold for these people, pictures and this camera, and promise nothing about others.

    \b
    Examples:
      edgeface liveness test
      edgeface liveness test --camera picamera2 --trials 20
      edgeface liveness test --genuine me.mp4 --attack print=printed/ --attack phone=phone/
      edgeface liveness test --genuine living/ --attack attacks/ --json
    """
    from edgeface import wiring, wiring_sightings
    from edgeface.app.liveness_trials import rate_of

    films = [(LIVING, film) for given in genuine or [] for film in _films(Path(given))]
    films += [found for given in attack or [] for found in _attacks(given)]
    if films and camera:
        raise ConfigError("films and --camera are both given", hint="leave out one of them")
    detector = wiring.make_detector(config, live=True)
    if films:
        measured = _of_films(config, detector, films)
        limits = wiring_sightings.liveness_limits(config, turns=0)
        least_seconds = limits.window_seconds + limits.bin_seconds
    else:
        measured = _at_the_camera(with_source(config, camera), detector, trials)
        least_seconds = 0.0
    for kind, found in measured.items():
        rate = rate_of(kind, found, genuine=kind == LIVING, least_seconds=least_seconds)
        if json_output:
            say_json(_fields(rate))
        else:
            say(_line(rate))


def _films(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(film for film in path.rglob("*") if film.suffix.lower() in VIDEOS and film.is_file())
    if not found:
        raise ConfigError(f"folder {path} holds no film", hint=f"a film ends in {', '.join(VIDEOS)}")
    return found


def _attacks(given: str) -> Iterator[tuple[str, Path]]:
    """Yield kind and path of each film of an attack."""
    named, equals, path = given.partition("=")
    for film in _films(Path(path if equals else given)):
        kind = named if equals else film.absolute().parent.name
        if not kind or kind == LIVING:
            raise ConfigError(
                f"--attack {given}: {kind!r} is no kind of attack", hint="for example --attack phone=a.mp4"
            )
        yield kind, film


def _of_films(config: Config, detector: "Detector", films: list[tuple[str, Path]]) -> "dict[str, list[Trial]]":
    from edgeface import wiring_cameras, wiring_sightings
    from edgeface.app.liveness_trials import trials_of

    measured: dict[str, list[Trial]] = {}
    limits = wiring_sightings.liveness_limits(config, turns=0)
    for kind, film in films:
        with wiring_cameras.make_camera(with_source(config, str(film))) as source:
            measured.setdefault(kind, []).extend(trials_of(source, detector, limits))
    return measured


def _at_the_camera(config: Config, detector: "Detector", trials: int) -> "dict[str, list[Trial]]":
    """Ask for each kind in turn; whoever has none of it leaves it out."""
    from edgeface import wiring_cameras, wiring_sightings
    from edgeface.app.liveness_trials import live_trial

    measured: dict[str, list[Trial]] = {}
    limits = wiring_sightings.liveness_limits(config, turns=config.liveness.turns)
    for kind, what in BEFORE_THE_CAMERA.items():
        for number in range(1, trials + 1):
            answer = typer.prompt(
                f"{what}, {number} of {trials}: Enter when it is before the camera, s to leave the rest out",
                default="",
                show_default=False,
                err=True,
            )
            if answer.strip().lower() == "s":
                break
            with wiring_cameras.make_camera(config) as source:
                trial = live_trial(source, detector, limits, draw=wiring_sightings.draw_turn, tell=tell)
            tell(f"  {'counts as alive' if trial.alive else 'not proven'}, relief {trial.relief:.3f}")
            measured.setdefault(kind, []).append(trial)
    return measured


def _fields(rate: "Rate") -> dict[str, Any]:
    return {
        "kind": rate.kind,
        "counted": "false rejects" if rate.genuine else "accepts",
        "count": rate.count,
        "trials": rate.trials,
        "rate": _rounded(rate.rate),
        "low": _rounded(rate.low),
        "high": _rounded(rate.high),
        "too_short": rate.too_short,
        "median_relief": _rounded(rate.median_relief),
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def _line(rate: "Rate") -> str:
    counted = "false rejects" if rate.genuine else "accepts"
    short = f", {rate.too_short} too short to judge" if rate.too_short else ""
    if rate.rate is None or rate.low is None or rate.high is None:
        return f"{rate.kind:14}  no trial{short}"
    return (
        f"{rate.kind:14}  {counted:13}  {rate.count:4} of {rate.trials:4}  {rate.rate:6.1%}  "
        f"(95 % interval {rate.low:.1%} to {rate.high:.1%}){short}"
    )

"""The commands that measure this machine: bench, its stages, its models, its peers."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import say, say_json
from edgeface.config import Config

if TYPE_CHECKING:
    from edgeface.app.stages import StageTime
    from edgeface.bench import Board, StagesReport

BENCH_HELP = """Measure what this machine reaches. Without one of the commands below it is `bench stages`.

\b
Examples:
  edgeface bench
  edgeface bench clip.mp4 --json
"""

DEFAULT_COMMAND = "stages"


class BenchGroup(TyperGroup):
    """Takes what begins with no command of its own for the arguments of `stages`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command before its arguments."""
        if not args or args[0] not in {*self.commands, "--help"}:
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)


bench_app = typer.Typer(cls=BenchGroup, rich_markup_mode=None, help=BENCH_HELP)

SourceArgument = Annotated[
    str | None,
    typer.Argument(metavar="SOURCE", help="A camera, video or folder, as camera.source; unset: a generated scene."),
]
SecondsOption = Annotated[float, typer.Option("--seconds", min=1, max=3600, help="How long to measure at most.")]
PeopleOption = Annotated[
    int, typer.Option("--people", min=1, max=100_000, help="How many are enrolled: the source's first face, others.")
]


@bench_app.command("stages")
@with_config("model")
def stages(
    config: Config,
    source: SourceArgument = None,
    seconds: SecondsOption = 10.0,
    people: PeopleOption = 1000,
    json_output: JsonOption = False,
) -> None:
    """Measure the loop of `edgeface run` stage by stage, and a cold start of it in a fresh process.

    The source's first face and made-up people are enrolled in a gallery of their own, which is deleted
    afterwards; no event goes to a sink. The generated scene is of 640x480 pixels and shows one face, the average of
    many, which sways before a wall. docs/bench.md says what each figure means.

    \b
    Examples:
      edgeface bench stages
      edgeface bench stages picamera2 --seconds 30
      edgeface bench stages clip.mp4 --people 5 -o recognition.threads=1 --json
    """
    from edgeface.bench import bench_stages

    report = bench_stages(config, source=source, seconds=seconds, people=people)
    if json_output:
        say_json(_rounded(asdict(report)))
        return
    _say_stages(report)


def _say_stages(report: "StagesReport") -> None:
    measured, fresh = report.measured, report.fresh
    people = f"{report.people} enrolled, {report.variant}, {report.threads} thread{'s' * (report.threads != 1)}"
    say(_board(report.board))
    say(f"{report.source}, {report.width}x{report.height}, {people}")
    say("")
    for line in _table(measured.stages):
        say(line)
    say("")
    say(
        f"{measured.fps:.1f} frames a second, {measured.cpu_fps:.1f} a second of processor time; "
        f"somebody named in {measured.named} of {measured.frames} frames"
    )
    started = (
        "nobody was recognised" if fresh.first_seconds is None else f"{fresh.first_seconds:.2f} s to the first name"
    )
    memory = "" if fresh.peak_rss_mb is None else f", {fresh.peak_rss_mb:.0f} MB of memory at most"
    say(f"fresh process: {started}{memory}")


def _board(board: "Board") -> str:
    warmth = [f"{degrees:.1f}" for degrees in (board.celsius_before, board.celsius_after) if degrees is not None]
    parts = [board.name, f"{board.cores} cores", f"load {board.load:.1f}"]
    parts += [f"{' to '.join(warmth)} °C"] if warmth else []
    parts += [f"{board.watts:.1f} W"] if board.watts is not None else []
    return ", ".join(parts)


def _table(times: "list[StageTime]") -> list[str]:
    head = f"{'stage':10}{'frames':>8}{'p50 ms':>10}{'p95 ms':>10}{'cpu p50':>10}{'mean ms':>10}{'cpu mean':>10}"
    rows = [
        f"{time.stage:10}{time.frames:8}{time.p50_ms:10.2f}{time.p95_ms:10.2f}{time.cpu_p50_ms:10.2f}"
        f"{time.mean_ms:10.2f}{time.cpu_mean_ms:10.2f}"
        for time in times
    ]
    return [head, *rows]


def _rounded(value: Any) -> Any:
    """Round every number with a fraction to a thousandth, as no clock says more."""
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 3) if isinstance(value, float) else value

"""The commands that measure this machine: bench, its stages, its models, its peers."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import say, say_json, tell
from edgeface.cli.settings_file import change_settings
from edgeface.config import Config
from edgeface.errors import ModelError

if TYPE_CHECKING:
    from edgeface.app.stages import StageTime
    from edgeface.bench.board import Board
    from edgeface.bench.models import ModelsReport
    from edgeface.bench.peers import PeersReport
    from edgeface.bench.stages import StagesReport

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
    from edgeface.bench.stages import bench_stages

    report = bench_stages(config, source=source, seconds=seconds, people=people)
    if json_output:
        say_json(_rounded(asdict(report)))
        return
    _say_stages(report)


@bench_app.command("models")
@with_config("gallery", "model")
def models(
    config: Config,
    threads: Annotated[
        list[int] | None, typer.Option("--threads", min=1, max=64, metavar="N", help="Threads to try; may be repeated.")
    ] = None,
    seconds: SecondsOption = 10.0,
    write: Annotated[
        bool, typer.Option("--write", help="Set the fastest in the file of --config, or else in the user's.")
    ] = False,
    json_output: JsonOption = False,
    *,
    own_file: Path,
) -> None:
    """Time every file of the model bundle on 1, 2 and 4 threads, and find the fastest that recognises as well.

    A file keeps up when it gives the card's golden vector on this machine and accepts, by its card, at most one true
    pair in a hundred less than the best file. Of times within 5 % of each other the one with fewer threads wins. Where
    people are enrolled, the file that made their templates stays: another one would need everybody again.

    \b
    Examples:
      edgeface bench models
      edgeface bench models --write
      edgeface bench models --threads 1 --threads 3 --json
    """
    from edgeface.bench.models import bench_models, thread_counts

    report = bench_models(config, threads=threads or thread_counts(), seconds=seconds)
    if json_output:
        say_json(_rounded(asdict(report)))
    else:
        _say_models(report)
    if report.fastest is None:
        raise ModelError("no file of the bundle can be used here", hint="`edgeface doctor` says why")
    if write:
        chosen = report.fastest.candidate
        change_settings(own_file, "recognition", {"variant": chosen.variant, "threads": chosen.threads})
        tell(f"wrote recognition.variant and recognition.threads to {own_file}")


def _say_models(report: "ModelsReport") -> None:
    say(_board(report.board))
    say("")
    say(f"{'variant':12}{'threads':>8}{'p50 ms':>10}{'p95 ms':>10}{'cpu p50':>10}{'accepted':>10}")
    for each in report.timed:
        who = each.candidate
        accepted = "" if who.accepted is None else f"{who.accepted:.1%}"
        mark = "  fastest" if each == report.fastest else ""
        times = f"{each.p50_ms:10.2f}{each.p95_ms:10.2f}{each.cpu_p50_ms:10.2f}"
        say(f"{who.variant:12}{who.threads:8}{times}{accepted:>10}{mark}")
    for who in report.refused:
        say(f"{who.variant:12}{who.threads:8}  refused: {who.problem}")
    if report.gallery:
        say(f"the people in the gallery were enrolled with {report.gallery}, which therefore stays")


@bench_app.command("peers")
@with_config("model")
def peers(
    config: Config,
    source: SourceArgument = None,
    frames: Annotated[
        int, typer.Option("--frames", min=10, max=100_000, help="How many frames each goes through at most.")
    ] = 100,
    people: PeopleOption = 1000,
    json_output: JsonOption = False,
) -> None:
    """Compare with face_recognition (dlib's HOG detector and ResNet) doing the same job on the same frames.

    Each side reads the source, finds every face, and compares it with so many enrolled people: the source's first face,
    and made-up ones. Each runs in a process of its own, on one thread, and they take turns of ten frames, so that
    other work on this machine slows all of them alike. Besides the defaults of both, edgeface is measured with a look
    at every face of every frame, and face_recognition without doubling the picture. It needs the extra "peers".

    \b
    Examples:
      edgeface bench peers
      edgeface bench peers clip.mp4 --frames 300 --json
    """
    from edgeface.bench.peers import bench_peers

    report = bench_peers(config, os.environ, source=source, frames=frames, people=people)
    if json_output:
        say_json(_rounded(asdict(report)))
    else:
        _say_peers(report)


def _say_peers(report: "PeersReport") -> None:
    from edgeface.app.stages import StageTime

    say(_board(report.board))
    say(f"{report.source}, {report.width}x{report.height}, {report.people} enrolled, one thread each")
    for side in report.sides:
        say("")
        say(f"{side['side']}: {side['fps']:.1f} frames a second, {side['cpu_fps']:.1f} a second of processor time,")
        say(f"somebody named in {side['named']} of {side['frames']} frames, {side['peak_rss_mb']:.0f} MB of memory")
        for line in _table([StageTime(**stage) for stage in side["stages"]]):
            say(line)
    say("")
    ratio = report.ratio
    say(
        f"edgeface : face_recognition = {ratio.fps:.1f} in frames a second, {ratio.cpu_fps:.1f} by processor time, "
        f"{ratio.embed_cpu:.1f} in embedding a face"
    )


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

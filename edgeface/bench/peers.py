"""Measure the loop beside face_recognition: the same frames, one thread and one process each, in turns."""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeface import wiring_cameras
from edgeface.app.bench import Measured, TimedCamera
from edgeface.app.peer import enrolled, first_vector, measure_peer
from edgeface.app.stages import Stopwatch
from edgeface.bench.board import Board, observing
from edgeface.bench.stages import SCENE, SCENE_HINT, ready_to_measure, too_short, work_through
from edgeface.config import Config
from edgeface.drivers.face_recognition import UPSAMPLED, FaceRecognition, locate_dlib_weights
from edgeface.drivers.turns import Worker, take_turns
from edgeface.errors import NoFaceFound

EDGEFACE, EVERY_FRAME = "edgeface", "edgeface, a look every frame"
PEER, NOT_UPSAMPLED = "face_recognition", "face_recognition, picture not doubled"
SIDES = (EDGEFACE, EVERY_FRAME, PEER, NOT_UPSAMPLED)
"""Both as they come, and both as they are easily set otherwise."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
FPS = 25.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times faster edgeface is than face_recognition, both as they come."""

    fps: float
    cpu_fps: float
    """By processor time: the sounder figure where the machine does other work."""
    embed_cpu: float
    """Median processor time of the vectors of a frame's faces; of a face, where a frame shows one."""


@dataclass(frozen=True, slots=True)
class PeersReport:
    """What `edgeface bench peers` found."""

    board: Board
    source: str
    width: int
    height: int
    people: int
    sides: list[dict[str, Any]]
    """Of each side its name, the fields of `Measured`, and `peak_rss_mb`."""
    ratio: Ratio


def bench_peers(
    config: Config, environment: Mapping[str, str], *, source: str | None, frames: int, people: int
) -> PeersReport:
    """Let all sides go through the first frames of a source in turns.

    Raise MissingExtra without dlib and its weights, NoFaceFound where a side finds nobody to enrol.
    """
    locate_dlib_weights()
    board = observing()
    single = replace(config, recognition=replace(config.recognition, threads=1))
    with (
        ready_to_measure(single, source=source, seconds=frames / FPS, people=people) as (ready, (width, height)),
        ExitStack() as at_work,
    ):
        settings = str(Path(ready.gallery.path).with_name("config.toml"))
        command = [sys.executable, "-m", "edgeface.cli.side", settings, str(people), str(frames)]
        workers = [at_work.enter_context(Worker([*command, side], {**environment, **ONE_THREAD})) for side in SIDES]
        sides = take_turns(workers)
    return PeersReport(board(), source or SCENE, width, height, people, sides, ratio_of(sides))


def ratio_of(sides: list[dict[str, Any]]) -> Ratio:
    """Compare the two sides as they come, and how long those that embed every face of every frame take for it.

    Raise NoFaceFound when one of them embedded nothing.
    """
    by_name = {side["side"]: side for side in sides}
    ours, theirs = by_name[EDGEFACE], by_name[PEER]
    our_embed, their_embed = _embed_cpu(by_name[EVERY_FRAME]), _embed_cpu(theirs)
    return Ratio(ours["fps"] / theirs["fps"], ours["cpu_fps"] / theirs["cpu_fps"], their_embed / our_embed)


def _embed_cpu(side: dict[str, Any]) -> float:
    for stage in side["stages"]:
        if stage["stage"] == "embed":
            return stage["cpu_p50_ms"]
    raise NoFaceFound(f"{side['side']} embedded no face after the first frames", hint=SCENE_HINT)


def work_as(side: str, config: Config, *, people: int, turn: Callable[[], bool]) -> Measured:
    """Go through the configured source as one of the sides, for as long as it has a turn."""
    if side == EDGEFACE:
        return work_through(config, turn=turn)
    if side == EVERY_FRAME:
        return work_through(replace(config, tracking=replace(config.tracking, reverify_seconds=0.0)), turn=turn)
    peer = FaceRecognition(upsampled=UPSAMPLED if side == PEER else 0)
    with wiring_cameras.make_camera(config) as source:
        somebody = first_vector(source, peer)
    if somebody is None:
        raise NoFaceFound(f"{side} finds no face in {source.name}", hint=SCENE_HINT)
    stopwatch = Stopwatch(time.perf_counter, time.process_time)
    with wiring_cameras.make_camera(config) as source, too_short(source.name):
        return measure_peer(TimedCamera(source, stopwatch, turn=turn), peer, enrolled(somebody, people), stopwatch)

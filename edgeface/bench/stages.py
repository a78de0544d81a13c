"""Measure the stages of the loop: with a source, a gallery of many people, and a fresh process."""

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from edgeface import wiring, wiring_cameras, wiring_sightings
from edgeface.app.bench import Measured, TimedCamera, first_look, measure
from edgeface.app.scene import FPS, paint_scene
from edgeface.app.stages import Stopwatch
from edgeface.bench.board import Board, observing
from edgeface.config import Config, effective
from edgeface.drivers.crowd import enrol_crowd
from edgeface.drivers.embedder import decode_chip
from edgeface.drivers.fresh import FreshRun, watch_process
from edgeface.errors import CameraError, NoFaceFound

NAME = "somebody"
"""The name under which the source's first face is enrolled."""

LIVE_PATIENCE_SECONDS = 60.0
"""So long a fresh process may wait for somebody to stand before a live camera."""

SCENE = "generated scene"
LONGEST_SCENE_SECONDS = 20.0
SCENE_HINT = "give a video in which a face is seen, or none to use the generated scene"


@dataclass(frozen=True, slots=True)
class StagesReport:
    """What `edgeface bench` found."""

    board: Board
    source: str
    width: int
    height: int
    people: int
    variant: str
    threads: int
    measured: Measured
    fresh: FreshRun
    """`edgeface run` from nothing to the first time that somebody enrolled arrived."""


def bench_stages(config: Config, *, source: str | None, seconds: float, people: int) -> StagesReport:
    """Measure the loop on a source, or on a scene that is made for it, with so many people enrolled.

    Raise NoFaceFound for a source without a face that is good enough, CameraError for one that is too short.
    """
    board = observing()
    scene_seconds = min(seconds, LONGEST_SCENE_SECONDS)
    with ready_to_measure(config, source=source, seconds=scene_seconds, people=people) as (ready, (width, height)):
        measured = work_through(ready, seconds=seconds)
        observed = board()
        fresh = start_afresh(ready, seconds=min(seconds, 2.0))
    chosen = config.recognition
    return StagesReport(
        observed,
        source or SCENE,
        width,
        height,
        people,
        chosen.variant or wiring.read_model(config).card.default_variant,
        chosen.threads,
        measured,
        fresh,
    )


@contextmanager
def ready_to_measure(
    config: Config, *, source: str | None, seconds: float, people: int
) -> Iterator[tuple[Config, tuple[int, int]]]:
    """Yield the settings for a source on which somebody is enrolled, among others, and its width and height.

    Its gallery is a new one, in a folder that is gone afterwards; there are no sinks.
    """
    with tempfile.TemporaryDirectory(prefix="edgeface-bench-") as name:
        folder = Path(name)
        ready = replace(
            config,
            camera=replace(config.camera, source=source or str(_write_scene(folder / "scene.mp4", seconds))),
            cameras=(),
            gallery=replace(config.gallery, path=str(folder / "gallery.db")),
            sink=(),
        )
        (folder / "config.toml").write_text("sink = []\n" + effective(ready), encoding="utf-8")
        yield ready, _enrol(ready, people)


def work_through(config: Config, *, seconds: float = math.inf, turn: Callable[[], bool] = lambda: True) -> Measured:
    """Recognise who is in the configured source as `edgeface run` does, for so many seconds or until it ends."""
    parts = wiring.make_parts(config, live=True)
    stopwatch = Stopwatch(time.perf_counter, time.process_time)
    with (
        wiring.open_gallery(config, parts.embedder.model, read_only=True) as gallery,
        wiring_cameras.make_camera(config) as source,
    ):
        pipeline = wiring.make_pipeline(config, parts, gallery, stage=stopwatch)
        camera = TimedCamera(source, stopwatch, seconds=seconds, turn=turn)
        with too_short(source.name):
            return measure(camera, pipeline, wiring_sightings.make_presence(config), stopwatch)


@contextmanager
def too_short(name: str) -> Iterator[None]:
    """Say that a source is too short when what is measured inside says so."""
    try:
        yield
    except ValueError as error:
        raise CameraError(f"{name} is too short to measure: {error}", hint=SCENE_HINT) from error


def start_afresh(config: Config, *, seconds: float) -> FreshRun:
    """Run `edgeface run` in a process of its own until somebody enrolled has arrived, and `seconds` more."""
    settings = Path(config.gallery.path).with_name("config.toml")
    command = [sys.executable, "-m", "edgeface", "run", "--json", "--config", str(settings)]
    # A recording ends by itself, however slow the machine is.
    patience = LIVE_PATIENCE_SECONDS if wiring_cameras.films_live(config) else math.inf
    return watch_process(command, _is_arrival, seconds=seconds, patience_seconds=patience)


def _is_arrival(line: bytes) -> bool:
    event = json.loads(line)
    return event.get("kind") == "arrived" and event.get("name") == NAME


def _write_scene(path: Path, seconds: float) -> Path:
    """Write the scene of one face as a video of so many seconds."""
    face = decode_chip(wiring.read_model(Config()).card.golden_chip)
    with wiring.make_video(path, FPS) as video:
        for picture in paint_scene(face, round(seconds * FPS)):
            video.write(picture)
    return path


def _enrol(config: Config, people: int) -> tuple[int, int]:
    """Enrol the first face of the source, and others up to a number of people; return the frames' width and height."""
    parts = wiring.make_parts(config, live=True)
    with wiring_cameras.make_camera(config) as camera:
        look = first_look(camera, parts.detector, parts.embedder)
    if look is None:
        raise NoFaceFound(f"no face that is good enough in the first seconds of {camera.name}", hint=SCENE_HINT)
    path = Path(config.gallery.path)
    enrol_crowd(path, parts.embedder.model, people=people - 1, size=len(look.embedding.vector))
    with wiring.open_gallery(config, parts.embedder.model) as gallery:
        gallery.add(NAME, [look.embedding], source="bench")
    return look.width, look.height

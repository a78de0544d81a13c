"""The commands that say who is there: identify and run."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeface.cli.asking import ask_passphrase
from edgeface.cli.options import CameraOption, JsonOption, Photos, with_config, with_source
from edgeface.cli.output import cosine, say, say_json, tell
from edgeface.cli.reload import ModelsInUse, Reloader, ending_on_sigterm, reloading_on_sighup
from edgeface.cli.serve import DaemonPowers, Watch, serving
from edgeface.config import Config
from edgeface.errors import ConfigError, EmbeddingMismatch, EnrollmentError, NoFaceFound

if TYPE_CHECKING:
    from edgeface.app.clock import SteadyClock
    from edgeface.app.supervise import SupervisedCamera
    from edgeface.core.protocols import Sink
    from edgeface.core.types import AnyEvent, Match
    from edgeface.drivers.annotate import VideoWriter
    from edgeface.drivers.cameras.source import Source
    from edgeface.drivers.notify import Notifier

AnnotateOption = Annotated[
    Path | None, typer.Option("--annotate", metavar="OUT.mp4", help="Write a video with boxes and names.")
]

DaemonFlag = Annotated[
    bool, typer.Option("--daemon", help="Run as a service: wait for a camera that is not there, reload on SIGHUP.")
]


@with_config("gallery", "model")
def identify(config: Config, photos: Photos, json_output: JsonOption = False) -> None:
    """Say who is in photos: every face with its box, name, similarity and that of the next person.

    Who is not enrolled is unknown, never the nearest name. A photo without a face says so and the others go
    on; when no photo has one, the exit code is 5.

    \b
    Examples:
      edgeface identify party.jpg
      edgeface identify --json *.jpg | jq -r '.faces[].name'
    """
    from edgeface import succession, wiring
    from edgeface.app.identify import identify as identify_photo
    from edgeface.drivers.photos import read_photo

    config = succession.in_use(config)
    parts = wiring.make_parts(config)
    found = 0
    with (
        wiring.open_gallery(config, parts.embedder.model, read_only=True, ask=ask_passphrase) as gallery,
        succession.successor(config, gallery) as successor,
    ):
        parts = wiring.for_household(config, parts, gallery)
        for photo in photos:
            problem, matches = None, []
            try:
                matches = identify_photo(
                    read_photo(Path(photo)),
                    detector=parts.detector,
                    embedder=parts.embedder,
                    index=gallery,
                    policy=parts.policy,
                    successor=successor,
                )
                problem = None if matches else f"{photo}: no face found"
            except EnrollmentError as error:
                problem = error.message
            found += len(matches)
            _say_matches(photo, matches, problem, json_output=json_output)
    if not found:
        raise NoFaceFound(f"no face found in {len(photos)} photo{'s' * (len(photos) != 1)}")


@with_config("gallery", "model")
def run(
    config: Config,
    camera: CameraOption = None,
    annotate: AnnotateOption = None,
    daemon: DaemonFlag = False,
    json_output: JsonOption = False,
    *,
    read_again: Callable[[], Config],
) -> None:
    """Watch a camera and print who arrives and who leaves, one event a line, as it happens.

    Events also go to the sinks of the configuration; docs/events.md tells of them.

    A source is a webcam's number, "picamera2", an rtsp:// or http:// address, a video file or a folder of
    pictures. It ends with the source, or cleanly with Ctrl-C (exit code 130) or SIGTERM (0); whoever is
    present then leaves. A live camera that fails meanwhile is opened again until it is back; see docs/daemon.md.

    \b
    Examples:
      edgeface run
      edgeface run --camera rtsp://192.168.1.20/stream --json
      edgeface run --camera clip.mp4 --annotate named.mp4
      edgeface run --daemon --json
      edgeface run --camera picamera2 -o recognition.every=3
    """
    from edgeface.app.window import Window
    from edgeface.drivers.notify import Notifier

    if daemon and annotate:
        raise ConfigError("--annotate has no end with --daemon", hint="choose one of them")
    config = with_source(config, camera)
    reloader = Reloader(config, lambda: with_source(read_again(), camera), _prove)
    manager = Notifier(os.environ.get("NOTIFY_SOCKET", ""))
    powers = DaemonPowers(Window(time.monotonic, time.sleep), lambda: reloader.config, reloader.request)
    with (
        closing(manager),
        ending_on_sigterm(),
        reloading_on_sighup(reloader) if daemon else nullcontext(),
        serving(config, powers) if daemon else nullcontext(),
    ):
        try:
            before = config
            while _watch(reloader, manager, powers, annotate, daemon=daemon, json_output=json_output):
                what = "the settings" if reloader.config != before else "the models in use"
                tell(f"{what} changed: beginning again with them")
                before = reloader.config
                if reloader.config.control != config.control:
                    tell("control.socket and control.group stay as they were until the daemon starts anew")
        finally:
            reloader.end()
            manager.stopping()


def _prove(config: Config) -> None:
    """Raise EdgefaceError unless the model is there and, where there is a gallery, made it."""
    from edgeface import succession, wiring
    from edgeface.drivers.gallery_file import exists

    config = succession.in_use(config)
    parts = wiring.make_parts(config, live=True)
    if exists(Path(config.gallery.path)):
        with (
            wiring.open_gallery(config, parts.embedder.model, read_only=True, ask=ask_passphrase) as gallery,
            succession.successor(config, gallery),
        ):
            wiring.check_model(parts, gallery)


def _watch(
    reloader: Reloader,
    manager: "Notifier",
    powers: DaemonPowers,
    annotate: Path | None,
    *,
    daemon: bool,
    json_output: bool,
) -> bool:
    """Watch until the source ends, or the settings or the gallery's models change: then return True."""
    from edgeface import succession, wiring
    from edgeface.app.annotate import label
    from edgeface.app.run import watch
    from edgeface.drivers.gallery_file import exists
    from edgeface.drivers.sinks.chosen import Chosen
    from edgeface.drivers.sinks.json_lines import JsonLines, Text

    given = reloader.config
    config = succession.in_use(given)
    parts = wiring.make_parts(config, live=True)
    # Before anybody is enrolled the gallery waits for its file, so that who is enrolled later gets a name.
    read_only = exists(Path(config.gallery.path)) and not config.unknown.remember
    sink = Chosen(JsonLines(sys.stdout) if json_output else Text(sys.stdout), config.output.events)
    clock, live = wiring.make_clock(), wiring.films_live(config)
    with (
        wiring.open_gallery(config, parts.embedder.model, read_only=read_only, ask=ask_passphrase) as gallery,
        succession.successor(given, gallery) as successor,
        wiring.make_outboxes(config, os.environ, gallery) as outboxes,
        _keeping_visits(config, parts.embedder.model if live and successor is None else None) as keepers,
        _source(config, clock, _teller([outboxes, sink], clock), must_open=not daemon) as source,
        _film(annotate, config, source) as film,
    ):
        wiring.check_model(parts, gallery)
        parts = wiring.for_household(config, parts, gallery)
        if not gallery.people():
            tell("nobody is enrolled yet: everybody is unknown")
        heart = wiring.make_heart(manager, source)
        powers.watch = Watch(source, outboxes)
        attention = None if film else wiring.make_attention(config)  # a film wants every frame
        cooling = wiring.make_cooling(config, clock, _teller([outboxes, sink], clock)) if live else None

        models = ModelsInUse(gallery.upgrade, lambda: _prove(reloader.config)) if live else None

        def beat() -> bool:
            if cooling:
                cooling.check()
                heart.note = cooling.note
                source.pace(max(cooling.period_seconds, attention.period_seconds if attention else 0.0))
            heart.beat()
            return reloader.changed() or (models is not None and models.changed())

        try:
            summary = watch(
                powers.window.over(source),
                wiring.make_pipeline(config, parts, gallery, successor=successor),
                wiring.make_presence(config),
                [outboxes, sink, powers.window, *keepers],
                every=config.recognition.every,
                attention=attention,
                prover=wiring.make_prover(config),
                visitors=wiring.make_visitors(config, parts, gallery),
                on_frame=film and (lambda seen: film.write(seen.frame.image, list(map(label, seen.faces)))),
                on_beat=beat,
                date=clock.date,
            )
        except EmbeddingMismatch:
            if models is None or not models.changed():  # the old model may be retired between two beats
                raise
            return True
    seen = f"{summary.frames} frames in {summary.seconds:.1f} s of {source.name}"
    tell(f"{seen}: {summary.events} events")
    return reloader.config != given or (models is not None and models.have_changed)


def _say_matches(photo: str, matches: "list[Match]", problem: str | None, *, json_output: bool) -> None:
    if json_output:
        say_json({"photo": photo, "faces": [_face(match) for match in matches], "problem": problem})
        return
    if problem:
        say(problem)
    for match in matches:
        face = _face(match)
        left, top, width, height = face["box"]
        say(
            f"{photo}: {face['name'] or 'unknown'}  similarity {match.similarity:.2f}, "
            f"next {match.runner_up:.2f}  {width}x{height} at {left},{top}"
        )


def _face(match: "Match") -> dict[str, Any]:
    box = match.face.box
    return {
        "box": [round(box.left), round(box.top), round(box.width), round(box.height)],
        "name": match.identity.name if match.identity else None,
        "similarity": cosine(match.similarity),
        "runner_up": cosine(match.runner_up),
    }


def _teller(sinks: "Sequence[Sink]", clock: "SteadyClock") -> "Callable[[AnyEvent], None]":
    """Return what tells all sinks of an event that bears the clock's steady time."""

    def tell_all(event: "AnyEvent") -> None:
        for sink in sinks:
            sink.emit(replace(event, at=clock.date(event.at)))

    return tell_all


@contextmanager
def _keeping_visits(config: Config, model: str | None) -> "Iterator[list[Sink]]":
    """Yield what keeps the similarities of visits; nothing where one model alone does not decide, or of a recording."""
    from edgeface import wiring

    keeper = wiring.make_visit_keeper(config, model) if model else None
    with closing(keeper) if keeper else nullcontext():
        yield [keeper] if keeper else []


def _source(
    config: Config, clock: "SteadyClock", tell_all: "Callable[[AnyEvent], None]", *, must_open: bool
) -> "Source | SupervisedCamera":
    from edgeface import wiring

    if not wiring.films_live(config):
        return wiring.make_camera(config)
    return wiring.make_live_camera(config, clock, tell_all, must_open=must_open)


def _film(
    path: Path | None, config: Config, source: "Source | SupervisedCamera"
) -> "AbstractContextManager[VideoWriter | None]":
    from edgeface import wiring

    return wiring.make_film(path, config, source) if path else nullcontext()

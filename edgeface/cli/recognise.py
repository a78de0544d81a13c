"""The commands that say who is there: identify and run."""

import os
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeface.cli.asking import ask_passphrase
from edgeface.cli.options import CameraOption, JsonOption, Photos, with_config, with_source
from edgeface.cli.output import cosine, say, say_json, tell
from edgeface.cli.reload import Reloader, ending_on_sigterm, reloading_on_sighup
from edgeface.cli.serve import DaemonPowers, serving
from edgeface.cli.watching import prove, watch_once
from edgeface.config import Config
from edgeface.errors import ConfigError, EnrollmentError, NoFaceFound

if TYPE_CHECKING:
    from edgeface.core.types import Match

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
    present then leaves. Several cameras are watched at once where the settings have [[cameras]]; --camera then takes
    the name of one, too. A live camera that fails meanwhile is opened again until it is back; see docs/daemon.md.

    \b
    Examples:
      edgeface run
      edgeface run --camera rtsp://192.168.1.20/stream --json
      edgeface run --camera clip.mp4 --annotate named.mp4
      edgeface run --daemon --json
      edgeface run --camera picamera2 -o recognition.every=3
    """
    from edgeface.app.window import Window
    from edgeface.drivers.memory import give_back, share_one_arena
    from edgeface.drivers.notify import Notifier

    if daemon and annotate:
        raise ConfigError("--annotate has no end with --daemon", hint="choose one of them")
    share_one_arena()
    config = with_source(config, camera)
    reloader = Reloader(config, lambda: with_source(read_again(), camera), prove)
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
            while watch_once(reloader, manager, powers, annotate, daemon=daemon, json_output=json_output):
                what = "the settings" if reloader.config != before else "the models in use"
                tell(f"{what} changed: beginning again with them")
                give_back()  # the networks of the watch that ended
                before = reloader.config
                if reloader.config.control != config.control:
                    tell("control.socket and control.group stay as they were until the daemon starts anew")
        finally:
            reloader.end()
            manager.stopping()


def _say_matches(photo: str, matches: "list[Match]", problem: str | None, *, json_output: bool) -> None:
    if json_output:
        say_json({"photo": photo, "faces": [_face(match) for match in matches], "problem": problem})
        return
    if problem:
        say(problem)
    for match in matches:
        face = _face(match)
        left, top, width, height = face["box"]
        say(f"{photo}: {face['name'] or 'unknown'}  {_likeness(match)}  {width}x{height} at {left},{top}")


def _likeness(match: "Match") -> str:
    """Say how similar a face is to the nearest person and the next; a cosine of -1 stands for nobody."""
    from edgeface.core.decision import LEAST_COSINE

    if match.similarity <= LEAST_COSINE:
        return "nobody to compare with"
    following = f"next {match.runner_up:.2f}" if match.runner_up > LEAST_COSINE else "nobody else to compare with"
    return f"similarity {match.similarity:.2f}, {following}"


def _face(match: "Match") -> dict[str, Any]:
    box = match.face.box
    return {
        "box": [round(box.left), round(box.top), round(box.width), round(box.height)],
        "name": match.identity.name if match.identity else None,
        "similarity": cosine(match.similarity),
        "runner_up": cosine(match.runner_up),
    }

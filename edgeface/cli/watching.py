"""One watch of `edgeface run`: from the settings in force until the sources end or the settings change."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgeface.cli.asking import ask_passphrase
from edgeface.cli.output import tell
from edgeface.cli.reload import Reloader
from edgeface.cli.serve import DaemonPowers, Watch
from edgeface.config import Config
from edgeface.errors import ConfigError

if TYPE_CHECKING:
    from edgeface.app.clock import SteadyClock
    from edgeface.app.cooling import Cooling
    from edgeface.app.heart import Heart
    from edgeface.app.pipeline import Recognition
    from edgeface.app.run import Lookout
    from edgeface.app.supervise import SupervisedCamera
    from edgeface.app.window import Window
    from edgeface.core.protocols import Index, Sink
    from edgeface.core.types import AnyEvent, Frame, Gap
    from edgeface.drivers.annotate import VideoWriter
    from edgeface.drivers.cameras.source import Source
    from edgeface.drivers.notify import Notifier
    from edgeface.wiring import Parts

    Cameras = Mapping[str, Source | SupervisedCamera]


def watch_once(
    reloader: Reloader,
    manager: "Notifier",
    powers: DaemonPowers,
    annotate: Path | None,
    *,
    daemon: bool,
    json_output: bool,
) -> bool:
    """Watch until the sources end, or the settings change: then return True."""
    from edgeface import wiring
    from edgeface.app.run import watch_all
    from edgeface.app.several import Bell
    from edgeface.drivers.gallery_file import exists
    from edgeface.drivers.sinks.chosen import Chosen
    from edgeface.drivers.sinks.json_lines import JsonLines, Text

    config = reloader.config
    if annotate and len(config.cameras) > 1:
        raise ConfigError("--annotate draws one camera", hint="choose it with --camera NAME")
    parts = wiring.make_parts(config, live=True)
    # Before anybody is enrolled the gallery waits for its file, so that who is enrolled later gets a name.
    enrolled = exists(Path(config.gallery.path))
    printed = Chosen(JsonLines(sys.stdout) if json_output else Text(sys.stdout), config.output.events)
    clock, bell = wiring.make_clock(), Bell()
    with (
        wiring.open_gallery(config, parts.embedder.model, read_only=enrolled, ask=ask_passphrase) as gallery,
        wiring.make_outboxes(config, os.environ, gallery) as outboxes,
        _cameras(config, clock, _teller([outboxes, printed], clock), bell.ring, must_open=not daemon) as cameras,
        _film(annotate, config, cameras) as film,
    ):
        wiring.check_model(parts, gallery)
        parts = wiring.for_household(config, parts, gallery)
        if not gallery.people():
            tell("nobody is enrolled yet: everybody is unknown")
        powers.watch = Watch(cameras, outboxes)
        sinks = [outboxes, printed, powers.window]
        lookouts = _lookouts(config, parts, gallery, sinks, film, clock)
        live = any(map(wiring.films_live, wiring.camera_configs(config).values()))
        cooling = wiring.make_cooling(config, clock, _teller([outboxes, printed], clock)) if live else None
        beat = _beat(wiring.make_heart(manager, cameras), cooling, cameras, lookouts)
        seen = _seen(cameras, powers.window, bell.wait)
        watch_all(seen, lookouts, on_beat=lambda: beat() or reloader.changed())
    for name, lookout in lookouts.items():
        summary = lookout.summary
        source = cameras[name].name
        tell(f"{summary.frames} frames in {summary.seconds:.1f} s of {source}: {summary.events} events")
    return reloader.config != config


def _lookouts(
    config: Config,
    parts: "Parts",
    index: "Index",
    sinks: "Sequence[Sink]",
    film: "VideoWriter | None",
    clock: "SteadyClock",
) -> "dict[str, Lookout]":
    """Return what follows each camera; all of them search and embed with the same networks, in turn."""
    from edgeface import wiring
    from edgeface.app.run import Lookout

    return {
        name: Lookout(
            wiring.make_pipeline(own, parts, index),
            wiring.make_presence(own),
            sinks,
            name=name,
            every=own.recognition.every,
            attention=None if film else wiring.make_attention(own),  # a film wants every frame
            on_frame=_drawing(film) if film else None,
            date=clock.date,
        )
        for name, own in wiring.camera_configs(config).items()
    }


def _drawing(film: "VideoWriter") -> "Callable[[Recognition], None]":
    """Return what draws each examined frame into a film."""
    from edgeface.app.annotate import label

    return lambda seen: film.write(seen.frame.image, list(map(label, seen.faces)))


def _beat(
    heart: "Heart", cooling: "Cooling | None", cameras: "Cameras", lookouts: "Mapping[str, Lookout]"
) -> Callable[[], bool]:
    """Return what is done between two frames."""

    def beat() -> bool:
        if cooling:
            cooling.check()
            heart.note = cooling.note
            for name, camera in cameras.items():
                camera.pace(max(cooling.period_seconds, lookouts[name].period_seconds))
        heart.beat()
        return False

    return beat


def _seen(cameras: "Cameras", window: "Window", wait: Callable[[float], None]) -> "Iterable[tuple[str, Frame | Gap]]":
    """Return what the cameras give, by their names; it is shown in the window too."""
    from edgeface.app.several import Several, excuses

    window.begin(list(cameras))
    shown = {name: window.over(camera, name) for name, camera in cameras.items()}
    if len(shown) == 1:
        [(name, only)] = shown.items()
        return ((name, seen) for seen in only.frames())
    return Several(shown, now=time.monotonic, wait=wait, excuse=excuses(cameras)).frames()


def _teller(sinks: "Sequence[Sink]", clock: "SteadyClock") -> "Callable[[AnyEvent], None]":
    """Return what tells all sinks of an event that bears the clock's steady time."""

    def tell_all(event: "AnyEvent") -> None:
        for sink in sinks:
            sink.emit(replace(event, at=clock.date(event.at)))

    return tell_all


@contextmanager
def _cameras(
    config: Config,
    clock: "SteadyClock",
    tell_all: "Callable[[AnyEvent], None]",
    ring: Callable[[], None],
    *,
    must_open: bool,
) -> "Iterator[dict[str, Source | SupervisedCamera]]":
    """Open every camera; only one of several rings."""
    from edgeface import wiring

    with ExitStack() as stack:
        opened: dict[str, Source | SupervisedCamera] = {}
        configs = wiring.camera_configs(config)
        for name, own in configs.items():
            if wiring.films_live(own):
                bell = ring if len(configs) > 1 else None
                camera = wiring.make_live_camera(own, clock, tell_all, must_open=must_open, name=name, ring=bell)
            else:
                camera = wiring.make_camera(own)
            opened[name] = stack.enter_context(camera)
        yield opened


def _film(path: Path | None, config: Config, cameras: "Cameras") -> "AbstractContextManager[VideoWriter | None]":
    from edgeface import wiring

    return wiring.make_film(path, config, next(iter(cameras.values()))) if path else nullcontext()

"""One watch of `edgeface run`: until the sources end, or the settings or the gallery's models change."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgeface.cli.asking import ask_passphrase
from edgeface.cli.output import tell
from edgeface.cli.reload import ModelsInUse, Reloader
from edgeface.cli.serve import DaemonPowers, Watch
from edgeface.config import Config
from edgeface.errors import ConfigError, EmbeddingMismatch

if TYPE_CHECKING:
    from edgeface.app.clock import SteadyClock
    from edgeface.app.cooling import Cooling
    from edgeface.app.heart import Heart
    from edgeface.app.pipeline import Recognition
    from edgeface.app.run import Lookout
    from edgeface.app.sides import Successor
    from edgeface.app.supervise import SupervisedCamera
    from edgeface.app.window import Window
    from edgeface.core.protocols import Sink
    from edgeface.core.types import AnyEvent, Frame, Gap
    from edgeface.drivers.annotate import VideoWriter
    from edgeface.drivers.cameras.source import Source
    from edgeface.drivers.notify import Notifier
    from edgeface.drivers.store import Gallery
    from edgeface.wiring import Parts

    Cameras = Mapping[str, Source | SupervisedCamera]


def prove(config: Config) -> None:
    """Raise EdgefaceError unless each sink can work, and the model is there and, where there is a gallery, made it."""
    from edgeface import succession, wiring, wiring_sightings
    from edgeface.drivers.gallery_file import exists
    from edgeface.drivers.memory import give_back

    wiring_sightings.check_sinks(config, os.environ)
    config = succession.in_use(config)
    parts = wiring.make_parts(config, live=True)
    if exists(Path(config.gallery.path)):
        with (
            wiring.open_gallery(config, parts.embedder.model, read_only=True, ask=ask_passphrase) as gallery,
            succession.successor(config, gallery),
        ):
            wiring.check_model(parts, gallery)
    del parts
    give_back()


def watch_once(
    reloader: Reloader,
    manager: "Notifier",
    powers: DaemonPowers,
    annotate: Path | None,
    *,
    daemon: bool,
    json_output: bool,
) -> bool:
    """Watch until the sources end, or the settings or the gallery's models change: then return True."""
    from edgeface import succession, wiring, wiring_cameras, wiring_sightings
    from edgeface.app.run import watch_all
    from edgeface.app.several import Bell
    from edgeface.drivers.gallery_file import exists
    from edgeface.drivers.memory import give_back
    from edgeface.drivers.sinks.chosen import Chosen
    from edgeface.drivers.sinks.json_lines import JsonLines, Text

    given = reloader.config
    config = succession.in_use(given)
    if annotate and len(config.cameras) > 1:
        raise ConfigError("--annotate draws one camera", hint="choose it with --camera NAME")
    parts = wiring.make_parts(config, live=True)
    # Before anybody is enrolled the gallery waits for its file, so that who is enrolled later gets a name.
    read_only = exists(Path(config.gallery.path)) and not config.unknown.remember
    printed = Chosen(JsonLines(sys.stdout) if json_output else Text(sys.stdout), config.output.events)
    clock, bell = wiring_cameras.make_clock(), Bell()
    with (
        wiring.open_gallery(config, parts.embedder.model, read_only=read_only, ask=ask_passphrase) as gallery,
        succession.successor(given, gallery) as successor,
        wiring_sightings.make_outboxes(config, os.environ, gallery) as outboxes,
        _keeping_visits(config, parts.embedder.model if successor is None else None) as keepers,
        _cameras(config, clock, _teller([outboxes, printed], clock), bell.ring, must_open=not daemon) as cameras,
        _film(annotate, config, cameras) as film,
        powers.watching(Watch(config, parts, cameras, outboxes)),
    ):
        wiring.check_model(parts, gallery)
        parts = wiring.for_household(config, parts, gallery)
        if not gallery.people():
            tell("nobody is enrolled yet: everybody is unknown")
        kept = _Kept(parts, gallery, successor, keepers)
        lookouts = _lookouts(config, kept, [outboxes, printed, powers.window], film, clock)
        live = any(map(wiring_cameras.films_live, wiring_cameras.camera_configs(config).values()))
        cooling = wiring_cameras.make_cooling(config, clock, _teller([outboxes, printed], clock)) if live else None
        models = ModelsInUse(gallery.upgrade, lambda: prove(reloader.config)) if live else None
        beat = _beat(wiring_cameras.make_heart(manager, cameras), cooling, cameras, lookouts)
        seen = _seen(cameras, powers.window, bell.wait)
        has_new_models = models.changed if models else lambda: False
        give_back()
        try:
            watch_all(seen, lookouts, on_beat=lambda: beat() or reloader.changed() or has_new_models())
        except EmbeddingMismatch:
            if not has_new_models():  # the old model may be retired between two beats
                raise
            return True
    for name, lookout in lookouts.items():
        summary = lookout.summary
        source = cameras[name].name
        tell(f"{summary.frames} frames in {summary.seconds:.1f} s of {source}: {summary.events} events")
    return reloader.config != given or (models is not None and models.have_changed)


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """What all cameras share."""

    parts: "Parts"
    gallery: "Gallery"
    successor: "Successor | None"
    keepers: "Sequence[Sink]"


def _lookouts(
    config: Config,
    kept: _Kept,
    sinks: "Sequence[Sink]",
    film: "VideoWriter | None",
    clock: "SteadyClock",
) -> "dict[str, Lookout]":
    """Return what follows each camera; all of them search and embed with the same networks, in turn."""
    from edgeface import wiring_cameras
    from edgeface.wiring_lookout import make_lookout

    return {
        name: make_lookout(
            own,
            kept.parts,
            kept.gallery,
            [*sinks, *kept.keepers] if wiring_cameras.films_live(own) else sinks,
            successor=kept.successor,
            name=name,
            on_frame=_drawing(film) if film else None,
            wants_every_frame=film is not None,
            date=clock.date,
        )
        for name, own in wiring_cameras.camera_configs(config).items()
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
def _keeping_visits(config: Config, model: str | None) -> "Iterator[list[Sink]]":
    """Yield what keeps the similarities of visits; nothing where one model alone does not decide."""
    from edgeface import wiring_sightings

    keeper = wiring_sightings.make_visit_keeper(config, model) if model else None
    with closing(keeper) if keeper else nullcontext():
        yield [keeper] if keeper else []


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
    from edgeface import wiring_cameras

    with ExitStack() as stack:
        opened: dict[str, Source | SupervisedCamera] = {}
        configs = wiring_cameras.camera_configs(config)
        for name, own in configs.items():
            if wiring_cameras.films_live(own):
                bell = ring if len(configs) > 1 else None
                camera = wiring_cameras.make_live_camera(
                    own, clock, tell_all, must_open=must_open, name=name, ring=bell
                )
            else:
                camera = wiring_cameras.make_camera(own)
            opened[name] = stack.enter_context(camera)
        yield opened


def _film(path: Path | None, config: Config, cameras: "Cameras") -> "AbstractContextManager[VideoWriter | None]":
    from edgeface import wiring

    return wiring.make_film(path, config, next(iter(cameras.values()))) if path else nullcontext()

"""Serve the control socket while the daemon runs."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

from edgeface.cli.gallery import BACKUPS
from edgeface.cli.output import tell
from edgeface.config import Config
from edgeface.errors import ConfigError, ControlError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from edgeface.app.control import Desk, Listed
    from edgeface.app.status import CameraStatus, SinkStatus, Status, UpgradeStatus
    from edgeface.app.supervise import SupervisedCamera
    from edgeface.app.window import Window
    from edgeface.core.types import Image
    from edgeface.drivers.cameras.source import Source
    from edgeface.drivers.sinks.outbox import Outboxes
    from edgeface.wiring import Parts

RELOAD_SECONDS = 45.0
"""The loop reads settings between two frames; it may have to open a network stream before."""

TIDY_SECONDS = 1.0
"""So long after an enrolment nothing refers to its networks any more, not even what it was refused with."""


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """The watch that goes on."""

    used: Config
    """The settings that its parts were made of, with the model that was in use then."""
    parts: "Parts"
    by_name: "Mapping[str, Source | SupervisedCamera]"
    outboxes: "Outboxes"

    def parts_of(self, config: Config) -> "Parts | None":
        """Return its parts if they are what these settings give."""
        return self.parts if self.used == config else None

    def cameras(self) -> "list[CameraStatus]":
        """Return the state of each camera."""
        from edgeface.app.status import CameraStatus
        from edgeface.app.supervise import SupervisedCamera

        found = []
        for name, camera in self.by_name.items():
            if isinstance(camera, SupervisedCamera):
                health = camera.health
                found.append(
                    CameraStatus(name or camera.name, health.state, health.reason, health.detail, health.since)
                )
            else:
                found.append(CameraStatus(name or camera.name, "ok", None, "", None))
        return found

    def sinks(self) -> "list[SinkStatus]":
        """Return how each sink fares."""
        from edgeface.app.status import SinkStatus

        fared = [(outbox.name, outbox.waiting, outbox.tally) for outbox in self.outboxes.outboxes]
        return [SinkStatus(name, waiting, t.delivered, t.failed, t.dropped) for name, waiting, t in fared]


class DaemonPowers:
    """What this process can do for those who ask; with the frame loop it shares the networks, which take turns."""

    def __init__(self, window: "Window", config: Callable[[], Config], reload: Callable[[], "Future[bool]"]) -> None:
        self.window = window
        self._config, self._reload = config, reload
        self._began = time.monotonic()
        self.watch: Watch | None = None
        """None while the parts are made."""

    @contextmanager
    def watching(self, watch: Watch) -> Iterator[None]:
        """Tell of a watch, and lend its parts, while it goes on."""
        self.watch = watch
        try:
            yield
        finally:
            self.watch = None

    def status(self) -> "Status":
        """Return how the daemon is."""
        from edgeface import succession, wiring
        from edgeface.app.status import Status

        given, watch = self._config(), self.watch
        config = succession.in_use(given)
        bundle = wiring.read_model(config)
        variant = config.recognition.variant or bundle.card.default_variant
        return Status(
            version=version("edgeface"),
            uptime_seconds=time.monotonic() - self._began,
            frames_per_second=self.window.frames_per_second,
            cameras=watch.cameras() if watch else [],
            people=len(self.people()),
            model=f"{bundle.card.name} {variant} {bundle.variant(variant).sha256[:12]}",
            gallery=self.gallery(),
            last_event=self.window.last_event,
            sinks=watch.sinks() if watch else [],
            upgrade=self._upgrade(given),
        )

    def _upgrade(self, config: Config) -> "UpgradeStatus | None":
        from edgeface import succession
        from edgeface.app.status import UpgradeStatus

        reached = succession.progress(config)
        if reached is None:
            return None
        return UpgradeStatus(reached.upgrade.new[:12], reached.moved, len(reached.people), reached.waiting)

    def gallery(self) -> str:
        """Return the absolute path of the gallery, links followed."""
        return str(Path(self._config().gallery.path).resolve())

    def people(self) -> "list[Listed]":
        """Return who is enrolled."""
        return list_in(self._config())

    def forget(self, name: str) -> dict[str, Any]:
        """Erase a person; return the receipt."""
        return forget_from(self._config(), name)

    @contextmanager
    def desk(self) -> "Iterator[Desk]":
        """Open the gallery for an enrolment; the detector and the embedder are those of the watch that goes on."""
        from edgeface import succession
        from edgeface.app.control import Desk
        from edgeface.cli.model import settle
        from edgeface.drivers.memory import give_back

        config, watch = self._config(), self.watch
        give_back()  # what the watch holds on to between two frames makes room
        try:
            with succession.enrolling(config, live=True, shared=watch and watch.parts_of) as (enroller, gallery):
                yield Desk(enroller, gallery.looks_of)
        finally:
            tidying = Timer(TIDY_SECONDS, give_back)
            tidying.daemon = True
            tidying.start()
        settle(config)

    def enroll_seconds(self) -> float:
        """Return how long an enrolment looks."""
        return self._config().enrollment.seconds

    def reload(self) -> bool:
        """Ask the loop to read the settings, and wait for what it says."""
        try:
            return self._reload().result(RELOAD_SECONDS)
        except TimeoutError as error:
            raise ControlError(
                f"the daemon has not read its settings within {RELOAD_SECONDS:g} s", hint="see its journal"
            ) from error

    def jpeg(self, image: "Image") -> bytes:
        """Encode a picture."""
        from edgeface.drivers.photos import jpeg_of

        return jpeg_of(image)

    def note(self, text: str) -> None:
        """Tell on standard error, which is the journal of a service."""
        tell(text)


def list_in(config: Config) -> "list[Listed]":
    """Return who is enrolled in a gallery, nobody where there is none."""
    from edgeface import wiring
    from edgeface.app.control import Listed
    from edgeface.drivers.gallery_file import exists

    if not exists(Path(config.gallery.path)):
        return []
    with wiring.open_gallery(config, "", read_only=True) as gallery:
        return [Listed(each.identity.name, each.looks, each.enrolled, each.model) for each in gallery.people()]


def forget_from(config: Config, name: str) -> dict[str, Any]:
    """Erase a person; return the receipt, and which copies that are not encrypted may still hold them."""
    from edgeface import wiring
    from edgeface.drivers.gallery_backup import plain_copies
    from edgeface.drivers.gallery_file import require

    path = Path(config.gallery.path)
    require(path)
    with wiring.open_gallery(config, "") as gallery:
        receipt = gallery.erase(name)
    return {
        "name": receipt.name,
        "looks_removed": receipt.looks,
        "keys_destroyed": receipt.keys,
        "chips_removed": receipt.chips,
        "key_files": list(map(str, receipt.spread.reached)),
        "unreached": list(map(str, receipt.spread.unreached)),
        "audit": receipt.entry.number,
        "hash": receipt.entry.hash.hex(),
        "plain_copies": list(map(str, plain_copies(path, path.parent / BACKUPS))),
    }


@contextmanager
def serving(config: Config, powers: DaemonPowers) -> Iterator[None]:
    """Serve the control socket of the configuration, if it names one, and end every view at the end."""
    from edgeface.app.control import Control
    from edgeface.drivers.control_server import ControlServer

    with ExitStack() as stack:
        if config.control.socket:
            path, group = Path(config.control.socket).expanduser(), group_of(config.control.group)
            stack.enter_context(ControlServer(path, Control(powers.window, powers), group=group))
        stack.callback(powers.window.end)  # before the server closes: who is being enrolled is not left waiting
        yield


def group_of(name: str) -> int | None:
    """Return the number of a group, None for no name. Raise ConfigError when there is none of that name."""
    import grp

    try:
        return grp.getgrnam(name).gr_gid if name else None
    except KeyError as error:
        raise ConfigError(f"control.group is {name!r}, but there is no such group", hint=f"groupadd {name}") from error

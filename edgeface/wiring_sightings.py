"""Turn a Config into what makes sightings and events of recognised faces: liveness, visitors, presence, sinks."""

import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from edgeface.app.liveness import Prover
from edgeface.app.visitors import Visitors
from edgeface.config import Config
from edgeface.core.decision import Policy
from edgeface.core.liveness import LivenessLimits
from edgeface.core.presence import Presence
from edgeface.core.protocols import Sink
from edgeface.core.types import Turn
from edgeface.drivers.sinks import choose, trial
from edgeface.drivers.sinks.choose import Surroundings, open_outboxes
from edgeface.drivers.sinks.outbox import Outbox, Outboxes
from edgeface.drivers.sinks.trial import Trial
from edgeface.drivers.store import Gallery
from edgeface.drivers.unknowns import Unknowns
from edgeface.drivers.visits import VisitKeeper

VISIT_BYTES = 6
"""Of the random id of a visit: among a million visits two share one with a chance of 0.2 %, runs and devices apart."""

SIDES: tuple[Turn, ...] = ("left", "right")


def liveness_limits(config: Config, *, turns: int) -> LivenessLimits:
    """Return what a face must show to count as alive."""
    chosen = config.liveness
    return LivenessLimits(chosen.least_relief, turns, chosen.turn_degrees, chosen.seconds)


def make_prover(config: Config) -> Prover | None:
    """Return what looks for liveness; None where that is off. Only where it is required turns are asked for."""
    required = config.liveness.mode == "require"
    limits = liveness_limits(config, turns=config.liveness.turns if required else 0)
    return None if config.liveness.mode == "off" else Prover(limits, draw_turn, required=required)


def draw_turn() -> Turn:
    """Choose a side at random, as nobody can foresee."""
    return secrets.choice(SIDES)


def open_unknowns(config: Config, gallery: Gallery) -> Unknowns:
    """Return the unknown people of a gallery."""
    chosen = config.unknown
    return Unknowns(
        gallery,
        keep_seconds=chosen.days * 86400.0,
        most=chosen.most,
        away_seconds=config.presence.patience_seconds,
    )


def make_visitors(config: Config, policy: Policy, gallery: Gallery) -> Visitors | None:
    """Return what remembers unknown people; None where the owner does not want that."""
    if not config.unknown.remember:
        return None
    return Visitors(open_unknowns(config, gallery), policy, config.tracking.patience_seconds)


def make_presence(config: Config) -> Presence:
    """Return the memory of who is here."""
    return Presence(config.presence.patience_seconds, lambda: secrets.token_hex(VISIT_BYTES))


def make_outboxes(config: Config, environment: Mapping[str, str], gallery: Gallery) -> Outboxes:
    """Open the configured sinks, each behind an outbox."""
    people = tuple(person.identity.name for person in gallery.people()) if config.sink else ()
    return open_outboxes(config.sink, _surroundings(config, environment, people))


def check_sinks(config: Config, environment: Mapping[str, str]) -> None:
    """Raise EdgefaceError for a configured sink that can never work; none is opened for use."""
    choose.check_sinks(config.sink, _surroundings(config, environment, ()))


def make_visit_keeper(config: Config, model: str) -> Sink | None:
    """Return what keeps the similarities of visits behind an outbox, if that is wanted."""
    days = config.privacy.visit_days
    if days is None:
        return None
    return Outbox(VisitKeeper(Path(config.gallery.path), model, days, time.time), name="visits", kinds=("arrived",))


def try_sinks(config: Config, environment: Mapping[str, str], at: float) -> Iterator[Trial]:
    """Send a test event through each configured sink."""
    return trial.try_sinks(config.sink, _surroundings(config, environment, ()), at)


def _surroundings(config: Config, environment: Mapping[str, str], people: tuple[str, ...]) -> Surroundings:
    cameras = tuple(camera.name for camera in config.cameras)
    alive = config.liveness.mode == "require"
    return Surroundings(environment, people, config.recognition.threshold, alive=alive, cameras=cameras)

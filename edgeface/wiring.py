"""Turn a Config into the parts it describes: the one place where the application and the drivers meet."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeface.app.clock import SteadyClock
from edgeface.app.enroll import Enroller
from edgeface.app.heart import Heart
from edgeface.app.pipeline import Pipeline
from edgeface.app.search import Coarse
from edgeface.app.stages import Stage, untimed
from edgeface.app.supervise import SILENT_SECONDS, CameraHealth, SupervisedCamera
from edgeface.card import SHIPPED_BUNDLE, Bundle, read_bundle
from edgeface.config import Config
from edgeface.core.align import CHIP_SIZE
from edgeface.core.decision import Policy
from edgeface.core.presence import Presence
from edgeface.core.protocols import Detector, Embedder, Index
from edgeface.core.tracking import Tracker
from edgeface.core.types import CameraEvent
from edgeface.drivers.annotate import VideoWriter
from edgeface.drivers.cameras.choose import is_live, open_camera
from edgeface.drivers.cameras.live import OPEN_SECONDS, without_password
from edgeface.drivers.cameras.reader import one_at_a_time
from edgeface.drivers.cameras.source import Source
from edgeface.drivers.detectors.yunet import YuNet
from edgeface.drivers.embedder import TfliteEmbedder
from edgeface.drivers.notify import Notifier
from edgeface.drivers.sinks import trial
from edgeface.drivers.sinks.choose import Surroundings, open_outboxes
from edgeface.drivers.sinks.outbox import Outboxes
from edgeface.drivers.sinks.trial import Trial
from edgeface.drivers.store import Gallery
from edgeface.errors import ModelError

DEFAULT_BUNDLE = SHIPPED_BUNDLE

SOURCE_STALL_SECONDS = SILENT_SECONDS + 0.5
"""A supervised source gives up a little later than its supervisor, which then calls it stalled and not lost."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What every kind of recognition needs."""

    detector: Detector
    embedder: Embedder
    policy: Policy


def make_parts(config: Config, *, live: bool = False) -> Parts:
    """Build the detector, the embedder and the policy of the bundle's variant in use."""
    bundle = read_model(config)
    return Parts(make_detector(config, live=live), make_embedder(config, bundle), make_policy(config, bundle))


def read_model(config: Config) -> Bundle:
    """Read the bundle that is configured, or else the one that comes with edgeface."""
    if config.recognition.model:
        return read_bundle(Path(config.recognition.model).expanduser())
    if not DEFAULT_BUNDLE.is_dir():
        raise ModelError(
            f"this edgeface carries no model: {DEFAULT_BUNDLE} is missing",
            hint="give a bundle with --model, or set recognition.model",
        )
    return read_bundle(DEFAULT_BUNDLE)


def make_embedder(config: Config, bundle: Bundle) -> Embedder:
    """Open the configured variant of a bundle; it proves itself on the card's golden chip."""
    chosen = config.recognition
    return TfliteEmbedder(bundle, variant=chosen.variant, runtime=chosen.runtime, threads=chosen.threads)


def make_detector(config: Config, *, live: bool = False) -> Detector:
    """Open the detector: on live frames it looks at a smaller copy, on photos at full size."""
    chosen = config.detection
    weights = Path(chosen.weights).expanduser() if chosen.weights else None
    return YuNet(weights, score=chosen.score, long_side=(chosen.long_side or None) if live else None)


def make_policy(config: Config, bundle: Bundle) -> Policy:
    """Return the configured threshold, or else the one the card measured for the false-accept rate."""
    chosen = config.recognition
    threshold = chosen.threshold
    if threshold is None:
        threshold = bundle.threshold(chosen.far, chosen.variant)
    return Policy(threshold, chosen.margin, chosen.votes_needed, chosen.votes_of)


def open_gallery(config: Config, model: str, *, read_only: bool = False) -> Gallery:
    """Open the gallery of the configured path for vectors of one model."""
    return Gallery(Path(config.gallery.path), model, read_only=read_only)


def check_model(parts: Parts, gallery: Gallery) -> None:
    """Raise EmbeddingMismatch at once, and not at the first face, when another model made the gallery."""
    [of_nothing] = parts.embedder.embed([np.zeros((CHIP_SIZE, CHIP_SIZE, 3), np.uint8)])
    gallery.nearest(of_nothing, 1)


def make_camera(config: Config) -> Source:
    """Open the configured source of frames."""
    chosen = config.camera
    return open_camera(chosen.source, width=chosen.width, height=chosen.height)


def make_live_camera(
    config: Config, clock: SteadyClock, tell: Callable[[CameraEvent], None], *, must_open: bool
) -> SupervisedCamera:
    """Supervise the configured live source. With `must_open` one that does not open at once raises CameraError."""
    chosen = config.camera

    def open_source() -> Source:
        return open_camera(
            chosen.source,
            width=chosen.width,
            height=chosen.height,
            clock=clock,
            stall_seconds=SOURCE_STALL_SECONDS,
            open_seconds=OPEN_SECONDS,
        )

    name = without_password(chosen.source) if "://" in chosen.source else chosen.source
    return SupervisedCamera(
        name, one_at_a_time(open_source, name), clock=clock, wait=time.sleep, tell=tell, must_open=must_open
    )


def make_heart(manager: Notifier, camera: Source | SupervisedCamera) -> Heart:
    """Return what feeds the watchdog from the loop; a recording is always well."""
    well = CameraHealth("ok")
    health = (lambda: camera.health) if isinstance(camera, SupervisedCamera) else (lambda: well)
    return Heart(manager, health, time.monotonic)


def films_live(config: Config) -> bool:
    """Tell whether the configured source is a live one: no video and no folder."""
    return is_live(config.camera.source)


def make_clock() -> SteadyClock:
    """Return the time of the frames of live sources."""
    return SteadyClock(time.time, time.monotonic)


def make_pipeline(config: Config, parts: Parts, index: Index, *, stage: Stage = untimed) -> Pipeline:
    """Return the pipeline for one camera; `stage` times its stages."""
    return Pipeline(
        detector=parts.detector,
        embedder=parts.embedder,
        index=index,
        policy=parts.policy,
        tracker=Tracker(patience_seconds=config.tracking.patience_seconds),
        reverify_seconds=config.tracking.reverify_seconds,
        coarse=make_coarse(config, parts.detector),
        stage=stage,
    )


def make_coarse(config: Config, detector: Detector) -> Coarse | None:
    """Return what follows large faces; None when it is not wanted or the detector has no pass that is coarser."""
    seconds = config.detection.follow_seconds
    coarse = detector.coarse() if seconds and isinstance(detector, YuNet) else None
    return Coarse(coarse, coarse.long_side, seconds) if coarse else None


def make_presence(config: Config) -> Presence:
    """Return the memory of who is here."""
    return Presence(patience_seconds=config.presence.patience_seconds)


def make_outboxes(config: Config, environment: Mapping[str, str], gallery: Gallery) -> Outboxes:
    """Open the configured sinks, each behind an outbox."""
    people = tuple(person.identity.name for person in gallery.people()) if config.sink else ()
    return open_outboxes(config.sink, Surroundings(environment, people, config.recognition.threshold))


def try_sinks(config: Config, environment: Mapping[str, str], at: float) -> Iterator[Trial]:
    """Send a test event through each configured sink."""
    return trial.try_sinks(config.sink, Surroundings(environment, threshold=config.recognition.threshold), at)


def make_enroller(parts: Parts, gallery: Gallery) -> Enroller:
    """Return what adds people to a gallery."""
    return Enroller(
        detector=parts.detector,
        embedder=parts.embedder,
        people=gallery,
        threshold=parts.policy.threshold,
    )


def make_film(path: Path, config: Config, camera: Source | SupervisedCamera) -> VideoWriter:
    """Return the writer of an annotated video that plays as fast as the examined frames came."""
    return make_video(path, camera.fps / config.recognition.every if camera.fps else None)


def make_video(path: Path, fps: float | None) -> VideoWriter:
    """Return the writer of a video of so many frames a second."""
    return VideoWriter(path, fps)

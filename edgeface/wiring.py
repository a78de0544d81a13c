"""Turn a Config into the parts of recognition; only in the wiring do the application and the drivers meet."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgeface.app.closeup import CloseUp
from edgeface.app.enroll import Enroller
from edgeface.app.pipeline import Pipeline
from edgeface.app.search import Coarse
from edgeface.app.sides import Successor
from edgeface.app.stages import Stage, untimed
from edgeface.app.supervise import SupervisedCamera
from edgeface.card import SHIPPED_BUNDLE, SHIPPED_BUNDLES, Bundle, find_bundle, read_bundle
from edgeface.config import Config
from edgeface.core.align import CHIP_SIZE
from edgeface.core.decision import Policy
from edgeface.core.protocols import Detector, Embedder, Index
from edgeface.core.tracking import Tracker
from edgeface.drivers import signing
from edgeface.drivers.annotate import VideoWriter
from edgeface.drivers.cameras.source import Source
from edgeface.drivers.detectors.yunet import YuNet
from edgeface.drivers.embedder import TfliteEmbedder
from edgeface.drivers.gallery_upgrade import upgrade
from edgeface.drivers.master_key import Ask, Master, read_master
from edgeface.drivers.store import Gallery
from edgeface.errors import ModelError
from edgeface.wiring_household import household_policy

DEFAULT_BUNDLE = SHIPPED_BUNDLE

PROVING_SECONDS = 0.25
"""Where liveness is required a decided face is looked at so often at least."""


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
    """Read the bundle that is configured, or else the one that comes with edgeface.

    Where keys are trusted a configured one must be signed; the other is as trusted as the program it is part of.
    """
    if config.recognition.model:
        folder = find_bundle(config.recognition.model)
        trusted = config.model.trusted_keys if folder not in SHIPPED_BUNDLES.values() else ()
        return read_bundle(folder, signing.judge(trusted) if trusted else None)
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


def for_household(config: Config, parts: Parts, gallery: Gallery) -> Parts:
    """Return the parts with the policy of the household."""
    return replace(parts, policy=household_policy(config, parts.policy, gallery))


def stranger_level(config: Config, bundle: Bundle) -> float:
    """Return the cosine that the card knows for its largest false-accept rate: few strangers reach it."""
    return min(
        bundle.variant(config.recognition.variant).thresholds.values(), default=make_policy(config, bundle).threshold
    )


def open_gallery(config: Config, model: str, *, read_only: bool = False, ask: Ask | None = None) -> Gallery:
    """Open the gallery of the configured path for vectors of one model; `ask` asks for its passphrase, if any."""
    path, days = Path(config.gallery.path), config.privacy.keep_days
    if read_only:
        upgrade(path)
    return Gallery(
        path,
        model,
        read_only=read_only,
        master=make_master(config, ask),
        keep_seconds=None if days is None else days * 86400.0,
    )


def make_master(config: Config, ask: Ask | None = None) -> Master | None:
    """Return what gives the gallery's master key when it is needed; None where none is configured."""
    return read_master(config.gallery.key, ask)


def check_model(parts: Parts, gallery: Gallery) -> None:
    """Raise EmbeddingMismatch at once, and not at the first face, when another model made the gallery."""
    [of_nothing] = parts.embedder.embed([np.zeros((CHIP_SIZE, CHIP_SIZE, 3), np.uint8)])
    gallery.nearest(of_nothing, 1)


def make_pipeline(
    config: Config, parts: Parts, index: Index, *, successor: Successor | None = None, stage: Stage = untimed
) -> Pipeline:
    """Return the pipeline for one camera; `successor` is the model to come, if any, and `stage` times its stages."""
    return Pipeline(
        detector=parts.detector,
        embedder=parts.embedder,
        index=index,
        policy=parts.policy,
        tracker=Tracker(patience_seconds=config.tracking.patience_seconds),
        reverify_seconds=reverify_seconds(config),
        coarse=make_coarse(config, parts.detector),
        close_up=make_close_up(parts.detector),
        stage=stage,
        successor=successor,
    )


def reverify_seconds(config: Config) -> float:
    """Return how often a decided face is looked at: soon after it may have given its place to a picture."""
    usual = config.tracking.reverify_seconds
    return min(usual, PROVING_SECONDS) if config.liveness.mode == "require" else usual


def make_coarse(config: Config, detector: Detector) -> Coarse | None:
    """Return what follows large faces; None when it is not wanted or the detector has no pass that is coarser.

    Liveness is measured on landmarks of the close search.
    """
    seconds = config.detection.follow_seconds if config.liveness.mode == "off" else 0.0
    coarse = detector.coarse() if seconds and isinstance(detector, YuNet) else None
    return Coarse(coarse, coarse.long_side, seconds) if coarse else None


def make_close_up(detector: Detector) -> CloseUp | None:
    """Return what finds landmarks anew in the full picture; None when the detector has no such pass."""
    if not isinstance(detector, YuNet):
        return None
    close = detector.close_up()
    return CloseUp(close, close.side, detector.long_side)


def make_enroller(config: Config, parts: Parts, gallery: Gallery, successor: Successor | None = None) -> Enroller:
    """Return what adds people to a gallery; `successor` is the model that it is being upgraded to."""
    return Enroller(
        detector=parts.detector,
        embedder=parts.embedder,
        people=gallery,
        threshold=parts.policy.threshold,
        keeps_chips=config.gallery.keep_chips != "never",
        successor=successor,
        close_up=make_close_up(parts.detector),
    )


def make_film(path: Path, config: Config, camera: Source | SupervisedCamera) -> VideoWriter:
    """Return the writer of an annotated video that plays as fast as the examined frames came."""
    return make_video(path, camera.fps / config.recognition.every if camera.fps else None)


def make_video(path: Path, fps: float | None) -> VideoWriter:
    """Return the writer of a video of so many frames a second."""
    return VideoWriter(path, fps)

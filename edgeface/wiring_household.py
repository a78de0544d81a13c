"""What a gallery's own calibration is made of, and what recognition takes from it."""

import logging
from dataclasses import replace

import numpy as np

from edgeface.app.calibrate import KnownLook, Measured
from edgeface.card import Bundle
from edgeface.cohort_file import read_cohort
from edgeface.config import Config
from edgeface.core.cohort import Cohort
from edgeface.core.decision import Policy
from edgeface.core.types import Vector
from edgeface.drivers.gallery_rows import Calibrated
from edgeface.drivers.store import Gallery

LOG = logging.getLogger(__name__)


def household_policy(config: Config, policy: Policy, gallery: Gallery) -> Policy:
    """Return the policy that the household was calibrated to: of this model, and unless a threshold is configured.

    A configured margin stays where it is the larger one.
    """
    made = gallery.calibration()
    if made is None or config.recognition.threshold is not None:
        return policy
    enrolled = sum(person.looks > 0 for person in gallery.people())
    if enrolled > made.people:
        LOG.warning(
            "the gallery was calibrated with %d people and has %d: `edgeface calibrate` again", made.people, enrolled
        )
    return replace(policy, threshold=made.threshold, margin=max(policy.margin, made.margin))


def read_strangers(config: Config, bundle: Bundle) -> Cohort | None:
    """Read the cohort of the variant in use, if the bundle has one."""
    return read_cohort(bundle, config.recognition.variant)


def known_looks(gallery: Gallery) -> list[KnownLook]:
    """Return the looks in use."""
    looks = gallery.templates()
    gallery.check_models(looks)
    return [KnownLook(look.id, look.identity.name, look.embedding.vector) for look in looks]


def unknown_visitors(gallery: Gallery, model: str) -> list[Vector]:
    """Return the looks by a model at each unknown person who is remembered, (n, size) each."""
    seen: dict[int, list[Vector]] = {}
    for look in gallery.unknown_looks():
        if look.embedding.model == model:
            seen.setdefault(look.identity.id, []).append(look.embedding.vector)
    return [np.stack(vectors) for vectors in seen.values()]


def calibrated(model: str, measured: Measured, now: float) -> Calibrated:
    """Return what a gallery keeps of a calibration."""
    advice = measured.advice
    return Calibrated(model, advice.threshold, advice.margin, advice.rate, measured.people, now)

"""Time the files of a bundle on this machine, and choose among those that may be used."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgeface import wiring
from edgeface.app.race import Candidate, Timed, fastest, race
from edgeface.bench.board import Board, observing
from edgeface.card import Bundle
from edgeface.config import Config
from edgeface.drivers.embedder import decode_chip
from edgeface.drivers.gallery_file import exists
from edgeface.errors import ModelError


@dataclass(frozen=True, slots=True)
class ModelsReport:
    """What `edgeface bench models` found."""

    board: Board
    timed: list[Timed]
    refused: list[Candidate]
    """Those that cannot be used at all here."""
    fastest: Timed | None
    """Of those that the gallery lets be used."""
    gallery: str | None
    """The variant with which the people in the gallery were enrolled; None: there is nobody."""


def bench_models(config: Config, *, threads: Sequence[int], seconds: float) -> ModelsReport:
    """Time every file of the bundle on each number of threads, on the card's golden chip.

    A file that does not give the card's golden vector here, or has no threshold, is refused. Where people are enrolled
    only the file that made their templates can be the fastest: for another one they must be enrolled again.
    """
    board = observing()
    bundle = wiring.read_model(config)
    runners, refused = [], []
    for variant in sorted(bundle.card.files):
        accepted = bundle.variant(variant).measured.get(f"tar_at_far_{config.recognition.far:g}")
        for count in threads:
            recognition = replace(config.recognition, variant=variant, threads=count)
            chosen = replace(config, recognition=recognition)
            try:
                embedder = wiring.make_embedder(chosen, bundle)
                wiring.make_policy(chosen, bundle)
            except ModelError as error:
                refused.append(Candidate(variant, count, accepted, error.message))
            else:
                runners.append((Candidate(variant, count, accepted, None), embedder))
    chip = decode_chip(bundle.card.golden_chip)
    timed = race(runners, chip, seconds=seconds, now=time.perf_counter, cpu=time.process_time)
    observed = board()
    enrolled = _variant_of_gallery(config, bundle)
    allowed = [each for each in timed if enrolled in (None, each.candidate.variant)]
    return ModelsReport(observed, timed, refused, fastest(allowed), enrolled)


def thread_counts() -> list[int]:
    """Return the numbers of threads worth trying: powers of two up to the number of processors."""
    cores = os.cpu_count() or 1
    return [count for count in (1, 2, 4, 8) if count <= cores]


def _variant_of_gallery(config: Config, bundle: Bundle) -> str | None:
    """Return the variant that made the templates of the gallery; None when nobody is enrolled with this bundle."""
    path = Path(config.gallery.path)
    if not exists(path):
        return None
    with wiring.open_gallery(config, "", read_only=True) as gallery:
        models = {person.model for person in gallery.people()}
    return next((name for name, file in bundle.card.files.items() if file.sha256 in models), None)

"""What `edgeface evaluate people` does, between the command line and the library."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import typer

from edgeface.card import CARD_NAME, Bundle, write_card
from edgeface.drivers.detectors.yunet import YuNet
from edgeface.errors import ConfigError
from edgeface_train.chips import load_chips
from edgeface_train.evaluation import candidates
from edgeface_train.evaluation import gate as gates
from edgeface_train.evaluation.measure import measure_all, set_exam
from edgeface_train.evaluation.summary import table


def evaluate_people(
    bundle: Bundle,
    folder: Path,
    variants: Sequence[str],
    peers: Sequence[Path],
    pairs: Path | None,
    oneshot: Path | None,
    out: Path | None,
    gate: tuple[Path, float] | None,
    seed: int,
    json_output: bool,
    into_card: bool = False,
    manifest: Path | None = None,
) -> None:
    """Measure variants of a bundle and peers on chips of people, write the report, and hold it against an old one.

    `into_card` keeps figures and slices in the card of the bundle, whose signature, if any, then no longer holds.
    """
    if out is not None:
        for package in ("matplotlib", "jinja2"):
            importlib.import_module(package)  # before any work: a device has none, and is told what to install
        if out.exists() and not out.is_dir():
            raise ConfigError(f"--out {out} is a file, a folder is needed")
    old = gates.read_report(gate[0]) if gate else None
    networks = [*candidates.variants(bundle, variants), *map(candidates.load_peer, peers)]
    chips = load_chips(folder)
    exam = set_exam(chips, YuNet(), pairs=pairs, oneshot=oneshot, seed=seed, bar=_bar, manifest=manifest)
    if gate and old:
        gates.check_comparable(exam.digests, [network.name for network in networks], old, gate[0])
    report = measure_all(exam, networks, _bar)
    if out is not None:
        from edgeface_train.evaluation.report import write_report

        write_report(report, out, f"{bundle.card.name} on {len(exam.chips.names)} people")
        _tell(f"report: {out / 'report.html'}")
    typer.echo(json.dumps(report.as_json(), ensure_ascii=False) if json_output else table(report))
    if into_card:
        write_card(bundle.folder, replace(bundle.card, evaluation=report.for_card(bundle.card.files)))
        _tell(f"card: {bundle.folder / CARD_NAME}")
    if gate and old:
        gates.refuse_a_fall(report, old, *gate)


@contextmanager
def _bar(length: int, label: str) -> Iterator[Callable[[], object]]:
    """Count on a line of a terminal; elsewhere say once what begins."""
    if not sys.stderr.isatty():
        _tell(f"{label} ({length:,})")
        yield lambda: None
        return
    with typer.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def _tell(text: str) -> None:
    typer.echo(text, err=True)

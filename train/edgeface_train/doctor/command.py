"""What `edgeface data check` does, between the command line and the library."""

import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import typer

from edgeface.core.protocols import Embedder
from edgeface.errors import ConfigError
from edgeface_train.doctor import clean, report
from edgeface_train.doctor.check import Sources, check


def check_data(
    chips: Path,
    embedder: Callable[[], Embedder],
    *,
    vectors: Path | None,
    order: Path | None,
    manifest: Path | None,
    test: Path | None,
    out: Path | None,
    write_clean: Path | None,
    json_output: bool,
) -> None:
    """Examine chips, write what was found, and tell it in a few lines."""
    if out and out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file", hint="name a folder for the report")
    if write_clean and write_clean.exists():
        raise ConfigError(
            f"clean list {write_clean} exists already, and may hold your own decisions",
            hint="name another file with --write-clean, or remove that one",
        )
    if write_clean and not write_clean.parent.is_dir():
        raise ConfigError(f"clean list {write_clean} cannot be written: its folder does not exist")
    sources = Sources(chips, embedder, vectors=vectors, order=order, manifest=manifest, test=test)
    with closing(_Steps()) as steps:
        found = check(sources, progress=steps)
    if out:
        report.write_report(out, found)
    if write_clean:
        clean.write_clean(write_clean, found.decisions, heading=clean.HEADING)
    if json_output:
        typer.echo(json.dumps({**report.totals(found), "report": str(out or ""), "clean": str(write_clean or "")}))
        return
    for line in report.summary(found):
        typer.echo(line)
    if out:
        typer.echo(f"every suspect, with pictures: {out / 'report.html'}")
    if write_clean:
        typer.echo(f"what to leave out and whom to join: {write_clean}; read it, then set data.clean in the recipe")


class _Steps:
    """Shows on one line of a terminal how far a step is; silent where standard error is none."""

    def __init__(self) -> None:
        self._step = ""

    def __call__(self, step: str, done: int, of: int) -> None:
        if not sys.stderr.isatty():
            return
        typer.echo(("\n" if self._step not in ("", step) else "\r") + f"{step}: {done} of {of}", err=True, nl=False)
        self._step = step

    def close(self) -> None:
        if self._step:
            typer.echo("", err=True)
        self._step = ""

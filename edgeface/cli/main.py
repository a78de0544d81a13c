"""The `edgeface` command: the list of its subcommands, and the one place where errors become exit codes."""

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated

import typer

from edgeface.cli import (
    audit,
    bench,
    bundle,
    calibrate,
    care,
    consent,
    control,
    gallery,
    host,
    keys,
    liveness,
    looks,
    measure,
    model,
    people,
    recognise,
    sinks,
    transfer,
    unknowns,
)
from edgeface.cli.options import ConfigOption, Given, SettingOption
from edgeface.cli.output import drop_unwritten, report, say, written
from edgeface.errors import EdgefaceError

EXIT_CODES = {
    0: "done",
    1: "`doctor` found something wrong, or edgeface has a bug",
    2: "a setting, an option or a recipe is wrong",
    3: "the camera does not open, stalls or fails, the output cannot be written, or a sink fails its test",
    4: "the model bundle or the detector is unusable, or the gallery is of another model",
    5: "a photo is refused, or shows no face",
    6: "an optional package is not installed",
    7: "the gallery, a backup or a file of people cannot be opened, read or written",
    8: "training, export or a comparison stops, with advice",
    9: "no daemon listens at the control socket, or it refuses what it is asked",
    130: "interrupted with Ctrl-C",
}

EPILOG = "\b\nExample:\n  edgeface enroll --name alice alice.jpg && edgeface run\n\n\b\nExit codes:\n" + "\n".join(
    f"  {code:3}  {meaning}" for code, meaning in EXIT_CODES.items()
)

app = typer.Typer(
    name="edgeface",
    help="Recognise people on a Raspberry Pi from one photo each.",
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"max_content_width": 110},
)
app.command("enroll")(people.enroll)
app.command("list")(people.list_people)
app.command("forget")(people.forget)
app.command("calibrate")(calibrate.calibrate)
app.add_typer(gallery.gallery_app, name="gallery")
gallery.gallery_app.command("export")(transfer.export_people)
gallery.gallery_app.command("import")(transfer.import_people)
gallery.gallery_app.command("encrypt")(keys.encrypt)
gallery.gallery_app.command("rotate-key")(keys.rotate_key)
gallery.gallery_app.command("sweep")(consent.sweep)
app.command("consent")(consent.consent)
app.add_typer(unknowns.unknowns_app, name="unknowns")
app.add_typer(audit.audit_app, name="audit")
gallery.gallery_app.command("looks")(looks.list_looks)
gallery.gallery_app.command("set-aside")(looks.set_aside)
gallery.gallery_app.command("take-back")(looks.take_back)
gallery.gallery_app.command("drop-chips")(looks.drop_chips)
app.command("identify")(recognise.identify)
app.command("run")(recognise.run)
app.command("status")(control.status)
app.command("reload")(control.reload)
app.command("snapshot")(control.snapshot)
app.command("embed")(measure.embed)
app.add_typer(measure.evaluate_app, name="evaluate")
measure.evaluate_app.command("people")(host.evaluate_people)
app.add_typer(liveness.liveness_app, name="liveness")
app.command("doctor")(care.doctor)
app.add_typer(bench.bench_app, name="bench")
app.command("config")(care.show_config)
app.add_typer(bundle.bundle_app, name="bundle")
app.add_typer(model.model_app, name="model")
app.add_typer(sinks.sinks_app, name="sinks")
app.command("prepare")(host.prepare)
app.add_typer(host.data_app, name="data")
app.command("train")(host.train)
app.command("export")(host.export)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"edgeface {version('edgeface')}")
        raise typer.Exit


@app.callback()
def before_the_command(
    context: typer.Context,
    config_file: ConfigOption = None,
    settings: SettingOption = None,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end."),
    ] = False,
) -> None:
    """Recognise people on a Raspberry Pi from one photo each."""
    context.obj = Given(config_file, settings or [])


def _open_standard_streams() -> None:
    """Open nothing in place of each of the three that the caller closed: the next file would get its number, and what
    libraries print.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit; an EdgefaceError becomes a line on standard error and its exit code."""
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A file's name may hold what no terminal can show, which is no reason to end.
            stream.reconfigure(errors="backslashreplace")
    given = sys.argv[1:] if arguments is None else arguments
    try:
        with written() if "--help" in given else nullcontext():
            app(args=given, prog_name="edgeface")
    except EdgefaceError as error:
        report(error)
        drop_unwritten()
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

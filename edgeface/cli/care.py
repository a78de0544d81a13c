"""The commands that look after an installation: doctor and config."""

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edgeface.cli.asking import ask_passphrase
from edgeface.cli.options import (
    CameraOption,
    ConfigOption,
    JsonOption,
    SettingOption,
    build_config,
    own_file,
    with_config,
    with_source,
)
from edgeface.cli.output import say, say_json, tell
from edgeface.config import Config, commented_default, effective
from edgeface.errors import ConfigError


@with_config("gallery", "model")
def doctor(
    config: Config,
    camera: CameraOption = None,
    no_camera: Annotated[bool, typer.Option("--no-camera", help="Leave the camera out.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Check the installation, part by part, and say what to do about all that is wrong.

    The exit code is 0 when everything is well and 1 otherwise.

    \b
    Examples:
      edgeface doctor
      edgeface doctor --no-camera --json
    """
    from edgeface.app.doctor import examine
    from edgeface.probes import make_probes

    findings = examine(make_probes(with_source(config, camera), camera=not no_camera, ask=ask_passphrase))
    for finding in findings:
        if json_output:
            say_json(asdict(finding))
        else:
            say(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.check:9} {finding.found}")
            if finding.advice:
                say(f"{'':16}-> {finding.advice}")
    failed = sum(not finding.ok for finding in findings)
    if failed:
        tell(f"{failed} of {len(findings)} checks failed")
        raise typer.Exit(1)


def show_config(
    context: typer.Context,
    init: Annotated[bool, typer.Option("--init", help="Write a file of all defaults, explained.")] = False,
    config_file: ConfigOption = None,
    settings: SettingOption = None,
) -> None:
    """Print the settings in force, as TOML, or write the file to start from.

    Settings come from /etc/edgeface/config.toml, then from ~/.config/edgeface/config.toml, then from
    --config, then from -o; the last one wins. With --init the file of --config, or else the user's, is
    written.

    \b
    Examples:
      edgeface config
      edgeface config --init
      edgeface -o recognition.far=0.01 config
    """
    if init:
        path = own_file(context, config_file)
        _write_new(path)
        say(str(path))
    else:
        say(effective(build_config(context, config_file, settings)).rstrip("\n"))


def _write_new(path: Path) -> None:
    draft = path.with_name(f"{path.name}.part")
    try:
        if path.exists():
            raise ConfigError(f"config {path} exists already", hint="edit it, or name another with --config")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(commented_default(), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise ConfigError(f"config {path} cannot be written: {error.strerror}") from error

"""The commands that look after sinks."""

import os
import time

import typer

from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import say, say_json
from edgeface.config import Config
from edgeface.errors import ConfigError, SinkError

SINKS_HELP = """Look after the places where events go.

\b
Example:
  edgeface sinks test
"""

sinks_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help=SINKS_HELP)


@sinks_app.command("test")
@with_config()
def try_sinks(config: Config, json_output: JsonOption = False) -> None:
    """Send one test event through each configured sink, and say what came of it.

    The event has the name "edgeface test" and the key "test". No relay is pulled by it, and Home Assistant's
    states stay as they are. The exit code is 3 when a sink fails, and 2 when none is configured.

    \b
    Examples:
      edgeface sinks test
      edgeface sinks test --json --config sinks.toml
    """
    from edgeface.wiring_sightings import try_sinks

    if not config.sink:
        raise ConfigError(
            "no sink is configured", hint="`edgeface config --init` writes a file with an example of each"
        )
    failed = 0
    for trial in try_sinks(config, os.environ, time.time()):
        ok = trial.problem is None
        failed += not ok
        if json_output:
            say_json({"sink": trial.sink, "ok": ok, "problem": trial.problem, "hint": trial.hint})
            continue
        say(f"{'ok  ' if ok else 'FAIL'}  {trial.sink}{'' if ok else f': {trial.problem}'}")
        if trial.hint:
            say(f"{'':6}-> {trial.hint}")
    if failed:
        raise SinkError(f"{failed} of {len(config.sink)} sink{'s' * (len(config.sink) != 1)} failed")

"""Options that several commands share, and how they become a Config."""

import functools
import inspect
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from edgeface.cli.places import config_files, default_gallery, placed_key, user_config
from edgeface.config import CameraSettings, Config, load

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="PATH", help="Settings to read after the default files.")
]
SettingOption = Annotated[
    list[str] | None,
    typer.Option("-o", "--option", metavar="SECTION.KEY=VALUE", help="Change one setting; wins over files."),
]
GalleryOption = Annotated[
    Path | None, typer.Option("--gallery", metavar="PATH", help="The gallery, as gallery.path does.")
]
ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="BUNDLE", help="The bundle, as recognition.model does.")
]
SocketOption = Annotated[
    Path | None, typer.Option("--socket", metavar="PATH", help="Ask the daemon that listens there.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
CameraOption = Annotated[
    str | None, typer.Option("--camera", metavar="SOURCE", help="The source, as camera.source does.")
]
Photos = Annotated[list[str], typer.Argument(metavar="PHOTO...", help="JPEG, PNG, WebP or BMP files.")]

GLOBAL = {"config_file": ConfigOption, "settings": SettingOption}
SHORTCUTS = {"gallery": GalleryOption, "model": ModelOption}
GIVEN = {"read_again", "own_file"}
"""Parameters that a command is given without an option."""


@dataclass(frozen=True, slots=True)
class Given:
    """What was said about the configuration before the command's name."""

    config_file: Path | None = None
    settings: list[str] = field(default_factory=list)


def with_config(*shortcuts: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options that make up its Config, and pass that as its first argument.

    All such commands take --config and -o, before or after their name; `shortcuts` adds "gallery" or "model". A
    parameter `read_again` of the command is no option, but what reads the Config anew; `own_file` is the file that the
    command may change, that of --config or else the user's.
    """
    added = GLOBAL | {name: SHORTCUTS[name] for name in shortcuts}

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        every = list(inspect.signature(function).parameters.values())[1:]
        own = [parameter for parameter in every if parameter.name not in GIVEN]
        given = {parameter.name for parameter in every} & GIVEN

        @functools.wraps(function)
        def command(context: typer.Context, **arguments: Any) -> None:
            said = {name: arguments.pop(name) for name in added}
            read = functools.partial(build_config, context, **said)
            offered = {"read_again": read, "own_file": own_file(context, said["config_file"])}
            function(read(), **arguments, **{name: offered[name] for name in given})

        parameters = [
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
            *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own),
            *(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
                for name, option in added.items()
            ),
        ]
        # typer learns a command's options from these two.
        command.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue] (Typer reads it)
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return command

    return decorate


def build_config(
    context: typer.Context,
    config_file: Path | None = None,
    settings: list[str] | None = None,
    gallery: Path | None = None,
    model: Path | None = None,
) -> Config:
    """Return the settings in force: default files, --config, -o, then the shortcuts; start logging."""
    before: Given = context.obj or Given()
    files = config_files(os.environ, config_file or before.config_file)
    config = load(files, [*before.settings, *(settings or [])])
    path = gallery or config.gallery.path or default_gallery(os.environ)
    logging.basicConfig(stream=sys.stderr, level=config.log.level.upper(), format="edgeface: %(message)s", force=True)
    return replace(
        config,
        gallery=replace(
            config.gallery, path=str(Path(path).expanduser()), key=placed_key(os.environ, config.gallery.key)
        ),
        recognition=replace(config.recognition, model=str(model or config.recognition.model)),
    )


def own_file(context: typer.Context, config_file: Path | None) -> Path:
    """Return the file of settings that a command may change, there or not: that of --config, or else the user's."""
    before: Given = context.obj or Given()
    return config_file or before.config_file or user_config(os.environ)


def with_source(config: Config, source: str | None) -> Config:
    """Return the settings with one camera, of another source of frames or of that name, if one is given."""
    if not source:
        return config
    named = next((camera for camera in config.cameras if camera.name == source), None)
    chosen = CameraSettings(named.source, named.width, named.height) if named else replace(config.camera, source=source)
    return replace(config, camera=chosen, cameras=())

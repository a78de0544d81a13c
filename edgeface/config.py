"""Read the settings of the device, in frozen sections, from TOML files and the command line, and write them."""

import json
import re
import tomllib
import typing
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from edgeface.errors import ConfigError
from edgeface.sections import (
    CameraSettings,
    ControlSettings,
    DetectionSettings,
    EnrollmentSettings,
    GallerySettings,
    LivenessSettings,
    LogSettings,
    ModelSettings,
    MotionSettings,
    NamedCameraSettings,
    OutputSettings,
    PresenceSettings,
    PrivacySettings,
    RecognitionSettings,
    ThermalSettings,
    TrackingSettings,
    UnknownSettings,
)
from edgeface.settings import read_section
from edgeface.sink_settings import SINKS, SinkSettings

MAX_BYTES = 1 << 20
"""Of a settings file."""

CAMERA_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""What fits into a topic, a metric's label and a command's argument."""

HEADING = """\
# Settings of edgeface. Every line shows the default (or an example); remove "# " to change it.
# `edgeface config` prints what is in force, and `-o section.key=value` wins over every file.

"""

CAMERAS_HEADING = """\
# Several cameras in one process: a [[cameras]] for each, in place of [camera]. A later file that names any replaces
# those of earlier ones.
"""

SINK_HEADING = """\
# Where events go besides standard output: a [[sink]] for each destination, as many as you like. docs/events.md
# explains them. A later file that names any replaces those of earlier ones.
"""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings in force."""

    camera: CameraSettings = field(default_factory=CameraSettings)
    detection: DetectionSettings = field(default_factory=DetectionSettings)
    recognition: RecognitionSettings = field(default_factory=RecognitionSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    enrollment: EnrollmentSettings = field(default_factory=EnrollmentSettings)
    motion: MotionSettings = field(default_factory=MotionSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    presence: PresenceSettings = field(default_factory=PresenceSettings)
    liveness: LivenessSettings = field(default_factory=LivenessSettings)
    thermal: ThermalSettings = field(default_factory=ThermalSettings)
    gallery: GallerySettings = field(default_factory=GallerySettings)
    control: ControlSettings = field(default_factory=ControlSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    unknown: UnknownSettings = field(default_factory=UnknownSettings)
    output: OutputSettings = field(default_factory=OutputSettings)
    log: LogSettings = field(default_factory=LogSettings)
    cameras: tuple[NamedCameraSettings, ...] = ()
    sink: tuple[SinkSettings, ...] = ()


LISTS = {"cameras": "camera", "sink": "sink"}
"""The lists of tables, and what one of each is."""


def load(paths: Sequence[Path] = (), overrides: Sequence[str] = ()) -> Config:
    """Return the defaults changed by each file in turn, then by each `section.key=value`."""
    merged: dict[str, Any] = {}
    layers = [(str(path), _read(path)) for path in paths]
    layers += [("option -o", _assignment(text)) for text in overrides]
    for source, table in layers:
        for name, one in LISTS.items():
            if isinstance(table.get(name), dict):
                hint = f"begin each {one} with a line [[{name}]], with two brackets, in a file"
                raise ConfigError(f"{source}: {name} must be a list of tables", hint=hint)
        _check_limits(read_section(Config, table, source=source), source)
        for section, values in table.items():
            if isinstance(values, dict):
                merged.setdefault(section, {}).update(values)
            else:
                merged[section] = values
    config = read_section(Config, merged, source="config")
    needed, of = config.recognition.votes_needed, config.recognition.votes_of
    if needed > of:
        raise ConfigError(f"recognition.votes_needed is {needed}, more than recognition.votes_of = {of}")
    cool, hot = config.thermal.resume_below_celsius, config.thermal.slow_above_celsius
    if cool > hot:
        raise ConfigError(f"thermal.resume_below_celsius is {cool:g}, more than thermal.slow_above_celsius = {hot:g}")
    if config.gallery.keep_chips == "encrypted" and not config.gallery.key:
        raise ConfigError(
            'gallery.keep_chips is "encrypted", but gallery.key is not set',
            hint='encrypt the gallery, or set keep_chips = "plain" where pictures of faces may lie open',
        )
    _check_names([camera.name for camera in config.cameras])
    return config


def effective(config: Config) -> str:
    """Return the TOML that gives exactly this configuration."""
    blocks = []
    headed = [(f"[{name}]", values) for name, values in _sections(config)]
    for heading, values in headed + [(f"[[{name}]]", values) for name in LISTS for values in getattr(config, name)]:
        settings = {key.name: getattr(values, key.name) for key in fields(values)}
        lines = [f"{name} = {_toml(value)}" for name, value in settings.items() if value is not None]
        blocks.append("\n".join([heading, *lines]))
    return "\n\n".join(blocks) + "\n"


def commented_default() -> str:
    """Return the TOML file of all defaults, each explained and commented out."""
    blocks = ["\n".join([f"[{section}]", *_explained(values)]) for section, values in _sections(Config())]
    blocks.append(CAMERAS_HEADING + "\n".join(["# [[cameras]]", *_explained(NamedCameraSettings)]))
    blocks.append(SINK_HEADING.rstrip("\n"))
    blocks += ["\n".join(["# [[sink]]", *_explained(shape)]) for shape in SINKS]
    return HEADING + "\n\n".join(blocks) + "\n"


def _explained(shape: Any) -> Iterator[str]:
    for key in fields(shape):
        value = key.metadata["example"] if key.default in (None, MISSING) else key.default
        yield f"# {key.metadata['description']}"
        yield f"# {key.name} = {_toml(value)}"


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ConfigError(f"config {path} is larger than {MAX_BYTES >> 10} KiB")
        return tomllib.loads(content.decode("utf-8"))
    except ConfigError:
        raise
    except OSError as error:
        raise ConfigError(
            f"config {path} cannot be read: {error.strerror}", hint="`edgeface config --init` writes one"
        ) from error
    except (ValueError, RecursionError) as error:  # also of text that is not UTF-8, and of endless numbers
        raise ConfigError(f"config {path} is not TOML: {error}") from error


def _assignment(text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise ConfigError(
            f"option -o {text!r} is not of the form section.key=value",
            hint="for example -o recognition.far=0.01",
        )
    return {section: {key: _parse(value.strip(), _hint(section, key))}}


def _hint(section: str, key: str) -> Any:
    shape = typing.get_type_hints(Config).get(section)
    return typing.get_type_hints(shape).get(key) if is_dataclass(shape) else None


def _parse(text: str, hint: Any) -> Any:
    """Read a value of the command line: a text needs no quotes there."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
    return text if hint is str and not isinstance(value, str) else value


def _check_limits(config: Config, source: str) -> None:
    listed = [(f"{name}.{place}", values) for name in LISTS for place, values in enumerate(getattr(config, name))]
    for section, values in _sections(config) + listed:
        for key in fields(values):
            value, (least, most) = getattr(values, key.name), key.metadata["limits"]
            if isinstance(value, int | float) and not least <= value <= most:
                limit = f"at most {most:g}" if value > most else f"at least {least:g}"
                raise ConfigError(f"{source}: {section}.{key.name} must be {limit}, not {value}")


def _check_names(names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if not CAMERA_NAME.fullmatch(name):
            raise ConfigError(f"cameras.{place}.name is {name!r:.60}", hint="use up to 32 letters, digits, - and _")
        if name in names[:place]:
            raise ConfigError(f"cameras.{place}.name is {name!r}, as another camera's", hint="give each its own")


def _sections(config: Config) -> list[tuple[str, Any]]:
    return [(section.name, getattr(config, section.name)) for section in fields(config) if section.name not in LISTS]


def _toml(value: Any) -> str:
    # JSON's texts, numbers, true and false are TOML's too, but for the delete character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

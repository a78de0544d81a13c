"""Turn a TOML table into frozen dataclasses, strictly: an unknown key or a wrong type is an error that helps."""

import reprlib
import sys
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin

from edgeface.errors import ConfigError

T = TypeVar("T")

LARGEST = sys.float_info.max


def read_section(shape: type[T], table: dict[str, Any], *, source: str, prefix: str = "") -> T:
    """Build `shape` from a table; what the table leaves out keeps its default.

    Raise ConfigError naming `source` and the key for an unknown key, a missing one or a value of another type.
    """
    hints = typing.get_type_hints(shape)
    known = {field.name: field for field in fields(shape)}  # pyright: ignore[reportArgumentType] (T is a dataclass)
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"choose one of {', '.join(known)}"
            raise ConfigError(f"{source}: unknown setting {prefix}{key}", hint=hint)
    for name, field in known.items():
        if name not in table and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{source}: setting {prefix}{name} is missing")
    values = {key: _read(hints[key], value, source, prefix + key) for key, value in table.items()}
    return shape(**values)


def _read(hint: Any, value: Any, source: str, key: str) -> Any:
    origin, options = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(value, dict):
        return read_section(hint, value, source=source, prefix=f"{key}.")  # pyright: ignore (a dataclass type)
    if origin is typing.Literal:
        if value in options and not isinstance(value, bool):
            return value
        raise ConfigError(
            f"{source}: {key} is {reprlib.repr(value)}", hint=f"choose one of {', '.join(map(repr, options))}"
        )
    if origin in (list, tuple) and isinstance(value, list):
        items = [_read(options[0], item, source, f"{key}.{place}") for place, item in enumerate(value)]
        return origin(items)
    if origin is dict and isinstance(value, dict):
        return {name: _read(options[1], item, source, f"{key}.{name}") for name, item in value.items()}
    if origin in (types.UnionType, typing.Union):
        return _read(next(option for option in options if option is not type(None)), value, source, key)
    if isinstance(value, str) and "\0" in value:
        raise ConfigError(f"{source}: {key} holds a null character")
    if hint is Any:
        return value
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST:
        return float(value)
    if hint in (bool, int, str) and isinstance(value, hint) and not (isinstance(value, bool) and hint is not bool):
        return value
    wanted = getattr(hint, "__name__", str(hint)) if origin is None else str(hint)
    raise ConfigError(f"{source}: {key} must be {wanted}, not {reprlib.repr(value)}")

"""Turn a TOML table into frozen dataclasses, strictly: an unknown key or a wrong type is an error that helps."""

import math
import reprlib
import sys
import types
import typing
from dataclasses import MISSING, field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin

from edgeface.errors import ConfigError

T = TypeVar("T")

LARGEST = sys.float_info.max


def setting(
    default: T,
    description: str,
    *,
    at_least: float = -math.inf,
    at_most: float = math.inf,
    example: Any = None,
) -> T:
    """Declare a field and what the commented file says of it; `example` stands in for a default of None."""
    metadata = {"description": description, "limits": (at_least, at_most), "example": example}
    declared: Any = field(default=default, metadata=metadata)
    return declared


def required(description: str, *, example: Any) -> Any:
    """Declare a field that must be given; the commented file shows the example."""
    return field(metadata={"description": description, "limits": (-math.inf, math.inf), "example": example})


def read_section(shape: type[T], table: dict[str, Any], *, source: str, prefix: str = "") -> T:
    """Build `shape` from a table; what the table leaves out keeps its default.

    Raise ConfigError naming `source` and the key for an unknown key, a missing one or a value of another type.
    """
    hints = typing.get_type_hints(shape)
    known = {key.name: key for key in fields(shape)}  # pyright: ignore[reportArgumentType] (T is a dataclass)
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"choose one of {', '.join(known)}"
            raise ConfigError(f"{source}: unknown setting {prefix}{key}", hint=hint)
    for name, declared in known.items():
        if name not in table and declared.default is MISSING and declared.default_factory is MISSING:
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
        kinds = {kind_of(option): option for option in options if is_dataclass(option)}
        if kinds:
            return _read_kind(kinds, value, source, key)
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


def kind_of(shape: Any) -> str:
    """Return the kind by which a table of this shape calls itself."""
    return str(next(key.default for key in fields(shape) if key.name == "kind"))


def _read_kind(kinds: dict[str, Any], value: Any, source: str, key: str) -> Any:
    """Read a table whose `kind` says which of several shapes it has."""
    if not isinstance(value, dict):
        raise ConfigError(f"{source}: {key} must be a table, not {reprlib.repr(value)}")
    kind = value.get("kind")
    if isinstance(kind, str) and kind in kinds:
        return read_section(kinds[kind], value, source=source, prefix=f"{key}.")
    near = get_close_matches(kind, kinds, 1) if isinstance(kind, str) else []
    hint = f'did you mean "{near[0]}"?' if near else f"choose one of {', '.join(kinds)}"
    wrong = f"{key}.kind is {reprlib.repr(kind)}" if "kind" in value else f"setting {key}.kind is missing"
    raise ConfigError(f"{source}: {wrong}", hint=hint)

"""Change settings in a file of the user's, and leave every other line and comment as it is."""

import copy
import json
import re
import shutil
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgeface.config import commented_default, load
from edgeface.errors import ConfigError


def change_settings(path: Path, section: str, values: dict[str, int | float | str]) -> None:
    """Set values in one section of a file, where they stand, also in a comment; a new file holds all defaults.

    Raise ConfigError, and change nothing, for a file that is no TOML, that cannot be written, or in which a value is
    spread in a way that this cannot change.
    """
    text = _read(path)
    changed = text
    for key, value in values.items():
        changed = _with_value(changed, section, key, json.dumps(value))
    if _parse(changed, path) != _expected(_parse(text, path), section, values):
        told = ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
        raise ConfigError(
            f"config {path} is written in a way that cannot be changed safely", hint=f"set in [{section}]: {told}"
        )
    _replace(path, changed)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode() if path.exists() else commented_default()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"config {path} cannot be read: {error}") from error


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise ConfigError(f"config {path} is not TOML: {error}") from error


def _expected(table: dict[str, Any], section: str, values: dict[str, int | float | str]) -> dict[str, Any]:
    changed = copy.deepcopy(table)
    changed.setdefault(section, {}).update(values)
    return changed


def _with_value(text: str, section: str, key: str, value: str) -> str:
    """Put a value in the place of the one there is, of the one in a comment, or below the section's heading."""
    lines = text.splitlines(keepends=True)
    heading = _find(lines, rf"\s*\[\s*{section}\s*\]\s*(#.*)?$", 0, len(lines))
    if heading is None:
        return f"{text.rstrip()}\n\n[{section}]\n{key} = {value}\n".lstrip()
    end = _find(lines, r"\s*\[", heading + 1, len(lines)) or len(lines)
    for pattern in (rf"\s*{key}\s*=", rf"#\s*{key}\s*="):
        place = _find(lines, pattern, heading + 1, end)
        if place is not None:
            remark = re.search(r"\s+#[^\"']*$", lines[place].rstrip("\r\n").lstrip("#"))
            lines[place] = f"{key} = {value}{remark.group() if remark else ''}\n"
            return "".join(lines)
    return "".join(
        [*lines[:heading], lines[heading].rstrip("\r\n") + "\n", f"{key} = {value}\n", *lines[heading + 1 :]]
    )


def _find(lines: list[str], pattern: str, start: int, end: int) -> int | None:
    return next((place for place in range(start, end) if re.match(pattern, lines[place])), None)


def _replace(path: Path, text: str) -> None:
    """Write the whole file beside the old one, see that edgeface reads it, and take the old one's place."""
    path = path.resolve()
    draft = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(text.encode())
        if path.exists():
            shutil.copymode(path, draft)
        load([draft])
        draft.replace(path)
    except OSError as error:
        raise ConfigError(f"config {path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            draft.unlink()

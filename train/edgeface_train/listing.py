"""List the photos of people: one folder a person."""

import stat
from pathlib import Path

from edgeface.drivers.photos import SUFFIXES
from edgeface.errors import ConfigError
from edgeface_train.examine import Examined
from edgeface_train.prepared import Refused

_NAMES = f"a photo's name ends in {', '.join(SUFFIXES)}"


def list_people(photos: Path) -> tuple[list[Examined], list[Refused]]:
    """Return the photos of PHOTOS/<person>/ by name, unexamined, and the files that no photo can be.

    Hidden files and folders are not looked at. Raise ConfigError when there is no photo.
    """
    listed: list[Examined] = []
    refused: list[Refused] = []
    for path in _visible(photos):
        if not path.is_dir():
            refused.append(Refused(path.name, "not in a folder of a person"))
            continue
        for file in _visible(path):
            name = f"{path.name}/{file.name}"
            reason = _refusal(file)
            if reason:
                refused.append(Refused(name, reason))
            else:
                status = file.stat()
                listed.append(Examined(name, status.st_size, status.st_mtime_ns))
    if not listed:
        raise ConfigError(
            f"folder {photos} holds no photos of people",
            hint=f"expected {photos}/<person>/<photo>; {_NAMES}",
        )
    return listed, refused


def _visible(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(f"folder {folder} cannot be read: {error.strerror}") from error
    return [entry for entry in entries if not entry.name.startswith(".")]


def _refusal(file: Path) -> str:
    """Say why a file cannot be a photo; empty when it can."""
    try:
        mode = file.stat().st_mode
    except OSError as error:  # a link to nowhere
        return f"cannot be read: {error.strerror}"
    if stat.S_ISDIR(mode):
        return "a folder inside a person's folder"
    if not stat.S_ISREG(mode):
        return "not a file"
    return "" if file.suffix.lower() in SUFFIXES else f"not a photo: {_NAMES}"

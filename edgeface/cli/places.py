"""Where edgeface looks for settings and keeps its state; the only reader of the environment."""

from collections.abc import Mapping
from pathlib import Path

SYSTEM_CONFIG = Path("/etc/edgeface/config.toml")
SERVICE_SOCKET = Path("/run/edgeface/control.sock")
"""Where edgeface.service listens."""


def user_config(environment: Mapping[str, str]) -> Path:
    """Return the user's configuration file, there or not: $XDG_CONFIG_HOME, or else ~/.config."""
    return _home(environment, "XDG_CONFIG_HOME", ".config") / "edgeface" / "config.toml"


def config_files(environment: Mapping[str, str], given: Path | None) -> list[Path]:
    """Return the files to read, the strongest last: the system's, the user's and the given one."""
    defaults = [path for path in (SYSTEM_CONFIG, user_config(environment)) if path.is_file()]
    return [*defaults, given] if given else defaults


def default_gallery(environment: Mapping[str, str]) -> Path:
    """Return the gallery's file: in the service's state folder under systemd, or else in the user's."""
    service = environment.get("STATE_DIRECTORY", "").split(":")[0]
    if service:
        return Path(service) / "gallery.db"
    return _home(environment, "XDG_STATE_HOME", ".local/state") / "edgeface" / "gallery.db"


def placed_key(environment: Mapping[str, str], key: str) -> str:
    """Return the setting gallery.key with the file of a systemd credential, if this process was passed any."""
    folder, form = environment.get("CREDENTIALS_DIRECTORY", ""), "credential:"
    if folder and key.startswith(form) and "/" not in key:
        return f"{form}{folder}/{key.removeprefix(form)}"
    return key


def _home(environment: Mapping[str, str], variable: str, fallback: str) -> Path:
    """Return an XDG base folder; a relative one is ignored, as the specification asks."""
    given = Path(environment.get(variable, ""))
    return given if given.is_absolute() else Path.home() / fallback

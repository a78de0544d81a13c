"""Read passwords and keys from files or systemd credentials, so that no configuration holds them."""

import stat
from collections.abc import Mapping
from pathlib import Path

from edgeface.errors import ConfigError

CREDENTIAL = "credential:"
"""Before the name of a credential that systemd passes by LoadCredential= or SetCredentialEncrypted=."""

LONGEST = 4096
"""Bytes; what is longer is no password but another file."""


def read_secret(place: str, environment: Mapping[str, str]) -> str:
    """Return the first line of a file, or of the systemd credential `credential:NAME`.

    Raise ConfigError when there is none, it is empty, or every user may read the file.
    """
    path = _path(place, environment)
    try:
        mode, content = path.stat().st_mode, path.read_bytes()[: LONGEST + 1]
        secret = content.decode().partition("\n")[0].strip()
    except OSError as error:
        raise ConfigError(f"secret {path} cannot be read: {error.strerror}", hint="see who owns it") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"secret {path} is not text", hint="write the secret into its first line") from error
    if mode & stat.S_IROTH:
        raise ConfigError(f"secret {path} can be read by every user", hint=f"chmod o-rwx {path}")
    if not secret or len(content) > LONGEST:
        raise ConfigError(f"secret {path} is empty or too long", hint="write the secret into its first line")
    return secret


def _path(place: str, environment: Mapping[str, str]) -> Path:
    if not place.startswith(CREDENTIAL):
        return Path(place).expanduser()
    name, folder = place.removeprefix(CREDENTIAL), environment.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        raise ConfigError(
            f"secret {place} is known to a systemd service only", hint="add LoadCredential= to the unit, or name a file"
        )
    if not name or "/" in name:
        raise ConfigError(f"secret {place} is no name of a credential", hint="for example credential:webhook")
    return Path(folder) / name

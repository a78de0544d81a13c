"""Listen at a path of the file system, for those alone who may connect."""

import os
import socket
import stat
from pathlib import Path

from edgeface.errors import ConfigError


def listen_at(path: Path, *, backlog: int, setting: str, mode: int = 0o600, group: int | None = None) -> socket.socket:
    """Listen at a path, in place of a socket whose server is gone; by default only its owner may connect.

    The socket belongs to `group`, or else to the group of the process. Raise ConfigError, which names the setting, when
    that cannot be done.
    """
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _make_way(path, setting)
        os.fchmod(server.fileno(), 0o600)  # before it has a name: nobody else can ever connect
        server.bind(str(path))
        if group is not None:
            _give_to(path, group)
        if mode != 0o600:
            path.chmod(mode)  # bind has applied the umask
        server.listen(backlog)
    except OSError as error:
        server.close()
        reason = error.strerror or str(error)  # a path beyond 107 bytes has no strerror
        raise ConfigError(f"socket {path} cannot be made: {reason}", hint=f"choose another {setting}") from error
    except ConfigError:
        server.close()
        raise
    return server


def _give_to(path: Path, group: int) -> None:
    """Give a socket to a group, unless it has it already: the shipped units may not chown."""
    if path.stat().st_gid == group:
        return
    try:
        os.chown(path, -1, group)
    except OSError as error:
        path.unlink()
        raise ConfigError(
            f"socket {path} cannot be given to group {group}: {error.strerror}",
            hint="run the daemon with that group, in a unit by Group=",
        ) from error


def _make_way(path: Path, setting: str) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(f"socket {path} cannot be made: a file is there", hint=f"choose another {setting}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ConfigError(f"socket {path} is served by another program", hint=f"end it, or choose another {setting}")

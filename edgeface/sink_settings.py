"""What each kind of sink can be told in a `[[sink]]` table of the configuration."""

from dataclasses import dataclass
from typing import Literal

from edgeface.settings import required, setting

QUEUE = "So many events may wait for it; when one more comes, the oldest is given up."


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSinkSettings:
    """Events appended to a file."""

    kind: Literal["file"] = setting("file", "A line of JSON an event, appended to a file that only you can read.")
    path: str = required("The file.", example="/var/lib/edgeface/events.jsonl")
    max_mib: float = setting(
        10.0, "A file that would grow beyond this is renamed to .1, .2, ...; 0: never.", at_least=0
    )
    keep: int = setting(5, "So many renamed files are kept.", at_least=1, at_most=1000)
    queue_size: int = setting(256, QUEUE, at_least=1, at_most=100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketSinkSettings:
    """Events sent to every program that is connected to a Unix socket."""

    kind: Literal["socket"] = setting("socket", "A line of JSON an event, to all who are connected to a Unix socket.")
    path: str = required("Where the socket is made; only you can connect.", example="/run/edgeface/events.sock")
    queue_size: int = setting(256, QUEUE, at_least=1, at_most=100_000)


SinkSettings = FileSinkSettings | SocketSinkSettings

SINKS = (FileSinkSettings, SocketSinkSettings)
"""Every kind, in the order of the commented file."""

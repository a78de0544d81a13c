"""What each kind of sink can be told in a `[[sink]]` table of the configuration."""

from dataclasses import dataclass
from typing import Literal

from edgeface.settings import required, setting

QUEUE = "So many events may wait for it; when one more comes, the oldest is given up."

SECRET = "File with the {}, or credential:NAME for one of systemd; empty: {}."


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSinkSettings:
    """A program started for each event."""

    kind: Literal["command"] = setting("command", "Starts a program for each event; no shell reads the line.")
    command: tuple[str, ...] = required(
        "The program and its arguments; it gets the event as JSON on standard input and in EDGEFACE_ variables.",
        example=["/usr/local/bin/greet", "--loud"],
    )
    timeout_seconds: float = setting(30.0, "A program that takes longer is ended.", at_least=0.1, at_most=3600)
    at_once: int = setting(
        1, "So many may run at the same time; with 1 events keep their order.", at_least=1, at_most=32
    )
    queue_size: int = setting(256, QUEUE, at_least=1, at_most=100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSinkSettings:
    """Events posted to a web address."""

    kind: Literal["webhook"] = setting("webhook", "Posts JSON to a web address, signed as Standard Webhooks asks.")
    url: str = required("The address; without a password.", example="https://example.org/edgeface")
    secret_file: str = setting("", SECRET.format("key in base64, as `openssl rand -base64 32` makes it", "unsigned"))
    ca_file: str = setting("", "PEM file of the only authorities to trust; empty: those of the system.")
    timeout_seconds: float = setting(10.0, "So long an answer is waited for.", at_least=0.1, at_most=300)
    attempts: int = setting(5, "So often it is tried, with growing pauses.", at_least=1, at_most=20)
    queue_size: int = setting(256, QUEUE, at_least=1, at_most=100_000)


SinkSettings = FileSinkSettings | SocketSinkSettings | CommandSinkSettings | WebhookSinkSettings

SINKS = (FileSinkSettings, SocketSinkSettings, CommandSinkSettings, WebhookSinkSettings)
"""Every kind, in the order of the commented file."""

"""What each kind of sink can be told in a `[[sink]]` table of the configuration."""

from dataclasses import dataclass
from typing import Literal

from edgeface.settings import required, setting

QUEUE = "So many events may wait for it; when one more comes, the oldest is given up."

Kind = Literal["arrived", "left", "unproven", "camera", "thermal", "no_face"]

KINDS: tuple[Kind, ...] = ("arrived", "left", "unproven", "camera", "thermal")
"""What a sink is told of when it does not say."""

EVENTS = 'Which kinds of events it is told; "no_face" is there too.'

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
    events: tuple[Kind, ...] = setting(KINDS, EVENTS)
    queue_size: int = setting(256, QUEUE, at_least=1, at_most=100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketSinkSettings:
    """Events sent to every program that is connected to a Unix socket."""

    kind: Literal["socket"] = setting("socket", "A line of JSON an event, to all who are connected to a Unix socket.")
    path: str = required("Where the socket is made; only you can connect.", example="/run/edgeface/events.sock")
    events: tuple[Kind, ...] = setting(KINDS, EVENTS)
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
    events: tuple[Kind, ...] = setting(KINDS, EVENTS)
    queue_size: int = setting(256, QUEUE, at_least=1, at_most=100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSinkSettings:
    """Events posted to a web address."""

    kind: Literal["webhook"] = setting("webhook", "Posts JSON to a web address, signed as Standard Webhooks asks.")
    url: str = required("The address; without a password.", example="https://example.org/edgeface")
    secret_file: str = setting("", SECRET.format("key in base64, as `openssl rand -base64 32` makes it", "unsigned"))
    ca_file: str = setting("", "PEM file of the only authorities to trust; empty: those of the system.")
    timeout_seconds: float = setting(10.0, "So long an answer is waited for.", at_least=0.1, at_most=300)
    attempts: int = setting(10, "So often it is tried, with growing pauses.", at_least=1, at_most=20)
    events: tuple[Kind, ...] = setting(KINDS, EVENTS)
    queue_size: int = setting(256, QUEUE, at_least=1, at_most=100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSinkSettings:
    """Events and states published to an MQTT broker."""

    kind: Literal["mqtt"] = setting("mqtt", "Publishes to an MQTT broker, for Home Assistant; needs edgeface[mqtt].")
    host: str = required("The broker.", example="homeassistant.local")
    port: int | None = setting(
        None, "Its port; unset: 1883, or 8883 with tls.", at_least=1, at_most=65535, example=1883
    )
    username: str = setting("", "Who edgeface is to the broker; empty: anonymous.")
    password_file: str = setting("", SECRET.format("password", "none"))
    tls: bool = setting(False, "Whether to speak TLS; certificates are verified.")
    ca_file: str = setting("", "PEM file of the only authorities to trust; empty: those of the system.")
    topic: str = setting("edgeface", "All topics begin with it: give each device its own.")
    device: str = setting("edgeface", "What Home Assistant calls the device.")
    discovery: bool = setting(True, "Whether Home Assistant finds the device by itself.")
    discovery_prefix: str = setting("homeassistant", "As it is set in Home Assistant.")
    timeout_seconds: float = setting(
        10.0, "So long `edgeface sinks test` waits for the broker's word.", at_least=0.1, at_most=300
    )
    events: tuple[Kind, ...] = setting(KINDS, EVENTS)
    queue_size: int = setting(256, QUEUE, at_least=1, at_most=100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySinkSettings:
    """A relay that lets people in."""

    kind: Literal["relay"] = setting("relay", "Closes a relay for people who may enter; needs edgeface[gpio].")
    pin: int = required("GPIO (BCM) number of the relay's line.", example=17)
    people: tuple[str, ...] = required("Who may enter.", example=["Ada"])
    dry_run: bool = setting(True, "Whether only to log who would be let in. To arm it, set recognition.threshold too.")
    factor_pin: int | None = setting(
        None,
        "GPIO number of a keypad's or tag reader's contact, the second factor; needed to arm it.",
        at_least=0,
        at_most=27,
        example=27,
    )
    factor_seconds: float = setting(10.0, "The contact must close so soon after the arrival.", at_least=1, at_most=60)
    hold_seconds: float = setting(3.0, "The relay stays closed for so long.", at_least=0.5, at_most=60)
    active_high: bool = setting(True, "Whether the relay closes on a high line.")
    failures: int = setting(5, "After so many arrivals in a row without the factor it is locked.", at_least=1)
    lockout_seconds: float = setting(300.0, "For so long.", at_least=10)
    queue_size: int = setting(16, QUEUE, at_least=1, at_most=100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSinkSettings:
    """Counts served to Prometheus."""

    kind: Literal["metrics"] = setting(
        "metrics", "Serves counts to Prometheus, on this machine only; needs edgeface[metrics]."
    )
    port: int = setting(9464, "Of http://127.0.0.1:PORT/metrics.", at_least=1, at_most=65535)
    queue_size: int = setting(256, QUEUE, at_least=1, at_most=100_000)


SinkSettings = (
    FileSinkSettings
    | SocketSinkSettings
    | CommandSinkSettings
    | WebhookSinkSettings
    | MqttSinkSettings
    | RelaySinkSettings
    | MetricsSinkSettings
)

SINKS = (
    FileSinkSettings,
    SocketSinkSettings,
    CommandSinkSettings,
    WebhookSinkSettings,
    MqttSinkSettings,
    RelaySinkSettings,
    MetricsSinkSettings,
)
"""Every kind, in the order of the commented file."""

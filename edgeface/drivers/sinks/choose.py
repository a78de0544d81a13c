"""Turn a `[[sink]]` table into an open sink, and several into outboxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from edgeface.core.protocols import Sink
from edgeface.drivers.sinks.command import CommandHook
from edgeface.drivers.sinks.file import EventFile
from edgeface.drivers.sinks.outbox import Outbox, Outboxes
from edgeface.drivers.sinks.secrets import read_secret
from edgeface.drivers.sinks.unix_socket import EventSocket
from edgeface.errors import ConfigError
from edgeface.sink_settings import (
    KINDS,
    CommandSinkSettings,
    FileSinkSettings,
    Kind,
    MetricsSinkSettings,
    MqttSinkSettings,
    RelaySinkSettings,
    SinkSettings,
    SocketSinkSettings,
    WebhookSinkSettings,
)

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What sinks know besides their own settings."""

    environment: Mapping[str, str] = field(default_factory=dict)
    people: tuple[str, ...] = ()
    """Who is enrolled."""
    threshold: float | None = None
    """The household's own, if it has been calibrated."""
    alive: bool = False
    """True: names are told of faces only that have shown that they are alive."""
    outboxes: Sequence[Outbox] = ()
    """Those that are open, the metrics' own too."""
    cameras: tuple[str, ...] = ()
    """Names of several cameras; empty: there is one, without a name."""
    trial: bool = False
    """True: beside a running edgeface, whose states must not change."""


def open_sink(settings: SinkSettings, around: Surroundings) -> Sink:
    """Open one sink. Raise ConfigError or MissingExtra when it can never work as it is configured."""
    match settings:
        case FileSinkSettings():
            return EventFile(_path(settings.path), max_bytes=round(settings.max_mib * MIB), keep=settings.keep)
        case SocketSinkSettings():
            return EventSocket(_path(settings.path))
        case CommandSinkSettings():
            return CommandHook(
                settings.command, environment=around.environment, timeout_seconds=settings.timeout_seconds
            )
        case WebhookSinkSettings():
            return _webhook(settings, around)
        case MqttSinkSettings():
            return _mqtt(settings, around)
        case RelaySinkSettings():
            return _relay(settings, around)
        case MetricsSinkSettings():
            from edgeface.drivers.sinks.metrics import Metrics

            return Metrics(settings.port, around.outboxes, cameras=around.cameras)


def name_of(settings: SinkSettings) -> str:
    """Return what messages call a sink: its kind and where it leads, without anything secret."""
    match settings:
        case FileSinkSettings() | SocketSinkSettings():
            place = settings.path
        case CommandSinkSettings():
            place = " ".join(settings.command[:1])
        case WebhookSinkSettings():
            place = _host(settings.url)
        case MqttSinkSettings():
            place = settings.host
        case RelaySinkSettings():
            place = str(settings.pin)
        case MetricsSinkSettings():
            place = str(settings.port)
    return f"{settings.kind} {place}"


def open_outboxes(all_settings: Sequence[SinkSettings], around: Surroundings) -> Outboxes:
    """Open every sink behind an outbox of its own; when one cannot be opened, close the others."""
    opened: list[Outbox] = []
    around = replace(around, outboxes=opened)
    try:
        for settings in all_settings:
            workers = settings.at_once if isinstance(settings, CommandSinkSettings) else 1
            sink = open_sink(settings, around)
            opened.append(
                Outbox(
                    sink,
                    name=name_of(settings),
                    queue_size=settings.queue_size,
                    workers=workers,
                    kinds=_kinds(settings),
                )
            )
    except BaseException:
        Outboxes(opened).close()
        raise
    return Outboxes(opened)


def check_sinks(all_settings: Sequence[SinkSettings], around: Surroundings) -> None:
    """Raise ConfigError or MissingExtra for a sink that can never work as it is configured.

    Sockets, ports and pins are left alone: sinks that are in use may hold them yet.
    """
    for settings in all_settings:
        if isinstance(settings, RelaySinkSettings):
            _check_armed(settings, around)
        elif not isinstance(settings, SocketSinkSettings | MetricsSinkSettings):
            open_sink(settings, replace(around, trial=True)).close()


def _kinds(settings: SinkSettings) -> tuple[Kind, ...]:
    """Return what a sink is told of: what it asks for, or else what it is made for."""
    return KINDS if isinstance(settings, RelaySinkSettings | MetricsSinkSettings) else settings.events


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "?"
    except ValueError:
        return "?"


def _webhook(settings: WebhookSinkSettings, around: Surroundings) -> Sink:
    from edgeface.drivers.sinks.tls import trust
    from edgeface.drivers.sinks.webhook import Webhook, decode_secret

    secret = decode_secret(read_secret(settings.secret_file, around.environment)) if settings.secret_file else None
    return Webhook(
        settings.url,
        secret=secret,
        timeout_seconds=settings.timeout_seconds,
        attempts=settings.attempts,
        tls=trust(settings.ca_file) if settings.url.startswith("https") else None,
    )


def _mqtt(settings: MqttSinkSettings, around: Surroundings) -> Sink:
    from edgeface.drivers.sinks.home_assistant import Topics, check_topic
    from edgeface.drivers.sinks.mqtt import Broker, Mqtt
    from edgeface.drivers.sinks.tls import trust

    _check_host(settings.host)
    password = read_secret(settings.password_file, around.environment) if settings.password_file else None
    if password is not None and not settings.username:
        raise ConfigError("an mqtt sink has a password but no username", hint="set sink.username")
    broker = Broker(
        settings.host,
        settings.port or (8883 if settings.tls else 1883),
        settings.username or None,
        password,
        trust(settings.ca_file) if settings.tls else None,
    )
    return Mqtt(
        broker,
        Topics(check_topic(settings.topic), check_topic(settings.discovery_prefix)),
        people=around.people,
        cameras=around.cameras,
        device=settings.device,
        discover=settings.discovery,
        announce=not around.trial,
        timeout_seconds=settings.timeout_seconds,
    )


def _check_host(host: str) -> None:
    """Raise ConfigError for a name that cannot even be looked up."""
    try:
        encoded = host.encode("idna") if host.isprintable() else b""
    except UnicodeError:
        encoded = b""
    if not encoded:
        raise ConfigError(f"{host!r} is no name of a host", hint='for example sink.host = "homeassistant.local"')


def _relay(settings: RelaySinkSettings, around: Surroundings) -> Sink:
    from edgeface.drivers.sinks.relay import Relay, RelayPolicy, open_contacts

    _check_armed(settings, around)
    contacts = open_contacts(
        settings.pin, settings.factor_pin, dry_run=settings.dry_run, active_high=settings.active_high
    )
    policy = RelayPolicy(
        frozenset(settings.people),
        settings.factor_seconds,
        settings.hold_seconds,
        settings.failures,
        settings.lockout_seconds,
        around.alive,
    )
    return Relay(contacts, policy)


def _check_armed(settings: RelaySinkSettings, around: Surroundings) -> None:
    from edgeface.drivers.sinks.relay import check_armed

    check_armed(
        dry_run=settings.dry_run,
        threshold=around.threshold,
        factor_pin=settings.factor_pin,
        people=settings.people,
    )

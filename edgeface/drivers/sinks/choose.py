"""Turn a `[[sink]]` table into an open sink, and several into outboxes."""

from collections.abc import Sequence
from pathlib import Path

from edgeface.core.protocols import Sink
from edgeface.drivers.sinks.file import EventFile
from edgeface.drivers.sinks.outbox import Outbox, Outboxes
from edgeface.drivers.sinks.unix_socket import EventSocket
from edgeface.sink_settings import FileSinkSettings, SinkSettings, SocketSinkSettings

MIB = 1 << 20


def open_sink(settings: SinkSettings) -> Sink:
    """Open one sink. Raise ConfigError or MissingExtra when it can never work as it is configured."""
    match settings:
        case FileSinkSettings():
            return EventFile(_path(settings.path), max_bytes=round(settings.max_mib * MIB), keep=settings.keep)
        case SocketSinkSettings():
            return EventSocket(_path(settings.path))


def name_of(settings: SinkSettings) -> str:
    """Return what messages call a sink: its kind and where it leads, without anything secret."""
    return f"{settings.kind} {settings.path}"


def open_outboxes(all_settings: Sequence[SinkSettings]) -> Outboxes:
    """Open every sink behind an outbox of its own; when one cannot be opened, close the others."""
    opened: list[Outbox] = []
    try:
        for settings in all_settings:
            sink = open_sink(settings)
            opened.append(Outbox(sink, name=name_of(settings), queue_size=settings.queue_size))
    except BaseException:
        Outboxes(opened).close()
        raise
    return Outboxes(opened)


def _path(text: str) -> Path:
    return Path(text).expanduser()

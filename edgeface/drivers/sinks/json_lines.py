"""Write events to a stream, one a line: as JSON for programs, or as text for people."""

import json
from datetime import UTC, datetime
from typing import Any, TextIO

from edgeface.core.types import AnyEvent, CameraEvent, NoFaceEvent, ThermalEvent, UnprovenEvent
from edgeface.errors import HardwareError


def event_fields(event: AnyEvent) -> dict[str, Any]:
    """Return an event as JSON's values; a face that belongs to nobody has the name None, a well camera no reason.

    An event that tries out a sink has one more key, "test", which is true.
    """
    if isinstance(event, CameraEvent):
        fields: dict[str, Any] = {
            "kind": event.kind,
            "state": event.state,
            "reason": event.reason,
            "detail": event.detail,
            "camera": event.camera,
            "at": utc(event.at),
        }
    elif isinstance(event, ThermalEvent):
        fields = {
            "kind": event.kind,
            "state": event.state,
            "reason": event.reason,
            "detail": event.detail,
            "celsius": None if event.celsius is None else round(event.celsius, 1),
            "at": utc(event.at),
        }
    elif isinstance(event, NoFaceEvent):
        fields = {"kind": event.kind, "seconds": round(event.seconds, 1), "at": utc(event.at)}
    elif isinstance(event, UnprovenEvent):
        fields = {
            "kind": event.kind,
            "state": event.state,
            "turns": list(event.turns),
            "relief": round(event.relief, 4),
            "at": utc(event.at),
            "track": event.track,
        }
    else:
        fields = {
            "kind": event.kind,
            "name": event.name,
            "at": utc(event.at),
            "similarity": round(float(event.similarity), 4),
            "track": event.track,
        }
        if event.visit:
            fields["visit"] = event.visit
        if event.unknown:
            fields |= {"unknown": event.unknown.name, "visits": event.unknown.visits}
        if event.liveness:
            fields |= {"liveness": event.liveness.verdict, "relief": round(event.liveness.relief, 4)}
    if not isinstance(event, CameraEvent | ThermalEvent) and event.camera:
        fields["camera"] = event.camera
    if event.test:
        fields["test"] = True
    return fields


def event_json(event: AnyEvent) -> str:
    """Return an event as one line of JSON.

    >>> event_json(NoFaceEvent(0.5, 10.04))
    '{"kind": "no_face", "seconds": 10.0, "at": "1970-01-01T00:00:00.500Z"}'
    """
    return json.dumps(event_fields(event), ensure_ascii=False, allow_nan=False)


def utc(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonLines:
    """A `Sink` that writes each event as a line of JSON, at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def emit(self, event: AnyEvent) -> None:
        """Write one line. Raise HardwareError when that cannot be done."""
        _write(self._stream, event_json(event))

    def close(self) -> None:
        """Do nothing: the stream belongs to whoever gave it."""


class Text:
    """A `Sink` that writes each event as a line for people, in local time, at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def emit(self, event: AnyEvent) -> None:
        """Write one line. Raise HardwareError when that cannot be done."""
        clock = datetime.fromtimestamp(event.at).astimezone().strftime("%H:%M:%S")
        if isinstance(event, CameraEvent):
            _write(
                self._stream, f"{clock}  camera {event.camera} is {event.state}{event.detail and ': '}{event.detail}"
            )
            return
        if isinstance(event, NoFaceEvent):
            _write(self._stream, f"{clock}  somebody, but no face seen for {event.seconds:.0f} s{_at(event.camera)}")
            return
        if isinstance(event, ThermalEvent):
            _write(self._stream, f"{clock}  the loop is {event.state}: {event.detail}")
            return
        if isinstance(event, UnprovenEvent):
            what = f"turn your head: {', then '.join(event.turns)}" if event.turns else "nothing shows that it is alive"
            _write(self._stream, f"{clock}  a face like somebody's{_at(event.camera)}: {what}")
            return
        known = event.name is not None
        sure = f" ({event.similarity:.2f})" if known else ""
        who = event.name or "somebody unknown"
        if event.unknown:
            who = f"{event.unknown.name}, visit {event.unknown.visits},"
        alive = f", {event.liveness.verdict}" if event.liveness else ""
        _write(self._stream, f"{clock}  {who} {event.kind}{_at(event.camera)}{sure}{alive}")

    def close(self) -> None:
        """Do nothing: the stream belongs to whoever gave it."""


def _at(camera: str) -> str:
    return f" at camera {camera}" if camera else ""


def _write(stream: TextIO, line: str) -> None:
    try:
        stream.write(line + "\n")
        stream.flush()
    except BrokenPipeError:
        raise  # the reader has seen enough
    except OSError as error:
        raise HardwareError(f"events cannot be written: {error.strerror}", hint="free some space") from error

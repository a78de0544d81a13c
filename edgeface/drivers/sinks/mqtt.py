"""Publish events, presence and health to an MQTT broker, for Home Assistant among others."""

import json
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from threading import Event as Flag
from threading import Lock
from typing import Any

from edgeface.core.types import AnyEvent, CameraEvent, Event, ThermalEvent
from edgeface.drivers.sinks.home_assistant import Topics, discovery, stale
from edgeface.drivers.sinks.json_lines import event_fields, event_json, utc
from edgeface.errors import MissingExtra, SinkError

KEEPALIVE_SECONDS = 30
LONGEST_PAUSE_SECONDS = 60
FAREWELL_SECONDS = 1.0

Message = tuple[str, str, bool]
"""Topic, payload, whether the broker keeps it."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and how it knows us."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None


class Mqtt:
    """A `Sink` that publishes at least once (QoS 1) and connects again by itself, after 1, 2, 4 ... 60 s.

    States are remembered and published anew with each connection, so that Home Assistant shows who is here
    after the broker was away. `announce=False` publishes events alone: no state, no discovery, no last will.
    """

    def __init__(
        self,
        broker: Broker,
        topics: Topics,
        *,
        people: Iterable[str] = (),
        cameras: Sequence[str] = (),
        device: str = "edgeface",
        discover: bool = True,
        announce: bool = True,
        timeout_seconds: float = 10.0,
    ) -> None:
        self._broker, self._topics, self._device = broker, topics, device
        self._discover, self._announce = discover, announce
        self._timeout_seconds = timeout_seconds
        self._lock = Lock()
        self._present: dict[str, set[str]] = {name: set() for name in people}
        """Before which cameras each person is; a single one has no name."""
        self._cameras = dict.fromkeys(cameras, False)
        """Which of several give frames."""
        self._states: dict[str, str] = {}
        """Last payload of other retained topics."""
        self._connected, self._parted, self._closed = Flag(), Flag(), False
        self._problem = "cannot be reached"
        self._client = self._make_client()
        self._client.connect_async(broker.host, broker.port, KEEPALIVE_SECONDS)
        self._client.loop_start()

    def __repr__(self) -> str:
        return f"Mqtt({self._broker.host}:{self._broker.port}, {'closed' if self._closed else 'open'})"

    def emit(self, event: AnyEvent) -> None:
        """Publish one event and wait until the broker has it. Raise SinkError when it has not after a while."""
        new = self._note(event)
        if self._closed or not self._connected.wait(self._timeout_seconds):
            raise SinkError(f"broker {self._broker.host}:{self._broker.port} {self._problem}")
        if new and self._discover:
            self._publish([self._discovery_message()])
        self._publish(self._messages(event))

    def close(self) -> None:
        """Say that edgeface is offline, and disconnect."""
        if self._closed:
            return
        self._closed = True
        if self._connected.is_set() and self._announce:
            _confirmed(self._client.publish(self._topics.availability, "offline", qos=1, retain=True), FAREWELL_SECONDS)
        # Its thread ends by itself, at once or when an attempt to connect has; loop_stop would wait for that.
        if self._client.disconnect() == 0:
            self._parted.wait(FAREWELL_SECONDS)
        self._connected.clear()

    def _make_client(self) -> Any:
        client = _paho()
        client.reconnect_delay_set(1, LONGEST_PAUSE_SECONDS)
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls is not None:
            client.tls_set_context(self._broker.tls)
        if self._announce:
            client.will_set(self._topics.availability, "offline", qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._problem = f"refuses the connection: {reason}"
            return
        self._parted.clear()
        client.drop_out_messages()  # what the last connection left unconfirmed would overwrite newer states
        if self._announce:
            if self._discover:
                client.subscribe([(self._topics.config, 1), (self._topics.birth, 0)])
            self._publish_states(client)
        self._connected.set()

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        self._problem = "cannot be reached"

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        if self._connected.is_set():
            self._problem = "has closed the connection"
        self._connected.clear()
        self._parted.set()

    def _on_message(self, client: Any, _data: Any, message: Any) -> None:
        if message.topic == self._topics.birth:
            if message.payload == b"online" and not message.retain:
                self._publish_states(client)
        elif message.topic == self._topics.config and message.retain:
            self._sweep(client, message.payload)

    def _sweep(self, client: Any, payload: bytes) -> None:
        """Remove from Home Assistant and the broker who has been forgotten since the last run."""
        try:
            old = json.loads(payload)
        except ValueError:
            return
        new = self._discovery()
        bare, topics = stale(self._topics, old, new)
        if bare:
            both = new | {"components": new["components"] | bare}
            client.publish(self._topics.config, json.dumps(both), qos=1, retain=True)
            client.publish(self._topics.config, json.dumps(new), qos=1, retain=True)
        for topic in topics:
            client.publish(topic, b"", qos=1, retain=True)

    def _publish_states(self, client: Any) -> None:
        with self._lock:
            states = [(self._topics.presence(name), _on(bool(here)), True) for name, here in self._present.items()]
            states += [(topic, payload, True) for topic, payload in self._states.items()]
        first = [self._discovery_message()] if self._discover else []
        for topic, payload, retain in [*first, (self._topics.availability, "online", True), *states]:
            client.publish(topic, payload, qos=1, retain=retain)

    def _discovery(self) -> dict[str, Any]:
        with self._lock:
            return discovery(self._topics, self._device, self._present, version("edgeface"), cameras=self._cameras)

    def _discovery_message(self) -> Message:
        return self._topics.config, json.dumps(self._discovery(), ensure_ascii=False), True

    def _note(self, event: AnyEvent) -> bool:
        """Remember what an event changes; return whether it is about somebody of whom nobody knows yet."""
        if not self._announce:
            return False
        with self._lock:
            if isinstance(event, CameraEvent):
                self._states |= {topic: payload for topic, payload, _ in self._camera_messages(event)}
                return False
            if not isinstance(event, Event) or event.name is None or event.test:
                return False
            new = event.name not in self._present
            here = self._present.setdefault(event.name, set())
            (here.add if event.kind == "arrived" else here.discard)(event.camera)
            self._states[self._topics.last_seen(event.name)] = utc(event.at)
            return new

    def _messages(self, event: AnyEvent) -> list[Message]:
        messages: list[Message] = [(self._topics.event, event_json(event), False)]
        camera = "" if isinstance(event, ThermalEvent) else event.camera
        if camera in self._cameras:
            messages.append((self._topics.camera_event(camera), event_json(event), False))
        if not self._announce or event.test:
            return messages
        if isinstance(event, CameraEvent):
            return [*messages, *self._camera_messages(event)]
        if not isinstance(event, Event):
            return messages
        if event.name is None:
            fields = event_fields(event)
            del fields["name"]
            described = json.dumps({"event_type": fields.pop("kind")} | fields)
            return [*messages, (self._topics.unknown, described, False)]
        return [
            *messages,
            (self._topics.last_seen(event.name), utc(event.at), True),
            (self._topics.presence(event.name), _on(bool(self._present[event.name])), True),
        ]

    def _camera_messages(self, event: CameraEvent) -> list[Message]:
        """Return the retained states of a camera, and of several together."""
        well = event.state == "ok"
        if event.camera not in self._cameras:
            return [(self._topics.camera, _on(well), True)]
        self._cameras[event.camera] = well
        return [
            (self._topics.camera_state(event.camera), _on(well), True),
            (self._topics.camera, _on(all(self._cameras.values())), True),
        ]

    def _publish(self, messages: Iterable[Message]) -> None:
        """Publish and wait for the broker's word."""
        sent = [self._client.publish(topic, text, qos=1, retain=retain) for topic, text, retain in messages]
        if not all(_confirmed(one, self._timeout_seconds) for one in sent):
            raise SinkError(f"broker {self._broker.host}:{self._broker.port} does not confirm an event")


def _confirmed(sent: Any, seconds: float) -> bool:
    try:
        sent.wait_for_publish(seconds)
    except (RuntimeError, ValueError):  # the connection has just gone
        return False
    return sent.is_published()


def _on(true: bool) -> str:
    return "ON" if true else "OFF"


def _paho() -> Any:
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise MissingExtra(
            "mqtt needs paho-mqtt 2, which is not installed", hint="pip install 'edgeface[mqtt]'"
        ) from error
    return Client(CallbackAPIVersion.VERSION2)

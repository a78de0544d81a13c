"""Publish events, presence and health to an MQTT broker, for Home Assistant among others."""

import json
import logging
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
POLL_SECONDS = 0.25
"""Who waits for the broker looks so often whether the sink was closed meanwhile."""

log = logging.getLogger(__name__)

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

    States are noted at once and published anew with each connection, so that Home Assistant shows who is here after the
    broker was away, and never who was there before; an event waits for the broker until there is one, however long that
    takes. `announce=False` publishes events alone, no state, no discovery, no last will, and waits for
    `timeout_seconds`.
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
        self._discovered: set[str] = set()
        """Whom the last discovery message told of."""
        self._connected, self._parted, self._closed = Flag(), Flag(), False
        self._connections = 0
        self._problem, self._told = "cannot be reached", ""
        self._client = self._make_client()
        self._client.connect_async(broker.host, broker.port, KEEPALIVE_SECONDS)
        self._client.loop_start()

    def __repr__(self) -> str:
        return f"Mqtt({self._broker.host}:{self._broker.port}, {'closed' if self._closed else 'open'})"

    def note(self, event: AnyEvent) -> None:
        """Remember what an event changes."""
        if not self._announce or event.test:
            return
        with self._lock:
            if isinstance(event, CameraEvent):
                self._note_camera(event)
            elif isinstance(event, Event) and event.name is not None:
                here = self._present.setdefault(event.name, set())
                (here.add if event.kind == "arrived" else here.discard)(event.camera)
                self._states[self._topics.last_seen(event.name)] = utc(event.at)

    def emit(self, event: AnyEvent) -> None:
        """Publish one event and wait until the broker has it. Raise SinkError when it does not confirm it."""
        confirmed = False
        while not confirmed:
            self._await_broker()
            connection = self._connections
            confirmed = self._publish(self._messages(event))
            lost = self._connections != connection or not self._connected.is_set()
            if not confirmed and not (self._announce and lost):
                raise SinkError(f"{self._place} does not confirm an event")

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

    @property
    def _place(self) -> str:
        return f"broker {self._broker.host}:{self._broker.port}"

    def _await_broker(self) -> None:
        """Wait for a connection. Raise SinkError when the sink is closed, or when it waits for so long only."""
        if not self._announce:
            self._connected.wait(self._timeout_seconds)
        while self._announce and not self._closed and not self._connected.wait(POLL_SECONDS):
            pass
        if self._closed or not self._connected.is_set():
            raise SinkError(f"{self._place} {self._problem}")

    def _note_problem(self, problem: str) -> None:
        """Say once what keeps events waiting."""
        self._problem = problem
        if self._announce and not self._closed and problem != self._told:
            self._told = problem
            log.warning("%s %s: events wait for it", self._place, problem)

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
            self._note_problem(f"refuses the connection: {reason}")
            return
        if self._told:
            self._told = ""
            log.warning("%s is back", self._place)
        self._connections += 1
        self._parted.clear()
        client.drop_out_messages()  # what the last connection left unconfirmed would overwrite newer states
        if self._announce:
            if self._discover:
                client.subscribe([(self._topics.config, 1), (self._topics.birth, 0)])
            self._publish_states(client)
        self._connected.set()

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        self._note_problem("cannot be reached")

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
            self._discovered = set(self._present)
            return discovery(self._topics, self._device, self._present, version("edgeface"), cameras=self._cameras)

    def _discovery_message(self) -> Message:
        return self._topics.config, json.dumps(self._discovery(), ensure_ascii=False), True

    def _messages(self, event: AnyEvent) -> list[Message]:
        """Return an event as messages, with the states that it has to do with as they are now."""
        messages: list[Message] = [(self._topics.event, event_json(event), False)]
        camera = "" if isinstance(event, ThermalEvent) else event.camera
        if camera in self._cameras:
            messages.append((self._topics.camera_event(camera), event_json(event), False))
        if not self._announce or event.test:
            return messages
        if isinstance(event, CameraEvent):
            own = [self._topics.camera_state(camera)] if camera in self._cameras else []
            return [*messages, *self._states_of([*own, self._topics.camera])]
        if not isinstance(event, Event):
            return messages
        if event.name is None:
            fields = event_fields(event)
            del fields["name"]
            described = json.dumps({"event_type": fields.pop("kind")} | fields)
            return [*messages, (self._topics.unknown, described, False)]
        if self._discover and event.name not in self._discovered:
            messages.insert(0, self._discovery_message())
        with self._lock:
            here = bool(self._present.get(event.name))
        seen = self._states_of([self._topics.last_seen(event.name)])
        return [*messages, *seen, (self._topics.presence(event.name), _on(here), True)]

    def _states_of(self, topics: Iterable[str]) -> list[Message]:
        with self._lock:
            return [(topic, self._states[topic], True) for topic in topics if topic in self._states]

    def _note_camera(self, event: CameraEvent) -> None:
        """Remember the state of a camera, and of several together."""
        well = event.state == "ok"
        if event.camera in self._cameras:
            self._cameras[event.camera] = well
            self._states[self._topics.camera_state(event.camera)] = _on(well)
            well = all(self._cameras.values())
        self._states[self._topics.camera] = _on(well)

    def _publish(self, messages: Iterable[Message]) -> bool:
        """Publish and tell whether the broker has all of it."""
        sent = [self._client.publish(topic, text, qos=1, retain=retain) for topic, text, retain in messages]
        return all(_confirmed(one, self._timeout_seconds) for one in sent)


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

"""Publish events, presence and health to an MQTT broker, for Home Assistant among others."""

import logging
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Event as Flag
from threading import Lock
from typing import Any

from edgeface.core.types import AnyEvent
from edgeface.drivers.sinks.home_assistant import Topics
from edgeface.drivers.sinks.mqtt_messages import Message, Messages
from edgeface.errors import MissingExtra, SinkError

KEEPALIVE_SECONDS = 30
"""A broker that vanishes is noticed within twice as long."""
LONGEST_PAUSE_SECONDS = 60
CONNECTIONS = 3
"""When so many were lost with an event in flight, it is given up."""
FAREWELL_SECONDS = 1.0
POLL_SECONDS = 0.25
"""Who waits for the broker looks so often whether the sink was closed or the connection lost meanwhile."""

log = logging.getLogger(__name__)


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
    broker was away, and never who was there before; an event waits for the broker until there is one, and for its word
    while the connection stands. `announce=False` publishes events alone, no state, no discovery, no last will, and
    waits for `timeout_seconds`.
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
        self._broker, self._topics = broker, topics
        self._discover, self._announce = discover, announce
        self._timeout_seconds = timeout_seconds
        self._messages = Messages(topics, people, cameras, device=device, discover=discover, announce=announce)
        self._handing = Lock()
        """Over asking for messages and giving them to paho, so that no state overtakes a newer one."""
        self._connected, self._parted, self._closed = Flag(), Flag(), False
        self._connections = 0
        self._problem, self._told = "cannot be reached", ""
        self._in_doubt = False
        """Whether a connection was lost with an event in flight, and none confirmed since."""
        self._client = self._make_client()
        self._client.connect_async(broker.host, broker.port, KEEPALIVE_SECONDS)
        self._client.loop_start()

    def __repr__(self) -> str:
        return f"Mqtt({self._broker.host}:{self._broker.port}, {'closed' if self._closed else 'open'})"

    def note(self, event: AnyEvent) -> None:
        """Remember what an event changes."""
        self._messages.note(event)

    def emit(self, event: AnyEvent) -> None:
        """Publish one event and wait until the broker has it. Raise SinkError when it does not confirm it."""
        for _ in range(CONNECTIONS if self._announce else 1):
            connection, sent = self._hand_over(event)
            if self._confirmed(sent, connection):
                self._in_doubt = False
                self._note_return()
                return
            self._in_doubt = True
        if not self._announce:
            raise SinkError(f"{self._place} does not confirm an event")
        raise SinkError(
            f"{self._place} has closed {CONNECTIONS} connections without confirming an event",
            hint="its log says why; it may be a topic where edgeface must not publish",
        )

    def close(self) -> None:
        """Say that edgeface is offline, and disconnect."""
        if self._closed:
            return
        self._closed = True
        if self._connected.is_set() and self._announce:
            [farewell] = self._send([(self._topics.availability, "offline", True)])
            _arrived(farewell, FAREWELL_SECONDS)
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
        if self._closed or not (self._announce or self._connected.is_set()):
            raise SinkError(f"{self._place} {self._problem}")

    def _note_problem(self, problem: str) -> None:
        """Say once what keeps events waiting."""
        self._problem = problem
        if self._announce and not self._closed and problem != self._told:
            self._told = problem
            log.warning("%s %s: events wait for it", self._place, problem)

    def _note_return(self) -> None:
        if self._told:
            self._told = ""
            log.warning("%s is back", self._place)

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
        if not self._in_doubt:
            self._note_return()
        self._parted.clear()
        with self._handing:
            client.drop_out_messages()  # what the last connection left unconfirmed would overwrite newer states
            if self._announce:
                if self._discover:
                    client.subscribe([(self._topics.config, 1), (self._topics.birth, 0)])
                self._send(self._messages.of_connection())
            self._connections += 1
            self._connected.set()

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        self._problem = "cannot be reached"
        if not self._told:
            self._note_problem(self._problem)

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        # Takes no lock: paho may call it with one of its own held, for which another thread waits with ours.
        if self._connected.is_set():
            self._note_problem("has closed the connection")
        self._connected.clear()
        self._parted.set()

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        with self._handing:
            if message.topic == self._topics.birth:
                if message.payload == b"online" and not message.retain:
                    self._send(self._messages.of_connection())
            elif message.topic == self._topics.config and message.retain:
                self._send(self._messages.of_forgetting(message.payload))

    def _hand_over(self, event: AnyEvent) -> tuple[int, list[Any]]:
        """Give paho an event as soon as there is a connection, and return the number of that and what was sent."""
        while True:
            self._await_broker()
            with self._handing:
                if self._connected.is_set():
                    return self._connections, self._send(self._messages.of_event(event))

    def _send(self, messages: Iterable[Message]) -> list[Any]:
        return [self._client.publish(topic, payload, qos=1, retain=keep) for topic, payload, keep in messages]

    def _confirmed(self, sent: list[Any], connection: int) -> bool:
        """Wait until the broker has all of it, and tell whether it has."""
        end = time.monotonic() + self._timeout_seconds
        while not all(_arrived(one, POLL_SECONDS) for one in sent):
            if self._closed or not self._connected.is_set() or self._connections != connection:
                return False
            if not self._announce and time.monotonic() > end:
                return False
        return True


def _arrived(sent: Any, seconds: float) -> bool:
    try:
        sent.wait_for_publish(seconds)
        return sent.is_published()
    except (RuntimeError, ValueError):  # the connection has just gone, which on_disconnect is about to say
        time.sleep(POLL_SECONDS)
        return False


def _paho() -> Any:
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise MissingExtra(
            "mqtt needs paho-mqtt 2, which is not installed", hint="pip install 'edgeface[mqtt]'"
        ) from error
    return Client(CallbackAPIVersion.VERSION2)

"""A broker on this machine, and a client that sees all that is published."""

import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

from edgeface.core.types import AnyEvent
from edgeface.drivers.sinks.choose import Surroundings, open_sink
from edgeface.drivers.sinks.mqtt import Mqtt
from edgeface.sink_settings import MqttSinkSettings

PATIENCE = 20.0


class Mosquitto:
    """A broker on a port of its own."""

    def __init__(self, folder: Path, *lines: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.config = folder / "mosquitto.conf"
        user = ["user root"] if os.geteuid() == 0 else []
        self.config.write_text("\n".join([f"listener {self.port} 127.0.0.1", "log_type none", *user, *lines, ""]))
        self.process = None

    def start(self) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        self.process = subprocess.Popen(
            [program, "-c", self.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert wait_until(self.listens)

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:  # it listens before it heeds signals
                self.process.kill()
                self.process.wait()
            self.process = None


class Observer:
    """Sees everything that is published, as any other client of the broker does."""

    def __init__(self, broker: Mosquitto) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.messages, self.lock, subscribed = [], threading.Lock(), threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._keep
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        self.client.subscribe("#", 1)
        assert subscribed.wait(PATIENCE)

    def _keep(self, _client, _data, message) -> None:
        with self.lock:
            self.messages.append((message.topic, message.payload.decode(), message.retain))

    def seen(self, topic: str) -> list[str]:
        with self.lock:
            return [payload for its, payload, _ in self.messages if its == topic]

    def sees(self, topic: str, payload: str) -> bool:
        return wait_until(lambda: self.seen(topic)[-1:] == [payload])

    def __enter__(self) -> "Observer":
        return self

    def __exit__(self, *_: object) -> None:
        thread = self.client._thread  # loop_stop stumbles when it ends meanwhile
        self.client.disconnect()
        thread.join(PATIENCE)


def wait_until(true) -> bool:
    end = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(true())


def retained(broker: Mosquitto) -> dict[str, str]:
    """What a client that connects now is told first."""
    with Observer(broker) as observer:
        observer.client.publish("mark", "x", qos=1).wait_for_publish(PATIENCE)
        assert observer.sees("mark", "x")
        return {topic: payload for topic, payload, kept in observer.messages if kept}


def opened(broker: Mosquitto, *people: str, trial: bool = False, cameras: tuple[str, ...] = (), **options) -> Mqtt:
    options = {"timeout_seconds": PATIENCE, "port": broker.port} | options
    settings = MqttSinkSettings(host="127.0.0.1", **options)
    sink = open_sink(settings, Surroundings({}, people, trial=trial, cameras=cameras))
    assert isinstance(sink, Mqtt)
    return sink


def tell(sink: Mqtt, event: AnyEvent) -> None:
    """Tell of one event as an outbox does: it is noted at once, and then delivered."""
    sink.note(event)
    sink.emit(event)

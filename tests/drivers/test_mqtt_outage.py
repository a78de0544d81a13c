"""What happens while the broker is away waits for it, within a bound, and no past state is shown as the present one."""

import json
from contextlib import closing

import pytest

from edgeface.core.types import CameraEvent, Event
from edgeface.drivers.sinks.home_assistant import Topics
from edgeface.drivers.sinks.mqtt import Mqtt
from edgeface.drivers.sinks.outbox import Outbox
from edgeface.errors import SinkError
from tests.drivers.mosquitto import PATIENCE, Mosquitto, Observer, opened, retained, wait_until

TOPICS = Topics("edgeface")


def visit(track: int) -> list[Event]:
    """Somebody's arrival and departure, each with a time of its own."""
    return [Event(kind, "ada", float(track), 0.5, track) for kind in ("arrived", "left")]


def tracks(observer: Observer) -> list[tuple[str, int]]:
    told = map(json.loads, observer.seen("edgeface/event"))
    return [(event["kind"], event["track"]) for event in told]


def away(broker: Mosquitto, sink: Mqtt) -> None:
    assert sink._connected.wait(PATIENCE)
    broker.stop()
    assert wait_until(lambda: not sink._connected.is_set())


def test_events_of_an_outage_are_delivered_after_it_in_their_order(broker) -> None:
    sink = opened(broker, "ada", timeout_seconds=0.2)
    away(broker, sink)
    outbox = Outbox(sink, name="mqtt")
    events = [event for track in range(3) for event in visit(track)]
    for event in events:
        outbox.emit(event)
    assert wait_until(lambda: sink._problem == "cannot be reached")  # many times as long as one event's own patience
    broker.start()
    with Observer(broker) as observer, closing(outbox):
        assert wait_until(lambda: outbox.tally.delivered == len(events))
        assert outbox.tally.lost == 0
        expected, told = [(event.kind, event.track) for event in events], tracks(observer)
        assert told == expected[len(expected) - len(told) :]  # the first may be told before anybody listens


def test_of_more_events_than_may_wait_the_newest_are_delivered_and_the_others_counted(broker) -> None:
    sink = opened(broker, "ada")
    away(broker, sink)
    outbox = Outbox(sink, name="mqtt", queue_size=2)
    for track in range(5):
        for event in visit(track):
            outbox.emit(event)
    dropped = outbox.tally.dropped
    assert dropped in (7, 8)  # one may be in the hands of the sink already
    broker.start()
    with closing(outbox):
        assert wait_until(lambda: outbox.tally.delivered == 10 - dropped)


def test_states_are_those_of_now_however_many_events_wait(broker) -> None:
    sink = opened(broker, "ada", "bob")
    away(broker, sink)
    outbox = Outbox(sink, name="mqtt")
    outbox.emit(CameraEvent("faulty", "lost", "", "0", 1.0))
    for event in [*visit(1), *visit(2), Event("arrived", "bob", 3.0, 0.5, 3)]:
        outbox.emit(event)
    outbox.emit(CameraEvent("ok", None, "", "0", 4.0))
    broker.start()
    with closing(outbox), Observer(broker) as observer:
        assert wait_until(lambda: outbox.tally.delivered == 7)
        states = [(topic, payload) for topic, payload, _ in list(observer.messages) if topic != "edgeface/event"]
        assert (TOPICS.presence("ada"), "ON") not in states
        assert (TOPICS.presence("bob"), "OFF") not in states
        assert (TOPICS.camera, "OFF") not in states
        kept = retained(broker)
        found = [kept[topic] for topic in (TOPICS.presence("ada"), TOPICS.presence("bob"), TOPICS.camera)]
        assert found == ["OFF", "ON", "ON"]
        assert kept[TOPICS.config]


def test_an_outage_is_told_once_and_its_end_too(broker, caplog) -> None:
    sink = opened(broker)
    away(broker, sink)
    assert wait_until(lambda: sink._problem == "cannot be reached")
    broker.start()
    assert wait_until(lambda: "is back" in caplog.text)
    sink.close()
    assert [record.message.split(f":{broker.port} ")[1] for record in caplog.records] == [
        "has closed the connection: events wait for it",
        "is back",
    ]


def test_who_waits_for_a_broker_is_let_go_when_the_sink_is_closed(tmp_path) -> None:
    pytest.importorskip("paho.mqtt.client", reason="paho-mqtt belongs to the mqtt extra")
    sink = opened(Mosquitto(tmp_path))
    outbox = Outbox(sink, name="mqtt")
    outbox.emit(visit(1)[0])
    outbox.close(0.1)
    assert (outbox.tally.dropped, outbox.tally.failed) == (1, 0)
    assert not any(thread.is_alive() for thread in outbox._threads)
    with pytest.raises(SinkError, match="cannot be reached"):
        sink.emit(visit(1)[0])

"""A connection that dies in silence costs no event, and a broker that dislikes one event holds up no other."""

import time
from collections.abc import Iterator
from contextlib import closing
from threading import Event as Flag
from threading import Timer

import pytest

from edgeface.core.types import Event
from edgeface.drivers.sinks import mqtt
from edgeface.drivers.sinks.outbox import Outbox, Tally
from tests.drivers.mosquitto import PATIENCE, Mosquitto, Observer, opened, tell, wait_until
from tests.drivers.mqtt_link import Link


@pytest.fixture
def link(broker: Mosquitto) -> Iterator[Link]:
    """A way to the broker that can be disturbed."""
    link = Link(broker.port)
    yield link
    link.close()


def arrival(track: int) -> Event:
    return Event("arrived", None, float(track), 0.1, track)


@pytest.mark.parametrize("timeout_seconds", [0.1, 300.0])
def test_a_broker_that_vanishes_without_a_word_costs_no_event(broker, link, monkeypatch, timeout_seconds) -> None:
    """No event fails before the loss is noticed, and none waits any longer once there is another connection."""
    monkeypatch.setattr(mqtt, "KEEPALIVE_SECONDS", 1)
    sink = opened(broker, port=link.port, timeout_seconds=timeout_seconds)
    outbox = Outbox(sink, name="mqtt")
    with Observer(broker) as observer, closing(outbox):
        outbox.emit(arrival(1))
        assert wait_until(lambda: outbox.tally.delivered == 1)
        link.vanish()
        for track in (2, 3):
            outbox.emit(arrival(track))
        assert wait_until(lambda: outbox.tally == Tally(delivered=3) or outbox.tally.lost)
        assert outbox.tally == Tally(delivered=3)
        assert len(observer.seen("edgeface/event")) == 3


def test_an_event_that_the_broker_answers_by_disconnecting_is_given_up_and_holds_up_no_other(
    broker, link, caplog
) -> None:
    link.disliked = b'"track": 7'
    sink = opened(broker, port=link.port)
    outbox = Outbox(sink, name="mqtt")
    with closing(outbox):
        for track in (7, 8):
            outbox.emit(arrival(track))
        assert wait_until(lambda: outbox.tally == Tally(delivered=1, failed=1))
    told = [record.getMessage().split(f":{link.port} ")[-1] for record in caplog.records]
    assert told[0] == "has closed the connection: events wait for it"
    assert told[1].startswith("has closed 3 connections without confirming an event")
    assert told[2:] == ["is back", "sink mqtt: 1 of 2 events were lost"]


class FlappingFlag(Flag):
    """Is gone for a moment just when somebody has waited for it."""

    flapped = False

    def wait(self, timeout: float | None = None) -> bool:
        came = super().wait(timeout)
        if came and not self.flapped:
            self.flapped = True
            self.clear()
            Timer(0.1, self.set).start()
        return came


def test_a_connection_that_comes_and_goes_loses_no_event(broker) -> None:
    sink = opened(broker)
    assert sink._connected.wait(PATIENCE)
    flag = FlappingFlag()
    flag.set()
    sink._connected = flag
    with Observer(broker) as observer, closing(sink):
        sink.emit(arrival(1))
        assert flag.flapped
        assert wait_until(lambda: observer.seen("edgeface/event"))


def test_a_broker_that_is_silent_keeps_no_trial_waiting(broker, link) -> None:
    sink = opened(broker, trial=True, port=link.port, timeout_seconds=0.3)
    assert sink._connected.wait(PATIENCE)
    link.vanish()
    begin = time.monotonic()
    with closing(sink), pytest.raises(mqtt.SinkError, match="does not confirm an event"):
        tell(sink, arrival(1))
    assert time.monotonic() - begin < PATIENCE

"""What is published last is how things are, and whom Home Assistant has not been told of it is told of."""

from contextlib import closing
from threading import Event as Flag
from threading import get_ident

from edgeface.core.types import Event
from edgeface.drivers.sinks.home_assistant import Topics, slug
from tests.drivers.mosquitto import PATIENCE, Observer, opened, retained, tell

TOPICS = Topics("edgeface")


def test_what_is_published_for_a_starting_home_assistant_overtakes_no_newer_state(broker) -> None:
    sink = opened(broker, "ada")
    tell(sink, Event("arrived", "ada", 1.0, 0.5, 1))
    publish, main, begun, overtaken = sink._client.publish, get_ident(), Flag(), Flag()

    def slow(topic: str, payload: str, **options):
        if get_ident() != main and topic == TOPICS.availability:
            begun.set()
            overtaken.wait(0.5)  # the states that follow were copied before, and now somebody leaves
        sent = publish(topic, payload, **options)
        if get_ident() == main and topic == TOPICS.presence("ada"):
            overtaken.set()
        return sent

    sink._client.publish = slow
    with closing(sink), Observer(broker) as observer:
        observer.client.publish("homeassistant/status", "online", qos=1)
        assert begun.wait(PATIENCE)
        tell(sink, Event("left", "ada", 2.0, 0.5, 1))
        assert overtaken.is_set()
    assert retained(broker)[TOPICS.presence("ada")] == "OFF"


def test_whoever_arrives_while_the_broker_repeats_the_last_discovery_message_is_told_of(broker) -> None:
    sink = opened(broker, "ada")
    swept, on_message = Flag(), sink._client.on_message

    def observed(client, userdata, message) -> None:
        on_message(client, userdata, message)
        if message.retain:
            swept.set()

    sink._client.on_message = observed
    zoe = Event("arrived", "Zoë", 1.0, 0.5, 1)
    with closing(sink):
        tell(sink, Event("arrived", "ada", 1.0, 0.5, 1))
        sink.note(zoe)
        sink._client.subscribe(TOPICS.config, 1)  # the broker repeats it, as it does for each new connection
        assert swept.wait(PATIENCE)
        sink.emit(zoe)
        assert slug("Zoë") in retained(broker)[TOPICS.config]

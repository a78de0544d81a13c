"""A slow or dead sink delays nobody, and what it loses is counted and told a few times, not each time."""

import logging
import threading

import pytest

from edgeface.core.types import CameraEvent, Event, NoFaceEvent
from edgeface.drivers.sinks.chosen import Chosen
from edgeface.drivers.sinks.outbox import Outbox, Outboxes, Tally
from edgeface.errors import SinkError
from tests.fakes import ListSink

PATIENCE = 10.0
"""Seconds after which a test gives up; none passes or fails by the time it takes."""


def event(track: int) -> Event:
    return Event("arrived", "Ada", 0.0, 0.5, track)


class StuckSink(ListSink):
    """Holds every event until it is let go or closed."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.free = threading.Semaphore(0), threading.Event()

    def emit(self, event: Event) -> None:
        self.reached.release()
        self.free.wait()
        super().emit(event)

    def close(self) -> None:
        super().close()
        self.free.set()


class RefusingSink(ListSink):
    """Raises for the first so many events."""

    def __init__(self, failure: Exception, times: int) -> None:
        super().__init__()
        self.failure, self.times = failure, times

    def emit(self, event: Event) -> None:
        if self.times:
            self.times -= 1
            raise self.failure
        super().emit(event)


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_everything_is_delivered_in_order_before_it_is_closed(caplog) -> None:
    sink = ListSink()
    outbox = Outbox(sink, name="list")
    for track in range(100):
        outbox.emit(event(track))
    outbox.close(PATIENCE)
    assert [kept.track for kept in sink.events] == list(range(100))
    assert (sink.closed, outbox.tally, messages(caplog)) == (True, Tally(delivered=100), [])


def test_the_newest_events_survive_a_full_queue() -> None:
    sink = StuckSink()
    outbox = Outbox(sink, name="stuck", queue_size=3)
    outbox.emit(event(0))
    assert sink.reached.acquire(timeout=PATIENCE)
    for track in range(1, 11):
        outbox.emit(event(track))
    sink.free.set()
    outbox.close(PATIENCE)
    assert [kept.track for kept in sink.events] == [0, 8, 9, 10]
    assert outbox.tally == Tally(delivered=4, dropped=7)


def test_a_stuck_sink_does_not_keep_the_end_waiting(caplog) -> None:
    sink = StuckSink()
    outbox = Outbox(sink, name="stuck")
    outbox.emit(event(1))
    outbox.emit(event(2))
    assert sink.reached.acquire(timeout=PATIENCE)
    outbox.close(0.0)
    assert sink.closed
    assert outbox.tally == Tally(dropped=2)
    assert messages(caplog)[-1] == "sink stuck: 2 of 2 events were lost"


def test_a_dead_sink_leaves_the_others_alone() -> None:
    sinks = [RefusingSink(SinkError("dead"), 5), StuckSink(), ListSink()]
    outboxes = Outboxes([Outbox(sink, name="x") for sink in sinks], drain_seconds=0.05)
    with outboxes:
        for track in range(5):
            outboxes.emit(event(track))
        assert sinks[1].reached.acquire(timeout=PATIENCE)
        outboxes.outboxes[2].close(PATIENCE)
    assert [kept.track for kept in sinks[2].events] == list(range(5))
    assert [outbox.tally.delivered for outbox in outboxes.outboxes] == [0, 0, 5]
    assert all(sink.closed for sink in sinks)


@pytest.mark.parametrize(
    ("failure", "told"),
    [(SinkError("no route", hint="plug it in"), "no route (plug it in)"), (KeyError("oops"), "KeyError: 'oops'")],
)
def test_a_failing_sink_is_told_a_few_times_only_and_used_again(caplog, failure, told) -> None:
    sink = RefusingSink(failure, 150)
    outbox = Outbox(sink, name="webhook", queue_size=1000)
    for track in range(160):
        outbox.emit(event(track))
    outbox.close(PATIENCE)
    assert len(sink.events) == 10
    assert outbox.tally == Tally(delivered=10, failed=150)
    assert messages(caplog) == [
        f"sink webhook: 1 event lost: {told}",
        f"sink webhook: 10 events lost: {told}",
        f"sink webhook: 100 events lost: {told}",
        "sink webhook: 150 of 160 events were lost",
    ]


def test_a_mistake_in_what_a_sink_notes_is_told_once_and_ends_there(caplog) -> None:
    class Forgetful(ListSink):
        def note(self, event: Event) -> None:
            raise KeyError("oops")

    sink = Forgetful()
    outbox = Outbox(sink, name="mqtt")
    for track in (1, 2):
        outbox.emit(event(track))
    outbox.close(PATIENCE)
    assert [kept.track for kept in sink.events] == [1, 2]
    assert messages(caplog) == ["sink mqtt cannot note an event: KeyError: 'oops'"]


def test_as_many_events_at_once_as_there_are_workers() -> None:
    sink = StuckSink()
    outbox = Outbox(sink, name="parallel", workers=3)
    for track in range(4):
        outbox.emit(event(track))
    assert all(sink.reached.acquire(timeout=PATIENCE) for _ in range(3))
    assert not sink.reached.acquire(blocking=False)
    sink.free.set()
    outbox.close(PATIENCE)
    assert {kept.track for kept in sink.events} == {0, 1, 2, 3}


def test_a_sink_that_cannot_be_closed_is_told(caplog) -> None:
    class Unclosable(ListSink):
        def close(self) -> None:
            raise SinkError("it clings")

    Outbox(Unclosable(), name="glue").close(PATIENCE)
    assert messages(caplog) == ["sink glue does not close: it clings"]


def test_closing_twice_and_late_events_do_no_harm() -> None:
    sink = ListSink()
    outbox = Outbox(sink, name="list")
    assert repr(outbox) == "Outbox(list, open)"
    outbox.close(PATIENCE)
    outbox.close(PATIENCE)
    outbox.emit(event(1))
    assert (repr(outbox), sink.events, outbox.tally) == ("Outbox(list, closed)", [], Tally(dropped=1))


def test_a_sink_is_told_of_the_kinds_it_asks_for_and_of_faceless_motion_only_then() -> None:
    camera, faceless = CameraEvent("ok", None, "", "0", 0.0), NoFaceEvent(0.0, 10.0)
    for options, told in (({}, [event(1), camera]), ({"kinds": ("arrived", "no_face")}, [event(1), faceless])):
        sink = ListSink()
        outbox = Outbox(sink, name="list", **options)
        for one in (event(1), camera, faceless):
            outbox.emit(one)
        outbox.close(PATIENCE)
        assert sink.events == told
        assert outbox.tally == Tally(delivered=2)


def test_standard_output_too_is_told_of_the_kinds_it_asks_for() -> None:
    sink = ListSink()
    chosen = Chosen(sink, ("left", "no_face"))
    for one in (event(1), NoFaceEvent(0.0, 10.0)):
        chosen.emit(one)
    chosen.close()
    assert (sink.events, sink.closed) == ([NoFaceEvent(0.0, 10.0)], True)

"""Deliver events in the background, so that a slow or dead sink never delays who emits them."""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Condition, Thread

from edgeface.core.protocols import NotingSink, Sink
from edgeface.core.types import AnyEvent
from edgeface.drivers.closing import Closing
from edgeface.errors import EdgefaceError
from edgeface.sink_settings import KINDS

DRAIN_SECONDS = 5.0
"""What is queued when a run ends may take so long, all sinks together."""

ABANDON_SECONDS = 1.0
"""A worker whose sink has been closed under it may take so long to end."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tally:
    """How the events of one outbox have fared."""

    delivered: int = 0
    failed: int = 0
    """The sink refused them or could not deliver them."""
    dropped: int = 0
    """Too many were waiting, or time ran out at the end."""

    @property
    def lost(self) -> int:
        """Events that never arrived."""
        return self.failed + self.dropped


class Outbox:
    """A `Sink` that queues events for another sink and returns at once.

    Each of `workers` threads delivers one event at a time; with one, events arrive in their order. When
    `queue_size` events wait, the oldest is dropped for the new one, as the newest says who is here now.
    What the sink raises is counted and logged, for the first lost event, the tenth, the hundredth ...
    Events of other kinds than `kinds` are not for this sink, and not counted. A `NotingSink` notes each at once.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        name: str,
        queue_size: int = 256,
        workers: int = 1,
        kinds: Collection[str] = KINDS,
    ) -> None:
        self.name = name
        self._kinds = frozenset(kinds)
        self._sink = sink
        self._queue: deque[AnyEvent] = deque()
        self._queue_size = queue_size
        self._changed = Condition()
        self._busy = 0
        self._tally = Tally()
        self._unnoted = ""
        """Why the sink could not note an event, as told last."""
        self._draining = self._abandoned = self._closed = False
        self._threads = [Thread(target=self._work, name=f"sink {name}", daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def __repr__(self) -> str:
        return f"Outbox({self.name}, {'closed' if self._closed else 'open'})"

    @property
    def tally(self) -> Tally:
        """How its events have fared so far."""
        with self._changed:
            return self._tally

    @property
    def waiting(self) -> int:
        """How many events are queued."""
        return len(self._queue)

    def emit(self, event: AnyEvent) -> None:
        """Queue one event."""
        if event.kind not in self._kinds:
            return
        if isinstance(self._sink, NotingSink):
            self._note(self._sink, event)
        with self._changed:
            if self._draining:
                self._count_dropped(1, "it is closed")
                return
            if len(self._queue) >= self._queue_size:
                self._queue.popleft()
                self._count_dropped(1, f"{self._queue_size} events wait already")
            self._queue.append(event)
            self._changed.notify()

    def end(self) -> None:
        """Take no more events and let the workers end when the queue is empty; return at once."""
        with self._changed:
            self._draining = True
            self._changed.notify_all()

    def close(self, seconds: float = DRAIN_SECONDS) -> None:
        """Deliver what waits, for so long at most, then close the sink. A second call does nothing."""
        self.end()
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.wait_for(lambda: not self._queue and not self._busy, max(seconds, 0))
            self._abandoned = True
            left = len(self._queue) + self._busy
            self._queue.clear()
            if left:
                self._count_dropped(left, "time ran out at the end")
            lost, tally = self._tally.lost, self._tally
        problem = problem_of(self._sink.close)
        if problem:
            log.warning("sink %s does not close: %s", self.name, problem)
        for thread in self._threads:
            thread.join(ABANDON_SECONDS)
        if lost:
            log.warning("sink %s: %d of %d events were lost", self.name, lost, lost + tally.delivered)

    def _note(self, sink: NotingSink, event: AnyEvent) -> None:
        """Let the sink note an event, and say why it cannot, once."""
        problem = problem_of(partial(sink.note, event))
        if problem and problem != self._unnoted:
            self._unnoted = problem
            log.warning("sink %s cannot note an event: %s", self.name, problem)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._draining)
                if not self._queue:
                    return
                event = self._queue.popleft()
                self._busy += 1
            problem = problem_of(partial(self._sink.emit, event))
            with self._changed:
                self._busy -= 1
                if not self._abandoned:
                    self._count(problem)
                self._changed.notify_all()

    def _count(self, problem: str | None) -> None:
        if problem is None:
            self._tally = replace(self._tally, delivered=self._tally.delivered + 1)
        else:
            self._tally = replace(self._tally, failed=self._tally.failed + 1)
            self._tell(problem)

    def _count_dropped(self, number: int, problem: str) -> None:
        for _ in range(number):
            self._tally = replace(self._tally, dropped=self._tally.dropped + 1)
            self._tell(problem)

    def _tell(self, problem: str) -> None:
        lost = self._tally.lost
        if str(lost).strip("0") == "1":
            log.warning("sink %s: %d event%s lost: %s", self.name, lost, "s" * (lost != 1), problem)


class Outboxes(Closing):
    """The outboxes of a run as one `Sink`, which drains them side by side when it is closed."""

    def __init__(self, outboxes: Sequence[Outbox] = (), *, drain_seconds: float = DRAIN_SECONDS) -> None:
        self.outboxes = tuple(outboxes)
        self._drain_seconds = drain_seconds

    def emit(self, event: AnyEvent) -> None:
        """Queue one event for every sink."""
        for outbox in self.outboxes:
            outbox.emit(event)

    def close(self) -> None:
        """Drain and close all outboxes within a bound. A second call does nothing."""
        deadline = time.monotonic() + self._drain_seconds
        for outbox in self.outboxes:
            outbox.end()
        for outbox in self.outboxes:
            outbox.close(deadline - time.monotonic())


def problem_of(action: Callable[[], None]) -> str | None:
    """Do something with a sink and return why it failed, if it did: whatever it raises stays here."""
    try:
        action()
    except EdgefaceError as error:
        return f"{error.message} ({error.hint})" if error.hint else error.message
    except Exception as error:
        log.debug("a sink fails", exc_info=True)
        return f"{type(error).__name__}: {error}"
    return None

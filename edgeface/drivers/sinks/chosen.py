"""Pass on events of some kinds only."""

from collections.abc import Collection

from edgeface.core.protocols import Sink
from edgeface.core.types import AnyEvent


class Chosen:
    """A `Sink` that hands events of the given kinds to another one, and drops the others."""

    def __init__(self, sink: Sink, kinds: Collection[str]) -> None:
        self._sink, self._kinds = sink, frozenset(kinds)

    def emit(self, event: AnyEvent) -> None:
        """Hand one event on if it is of such a kind."""
        if event.kind in self._kinds:
            self._sink.emit(event)

    def close(self) -> None:
        """Close the other sink."""
        self._sink.close()

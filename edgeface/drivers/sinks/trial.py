"""Send one marked event through each sink, and tell what came of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from edgeface.core.types import Event
from edgeface.drivers.sinks.choose import Surroundings, name_of, open_sink
from edgeface.errors import EdgefaceError
from edgeface.sink_settings import SinkSettings

NAME = "edgeface test"
"""Who arrives in a trial."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a sink fared."""

    sink: str
    problem: str | None
    """None: it took the event."""
    hint: str = ""


def try_sinks(all_settings: Sequence[SinkSettings], around: Surroundings, at: float) -> Iterator[Trial]:
    """Open, use and close each sink in turn; what one refuses is no reason to leave out the next."""
    event = Event("arrived", NAME, at, 1.0, 0, test=True)
    for settings in all_settings:
        name = name_of(settings)
        try:
            sink = open_sink(settings, replace(around, trial=True))
            try:
                sink.emit(event)
            finally:
                sink.close()
        except EdgefaceError as error:
            yield Trial(name, error.message, error.hint)
        else:
            yield Trial(name, None)

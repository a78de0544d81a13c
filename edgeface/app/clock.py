"""Keep the time of frames steady when the system's clock is set, and date events by the clock all the same."""

from collections.abc import Callable

JUMP_SECONDS = 1.0
"""What differs by less between two checks is a clock that is being slewed."""


class SteadyClock:
    """Seconds that begin as those of the Unix epoch and then follow a monotonic clock.

    A Raspberry Pi has no battery-backed clock: it may be set by years when the network comes. Nobody has left then.
    """

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._start = wall() - monotonic()
        self._correction = 0.0

    def __call__(self) -> float:
        """Return steady seconds."""
        return self._monotonic() + self._start

    def date(self, seconds: float) -> float:
        """Return steady seconds as seconds of the system's clock as it was set last."""
        return seconds + self._correction

    def jumped(self) -> float | None:
        """Follow the system's clock; return by how many seconds it was set since the last call, if it was."""
        drift = self._wall() - self.date(self())
        self._correction += drift
        return drift if abs(drift) >= JUMP_SECONDS else None

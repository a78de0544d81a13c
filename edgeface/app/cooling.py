"""Read now and then how hot the board is, and tell when the loop is slowed for it."""

from collections.abc import Callable

from edgeface.core.governor import Governor, Heat
from edgeface.core.types import ThermalEvent

CHECK_SECONDS = 5.0


class Cooling:
    """Governs the pace of a loop that calls `check` as it goes round; `now` gives steady seconds."""

    def __init__(
        self,
        read: Callable[[], Heat],
        governor: Governor,
        now: Callable[[], float],
        tell: Callable[[ThermalEvent], None],
    ) -> None:
        self._read, self._governor, self._now, self._tell = read, governor, now, tell
        self._due_seconds = float("-inf")
        self.note = ""
        """One line for people while the loop is slowed."""

    @property
    def period_seconds(self) -> float:
        """How far apart frames are to be; 0: as they come."""
        return self._governor.period_seconds

    def check(self) -> None:
        """Read the heat when that is due."""
        now = self._now()
        if now < self._due_seconds:
            return
        self._due_seconds = now + CHECK_SECONDS
        event = self._governor.update(self._read(), now)
        if event is not None:
            self.note = f"slowed, {event.detail}" if event.state == "slowed" else ""
            self._tell(event)

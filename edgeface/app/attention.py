"""Choose the frames of a live camera that are searched for faces, and tell of motion in which none is found."""

from collections.abc import Callable

from edgeface.core.duty import Duty
from edgeface.core.faceless import Faceless
from edgeface.core.presence import Presence
from edgeface.core.types import Frame, NoFaceEvent


class Attention:
    """A duty, and what is to be told of frames in which it found nobody."""

    def __init__(self, duty: Duty, faceless: Faceless) -> None:
        self._duty, self._faceless = duty, faceless

    @property
    def period_seconds(self) -> float:
        """How far apart the next frames may be; 0: as they come."""
        return self._duty.period_seconds

    def attend(self, frame: Frame, presence: Presence, examine: Callable[[Frame], bool]) -> list[NoFaceEvent]:
        """Let a frame be examined if it is worth it; `examine` tells whether there was a face. Return what to tell."""
        found = False
        if self._duty.wants(frame, occupied=presence.occupied):
            found = examine(frame)
            self._duty.searched(frame, found=found)
        event = self._faceless.update(frame.seconds, moves=self._duty.stir.moves, seen=found or presence.occupied)
        return [event] if event else []

"""Notice that somebody moves about for long without showing a face."""

from edgeface.core.types import NoFaceEvent

PAUSE_SECONDS = 3.0
"""A shorter rest does not interrupt what moves."""


class Faceless:
    """Tells once of motion that has lasted for `lasting_seconds` while no face was found and nobody was here.

    It is told again only after nothing has moved for `PAUSE_SECONDS`, or after a face. A branch in the wind and a
    light are not told, as far as they become normal to `edgeface.core.motion`; an animal is.
    """

    def __init__(self, lasting_seconds: float = 10.0) -> None:
        self._lasting_seconds = lasting_seconds
        self._first: float | None = None
        self._last = 0.0
        self._told = False

    def update(self, seconds: float, *, moves: bool, seen: bool) -> NoFaceEvent | None:
        """Take in one frame: whether something moves, and whether there is a face or somebody is here."""
        paused = self._first is not None and not 0 <= seconds - self._last <= PAUSE_SECONDS
        if seen or paused:
            self._first, self._told = None, False
        if seen or not moves:
            return None
        self._first, self._last = seconds if self._first is None else self._first, seconds
        lasted = seconds - self._first
        if self._told or lasted < self._lasting_seconds:
            return None
        self._told = True
        return NoFaceEvent(seconds, lasted)

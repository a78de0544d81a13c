"""What all cameras share: a name, a context, and an end."""

from abc import abstractmethod
from collections.abc import Iterator

from edgeface.core.types import Frame
from edgeface.drivers.closing import Closing


class Source(Closing):
    """A `Camera` that is open from its construction until `close`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    @property
    @abstractmethod
    def fps(self) -> float | None:
        """Frames per second as the source declares them; None when it does not know."""

    @abstractmethod
    def frames(self) -> Iterator[Frame]:
        """Yield RGB frames until the source ends or is closed. Raise CameraError when it fails."""

    def pace(self, period_seconds: float) -> None:
        """Hear how far apart frames will be asked for; 0: as they come. Most sources need not know."""

    @abstractmethod
    def _release(self) -> None:
        """Let go of the hardware or file. Called once."""

    def close(self) -> None:
        """Release the source. A second call does nothing."""
        if not self.closed:
            self.closed = True
            self._release()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {'closed' if self.closed else 'open'})"

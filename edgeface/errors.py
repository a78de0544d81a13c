"""Every way edgeface refuses, as one tree; each branch has an exit code that scripts and systemd may rely on.

```
EdgefaceError        1
├── ConfigError      2   (also a ValueError)    a setting, option or recipe is wrong
├── HardwareError    3   (also an OSError)
│   ├── CameraError                             a source of frames does not open, stalls or ends
│   └── SinkError                               an event cannot be delivered
├── ModelError       4                          a bundle, its card or a detector's weights are unusable
│   ├── CardMismatch                            a file is not the one that its card describes
│   ├── SignatureError                          a bundle is not signed by a key that is trusted
│   └── EmbeddingMismatch                       vectors of two models were about to be compared
├── EnrollmentError  5                          a photo is refused, with the reason
│   ├── NoFaceFound
│   ├── SeveralFacesFound
│   ├── PoorPhoto                               unreadable, too small, dark, blurred, turned away
│   └── LooksLikeAnother                        the face resembles somebody who is enrolled already
├── MissingExtra     6   (also an ImportError)  an optional package is not installed
├── StoreError       7                          the gallery or a file of people cannot be opened, read or written
│   ├── GalleryDamaged                          its content is not what edgeface has written
│   └── MasterKeyError                          the key of an encrypted gallery is missing, exposed or another one
├── TrainingError    8                          training, export or a comparison stops with advice
│   ├── Collapse                                the embedding has shrunk to one point
│   └── FellBehind                              a model is worse than an earlier one was
└── ControlError     9                          a running daemon cannot be reached, or refuses
    ├── NoDaemon                                none listens at the control socket
    └── CallerGone                              who asked the daemon does not wait for the answer
```
"""

from collections.abc import Iterable

LONGEST_LINE = 1000
"""Characters of a message or a hint; what is longer is cut."""


class EdgefaceError(Exception):
    """What went wrong (lower case, no full stop, names the thing and its value) and what to do next.

    Both are one line that a terminal shows as it is: what a hostile file may have put in it is escaped or cut.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", details: Iterable[str] = ()) -> None:
        self.message = one_line(message)
        self.hint = one_line(hint)
        self.details = tuple(map(one_line, details))
        """What is wrong with each of several things, a line each."""
        super().__init__(self.message)

    def __str__(self) -> str:
        return "\n  ".join([self.message, *self.details])


def one_line(text: str) -> str:
    """Return text with what is not printable escaped, line ends and terminal codes included, and its end cut off."""
    shown = text[: LONGEST_LINE + 1]
    if not shown.isprintable():
        shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in shown)
    return shown if len(shown) <= LONGEST_LINE else f"{shown[: LONGEST_LINE - 1]}…"


class ConfigError(EdgefaceError, ValueError):
    """A setting, an option or a recipe is wrong."""

    exit_code = 2


class HardwareError(EdgefaceError, OSError):
    """A device is missing, busy or failing."""

    exit_code = 3


class CameraError(HardwareError):
    """A source of frames does not open, stalls or ends."""


class SinkError(HardwareError):
    """An event cannot be delivered."""


class ModelError(EdgefaceError):
    """A bundle, its card or a detector's weights are unusable."""

    exit_code = 4


class CardMismatch(ModelError):
    """A file is not the one that its card describes."""


class SignatureError(ModelError):
    """A bundle is not the one that was signed, or not signed by a key that is trusted."""


class EmbeddingMismatch(ModelError):
    """Vectors of two models were about to be compared."""


class EnrollmentError(EdgefaceError):
    """A photo is refused, with the reason."""

    exit_code = 5


class NoFaceFound(EnrollmentError):
    """No face is in the picture."""


class SeveralFacesFound(EnrollmentError):
    """More than one face is in the picture."""


class PoorPhoto(EnrollmentError):
    """The picture or the face in it is unreadable, too small, too dark, too blurred or turned away."""


class LooksLikeAnother(EnrollmentError):
    """The face resembles somebody who is enrolled already; `scores` says how much, for those who may know."""

    def __init__(self, message: str, *, hint: str = "", scores: str = "") -> None:
        super().__init__(f"{message} ({scores})" if scores else message, hint=hint)
        self.without_scores = message


class MissingExtra(EdgefaceError, ImportError):
    """An optional package is not installed."""

    exit_code = 6


class StoreError(EdgefaceError):
    """The gallery or a file of people cannot be opened, read or written."""

    exit_code = 7


class GalleryDamaged(StoreError):
    """The gallery's content is not what edgeface has written."""


class MasterKeyError(StoreError):
    """The master key of an encrypted gallery is missing, readable by others, or not the gallery's."""


class TrainingError(EdgefaceError):
    """Training, export or a comparison stops, with advice."""

    exit_code = 8


class Collapse(TrainingError):
    """The embedding has shrunk to one point."""


class FellBehind(TrainingError):
    """A model is worse than an earlier one was, by more than is allowed."""


class ControlError(EdgefaceError):
    """A running daemon cannot be reached, or refuses what it is asked."""

    exit_code = 9


class NoDaemon(ControlError):
    """No daemon listens at the control socket."""


class CallerGone(ControlError):
    """Who asked the daemon does not wait for the answer."""

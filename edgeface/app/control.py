"""Answer what is asked of a running daemon, each caller as far as they may know."""

import base64
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Protocol

from edgeface.app.asks import (
    FOR_EVERYBODY,
    AskEnroll,
    AskForget,
    AskList,
    AskReload,
    AskSnapshot,
    AskStatus,
    read_ask,
)
from edgeface.app.enroll import Enroller, describe_enrolled
from edgeface.app.status import Status, describe
from edgeface.app.window import Window
from edgeface.core.names import clean_name
from edgeface.core.types import Frame, Identity, Image, Right
from edgeface.errors import CameraError, ConfigError, ControlError, LooksLikeAnother

SECONDS = (0.1, 600.0)
"""How long an enrolment may look."""

GAPS = 20
"""So many gaps in a row, of a quarter of a second each, and there is no picture to take."""


class Caller(Protocol):
    """Who has made a request and waits for the answer."""

    right: Right
    who: str

    def tell(self, text: str) -> None:
        """Say how it goes. Raise CallerGone when nobody listens."""
        ...

    def check(self) -> None:
        """Raise CallerGone when nobody waits any more."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody enrolled."""

    name: str
    looks: int
    enrolled: float
    """Seconds since the Unix epoch, UTC."""
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """What an enrolment needs, open until it is done."""

    enroller: Enroller
    looks_of: Callable[[Identity], int]


class Powers(Protocol):
    """What the daemon can do; every method may be called by several threads, and raise EdgefaceError."""

    def status(self) -> Status:
        """Return how it is."""
        ...

    def gallery(self) -> str:
        """Return the absolute path of the gallery."""
        ...

    def people(self) -> Sequence[Listed]:
        """Return who is enrolled, sorted by name."""
        ...

    def forget(self, name: str) -> dict[str, Any]:
        """Erase a person; return the receipt, as plain values."""
        ...

    def desk(self) -> AbstractContextManager[Desk]:
        """Open what an enrolment needs."""
        ...

    def enroll_seconds(self) -> float:
        """Return how long an enrolment looks."""
        ...

    def reload(self) -> bool:
        """Read the settings again and tell whether they changed. Raise what is wrong with them."""
        ...

    def jpeg(self, image: Image) -> bytes:
        """Encode an RGB picture."""
        ...

    def note(self, text: str) -> None:
        """Write into the journal what somebody did."""
        ...


class Control:
    """Answers requests, each in the thread that brings it. No answer carries a similarity, but to the owner."""

    def __init__(self, window: Window, powers: Powers) -> None:
        self._window, self._powers = window, powers
        self._enrolling = threading.Lock()

    def __call__(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the answer. Raise ConfigError for a malformed request, ControlError for one that is refused."""
        ask = read_ask(request)
        if caller.right == "other" and not isinstance(ask, FOR_EVERYBODY):
            raise ControlError(
                f"{caller.who} may not ask for {ask.ask!r}",
                hint="use sudo, or become a member of the group of control.group",
            )
        match ask:
            case AskStatus():
                return describe(self._powers.status(), caller.right)
            case AskReload():
                return {"changed": self._powers.reload()}
            case AskSnapshot():
                return self._snapshot(ask, caller)
            case AskList():
                self._check_gallery(ask.gallery)
                return {"gallery": self._powers.gallery(), "people": list(map(asdict, self._powers.people()))}
            case AskForget():
                return self._forget(ask, caller)
            case AskEnroll():
                return self._enroll(ask, caller)

    def _forget(self, ask: AskForget, caller: Caller) -> dict[str, Any]:
        self._check_gallery(ask.gallery)
        receipt = self._powers.forget(ask.name)
        self._powers.note(f"{caller.who} had {clean_name(ask.name)} forgotten")
        return receipt

    def _snapshot(self, ask: AskSnapshot, caller: Caller) -> dict[str, Any]:
        with self._window.view(caller.check, ask.camera) as view:
            seen = next((seen for seen in islice(view.frames(), GAPS) if isinstance(seen, Frame)), None)
        if seen is None:
            raise CameraError("the camera gives no picture", hint="`edgeface status` says what is wrong with it")
        height, width = seen.image.shape[:2]
        picture = base64.b64encode(self._powers.jpeg(seen.image)).decode()
        self._powers.note(f"{caller.who} took a snapshot")
        return {"width": width, "height": height, "jpeg": picture}

    def _enroll(self, ask: AskEnroll, caller: Caller) -> dict[str, Any]:
        name = clean_name(ask.name)
        seconds = ask.seconds or self._powers.enroll_seconds()
        if not SECONDS[0] <= seconds <= SECONDS[1]:
            raise ConfigError(f"request: seconds must be {SECONDS[0]:g} to {SECONDS[1]:g}, not {seconds:g}")
        self._check_gallery(ask.gallery)
        if not self._enrolling.acquire(blocking=False):
            raise ControlError("somebody else is being enrolled", hint="try again when that is done")
        try:
            with self._powers.desk() as desk, self._window.view(caller.check, ask.camera) as view:
                caller.tell(f"looking at the daemon's camera for {seconds:g} s")
                enrolled = desk.enroller.from_camera(name, view, seconds=seconds, tell=caller.tell, force=ask.force)
                answer = describe_enrolled(enrolled, desk.looks_of(enrolled.identity))
        except LooksLikeAnother as error:
            if caller.right == "owner":
                raise
            raise LooksLikeAnother(error.without_scores, hint=error.hint) from error
        finally:
            self._enrolling.release()
        self._powers.note(f"{caller.who} enrolled {name}")
        return answer

    def _check_gallery(self, wanted: str) -> None:
        if wanted and wanted != self._powers.gallery():
            raise ControlError(
                f"the daemon's gallery is {self._powers.gallery()}, not {wanted}",
                hint="leave --gallery out, or give a camera that the daemon does not own",
            )

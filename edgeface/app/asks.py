"""What a running daemon can be asked, and how a request is checked that anybody may have written."""

from dataclasses import dataclass
from typing import Any, Literal

from edgeface.errors import ConfigError
from edgeface.settings import read_section


@dataclass(frozen=True, slots=True, kw_only=True)
class AskStatus:
    """How are you?"""

    ask: Literal["status"] = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReload:
    """Read the settings again."""

    ask: Literal["reload"] = "reload"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSnapshot:
    """What do you see?"""

    ask: Literal["snapshot"] = "snapshot"
    camera: str = ""
    """Which of several; empty: the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskList:
    """Who is enrolled? A gallery that is named must be the daemon's."""

    ask: Literal["list"] = "list"
    gallery: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForget:
    """Forget somebody."""

    ask: Literal["forget"] = "forget"
    name: str
    gallery: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskEnroll:
    """Enrol who is before the camera."""

    ask: Literal["enroll"] = "enroll"
    name: str
    seconds: float = 0.0
    """0: as enrollment.seconds says."""
    force: bool = False
    gallery: str = ""
    camera: str = ""
    """As of a snapshot."""


Ask = AskStatus | AskReload | AskSnapshot | AskList | AskForget | AskEnroll

SHAPES: dict[str, type[Ask]] = {
    "status": AskStatus,
    "reload": AskReload,
    "snapshot": AskSnapshot,
    "list": AskList,
    "forget": AskForget,
    "enroll": AskEnroll,
}
"""Every request by its name."""

FOR_EVERYBODY = (AskStatus,)
"""What others than owner and group may ask."""


def read_ask(request: dict[str, Any]) -> Ask:
    """Check a request against its shape. Raise ConfigError naming what is wrong."""
    name = request.get("ask")
    if not isinstance(name, str) or name not in SHAPES:
        raise ConfigError(f"request: ask is {name!r:.40}", hint=f"choose one of {', '.join(SHAPES)}")
    return read_section(SHAPES[name], request, source="request")

"""The heartbeat of the daemon: what the loop does between two frames."""

from collections.abc import Callable
from typing import Protocol

from edgeface.app.supervise import CameraHealth

BEAT_SECONDS = 1.0
"""The watchdog is fed so often at most."""


class Manager(Protocol):
    """Whoever started the daemon and watches over it, such as systemd."""

    def ready(self) -> None:
        """Hear that the start is done."""
        ...

    def alive(self) -> None:
        """Hear that the loop goes round."""
        ...

    def status(self, text: str) -> None:
        """Hear one line for people."""
        ...


class Heart:
    """Feeds the watchdog, about once a second and only when the loop calls it: a loop that hangs is not fed.

    A camera that is away is no reason to stop: the loop goes round and tries again.
    """

    def __init__(self, manager: Manager, health: Callable[[], CameraHealth], now: Callable[[], float]) -> None:
        self._manager, self._health, self._now = manager, health, now
        self.note = ""
        """What else the manager is to show, if anything."""
        self._due_seconds = float("-inf")
        self._told = ""
        self._ready = False

    def beat(self) -> None:
        """Tell that the loop went round once, and when it changed how the camera is."""
        if not self._ready:
            self._ready = True
            self._manager.ready()
        now = self._now()
        if now < self._due_seconds:
            return
        self._due_seconds = now + BEAT_SECONDS
        self._manager.alive()
        health = self._health()
        text = f"camera {health.state}" + (f": {health.detail}" if health.detail else "")
        text += f"; {self.note}" if self.note else ""
        if text != self._told:
            self._told = text
            self._manager.status(text)

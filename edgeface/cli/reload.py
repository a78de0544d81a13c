"""Read the settings again when a signal asks for it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edgeface.cli.output import report
from edgeface.config import Config
from edgeface.errors import EdgefaceError


class Reloader:
    """The settings in force. New ones that cannot be read, or that `prove` refuses, are told, and the old ones stay."""

    def __init__(self, config: Config, read: Callable[[], Config], prove: Callable[[Config], None]) -> None:
        self.config = config
        self._read, self._prove = read, prove
        self._asked = False

    def ask(self, *_: object) -> None:
        """Ask for a reload; fit for a signal's handler."""
        self._asked = True

    def changed(self) -> bool:
        """Read the settings if that was asked; tell whether they are others now."""
        if not self._asked:
            return False
        self._asked = False
        try:
            config = self._read()
            if config == self.config:
                return False
            self._prove(config)
        except EdgefaceError as error:
            report(error)
            return False
        self.config = config
        return True


@contextmanager
def reloading_on_sighup(reloader: Reloader) -> Iterator[None]:
    """Ask for a reload at each SIGHUP."""
    before = signal.signal(signal.SIGHUP, reloader.ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """End with exit code 0 on SIGTERM, by which systemd stops a service, as if the source had ended."""

    def end(*_: object) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

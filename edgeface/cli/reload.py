"""Read the settings again when a signal asks for it, and notice when a gallery goes over to another model."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from edgeface.cli.output import report
from edgeface.config import Config
from edgeface.errors import ControlError, EdgefaceError

if TYPE_CHECKING:
    from concurrent.futures import Future


class Reloader:
    """The settings in force. New ones that cannot be read, or that `prove` refuses, are told, and the old ones stay."""

    def __init__(self, config: Config, read: Callable[[], Config], prove: Callable[[Config], None]) -> None:
        self.config = config
        self._read, self._prove = read, prove
        self._asked = False
        self._waiting: SimpleQueue[Future[bool]] = SimpleQueue()

    def ask(self, *_: object) -> None:
        """Ask for a reload; fit for a signal's handler."""
        self._asked = True

    def request(self) -> "Future[bool]":
        """Ask for a reload from another thread, which learns what `changed` returns or why nothing does."""
        from concurrent.futures import Future

        answer: Future[bool] = Future()
        self._waiting.put(answer)
        self._asked = True
        return answer

    def changed(self) -> bool:
        """Read the settings if that was asked; tell whether they are others now."""
        if not self._asked:
            return False
        self._asked = False
        waiting = [self._waiting.get() for _ in range(self._waiting.qsize())]
        try:
            changed = self._take()
        except EdgefaceError as error:
            report(error)
            for answer in waiting:
                answer.set_exception(error)
            return False
        for answer in waiting:
            answer.set_result(changed)
        return changed

    def end(self) -> None:
        """Tell those who still wait that nobody reads the settings any more."""
        for _ in range(self._waiting.qsize()):
            self._waiting.get().set_exception(ControlError("the daemon ended before it read its settings"))

    def _take(self) -> bool:
        config = self._read()
        if config == self.config:
            return False
        self._prove(config)
        self.config = config
        return True


class ModelsInUse:
    """Notices when the gallery goes over to another model; one that cannot be used is told of, and nothing changes."""

    def __init__(self, look: Callable[[], object], prove: Callable[[], None]) -> None:
        self._look, self._prove = look, prove
        self._seen = look()
        self.have_changed = False

    def changed(self) -> bool:
        """Look again; tell whether the models in use are others now."""
        found = self._look()
        if found == self._seen:
            return False
        self._seen = found
        try:
            self._prove()
        except EdgefaceError as error:
            report(error)
            return False
        self.have_changed = True
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

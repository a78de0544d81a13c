"""Close a relay for people who may enter, when a second factor agrees."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from edgeface.core.types import AnyEvent, Event
from edgeface.errors import ConfigError, MissingExtra, SinkError

POLL_SECONDS = 0.02

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RelayPolicy:
    """Who may enter, and under which conditions."""

    people: Collection[str]
    factor_seconds: float = 10.0
    """The second factor must come so long after the arrival at most; an older arrival is none any more."""
    hold_seconds: float = 3.0
    failures: int = 5
    """After so many arrivals without the second factor, one after the other, it is locked."""
    lockout_seconds: float = 300.0
    alive: bool = False
    """True: an arrival without a proof of liveness opens nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """The lines of the relay and of the second factor; None in a dry run that does without."""

    relay: Any
    factor: Any

    def close(self) -> None:
        """Let go of both; an open relay is its state of rest."""
        for line in (self.relay, self.factor):
            if line is not None:
                line.close()


class Relay:
    """A `Sink` that closes a relay for `hold_seconds` when somebody who may enter has arrived.

    The second factor is a contact, of a keypad or a tag reader, that must change from open to closed after the
    arrival; one that is stuck closed opens nothing. Events of a trial and of recordings, which are old, are
    ignored. Without a relay it is a dry run, which only logs what it would do.
    """

    def __init__(
        self,
        contacts: Contacts,
        policy: RelayPolicy,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self._contacts, self._policy = contacts, policy
        self._clock, self._monotonic = clock, monotonic
        self._closed = Flag()
        self._pause = pause or self._closed.wait
        self._failures = 0
        self._locked_until = 0.0

    def __repr__(self) -> str:
        state = "closed" if self._closed.is_set() else "dry run" if self._contacts.relay is None else "armed"
        return f"Relay({state})"

    def emit(self, event: AnyEvent) -> None:
        """Decide about one arrival, which takes until the second factor or its time is over, and the hold."""
        if self._closed.is_set():
            raise SinkError("the relay is closed down")
        if not isinstance(event, Event) or not self._concerns(event):
            return
        if self._policy.alive and (event.liveness is None or event.liveness.verdict != "alive"):
            log.warning("relay: nothing shows that %s is alive, who is not let in", event.name)
        elif self._monotonic() < self._locked_until:
            log.warning("relay: locked, %s is not let in", event.name)
        elif self._has_second_factor(event.at + self._policy.factor_seconds - self._clock()):
            self._failures = 0
            self._hold(event)
        elif not self._closed.is_set():
            self._count_failure(event)

    def close(self) -> None:
        """Open the relay and let go of the lines."""
        self._closed.set()
        self._contacts.close()

    def _concerns(self, event: Event) -> bool:
        age = self._clock() - event.at
        fresh = 0 <= age <= self._policy.factor_seconds
        return event.kind == "arrived" and not event.test and event.name in self._policy.people and fresh

    def _has_second_factor(self, seconds: float) -> bool:
        factor = self._contacts.factor
        if factor is None:
            return True
        deadline = self._monotonic() + seconds
        was_open = not factor.is_pressed
        while self._monotonic() < deadline and not self._pause(POLL_SECONDS):
            if was_open and factor.is_pressed:
                return True
            was_open = not factor.is_pressed
        return False

    def _hold(self, event: Event) -> None:
        relay = self._contacts.relay
        if relay is None:
            log.warning("relay: dry run, %s would be let in", event.name)
            return
        log.info("relay: %s is let in", event.name)
        try:
            relay.on()
            self._pause(self._policy.hold_seconds)
        finally:
            if not relay.closed:
                relay.off()

    def _count_failure(self, event: Event) -> None:
        self._failures += 1
        log.warning("relay: no second factor, %s is not let in", event.name)
        if self._failures >= self._policy.failures:
            self._failures = 0
            self._locked_until = self._monotonic() + self._policy.lockout_seconds
            log.warning("relay: locked for %g s", self._policy.lockout_seconds)


def open_contacts(
    pin: int, factor_pin: int | None, *, dry_run: bool, active_high: bool, factory: Any = None
) -> Contacts:
    """Open the lines, numbered as GPIO (BCM); a dry run leaves the relay's alone. Raise ConfigError or MissingExtra."""
    if dry_run and factor_pin is None:
        return Contacts(None, None)
    try:
        import gpiozero
    except ImportError as error:
        raise MissingExtra(
            "a relay needs gpiozero, which is not installed", hint="pip install 'edgeface[gpio]'"
        ) from error
    relay = None
    try:
        if not dry_run:
            relay = gpiozero.OutputDevice(pin, active_high=active_high, initial_value=False, pin_factory=factory)
        factor = None if factor_pin is None else gpiozero.Button(factor_pin, pin_factory=factory)
    except (gpiozero.GPIOZeroError, OSError) as error:
        if relay is not None:
            relay.close()
        raise ConfigError(
            f"the relay's lines {pin} and {factor_pin} cannot be used: {error or type(error).__name__}",
            hint="see that this is a Pi, and that no other program uses them",
        ) from error
    return Contacts(relay, factor)


def check_armed(*, dry_run: bool, threshold: float | None, factor_pin: int | None, people: Collection[str]) -> None:
    """Raise ConfigError when a relay would let somebody in on the word of the model alone."""
    if not people:
        raise ConfigError("a relay lets nobody in", hint="name those who may enter in sink.people")
    if dry_run:
        return
    if threshold is None:
        raise ConfigError(
            "a relay is not armed without a calibrated threshold",
            hint="set recognition.threshold to one that was measured with your people, or keep dry_run = true",
        )
    if factor_pin is None:
        raise ConfigError(
            "a relay is not armed without a second factor",
            hint="set sink.factor_pin to the contact of a keypad or tag reader, or keep dry_run = true",
        )

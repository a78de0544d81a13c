"""Decide from a board's heat how fast the loop may go: slower above a temperature, freely again well below it."""

from dataclasses import dataclass

from edgeface.core.types import ThermalEvent

FIRST_PERIOD_SECONDS = 0.25
"""A loop that is slowed begins with frames so far apart."""


@dataclass(frozen=True, slots=True)
class Heat:
    """What a board says about itself."""

    celsius: float | None = None
    """The hottest part of the processor; None: there is no sensor."""
    throttled: bool = False
    """The firmware holds the processor's clock down at this moment."""
    under_voltage: bool = False
    """The power supply is too weak at this moment."""


@dataclass(frozen=True, slots=True)
class GovernorLimits:
    """When a board is hot, and when it is cool again."""

    slow_above_celsius: float = 75.0
    """A Raspberry Pi slows itself down from 80 on."""
    resume_below_celsius: float = 70.0
    slowest_period_seconds: float = 0.5


class Governor:
    """Doubles the period of frames with each reading that is hot, and halves it with each that is cool.

    Between the two temperatures it stays, so that the loop does not swing. A processor whose firmware throttles it is
    hot whatever its temperature is.
    """

    def __init__(self, limits: GovernorLimits | None = None) -> None:
        self._limits = limits or GovernorLimits()
        self.period_seconds = 0.0
        """How far apart frames are to be; 0: as they come."""

    def update(self, heat: Heat, at: float) -> ThermalEvent | None:
        """Take in a reading; return an event when the loop is slowed now, or no longer."""
        before = self.period_seconds
        if self._is_hot(heat):
            longest = self._limits.slowest_period_seconds
            self.period_seconds = min(before * 2 or FIRST_PERIOD_SECONDS, longest)
        elif self._is_cool(heat):
            self.period_seconds = before / 2 if before / 2 >= FIRST_PERIOD_SECONDS else 0.0
        if bool(before) == bool(self.period_seconds):
            return None
        if not self.period_seconds:
            return ThermalEvent("ok", None, f"cool again{_measured(heat)}", heat.celsius, at)
        reason = "throttled" if heat.throttled else "temperature"
        return ThermalEvent("slowed", reason, self._why(heat), heat.celsius, at)

    def _is_hot(self, heat: Heat) -> bool:
        return heat.throttled or (heat.celsius is not None and heat.celsius >= self._limits.slow_above_celsius)

    def _is_cool(self, heat: Heat) -> bool:
        return not heat.throttled and (heat.celsius is None or heat.celsius < self._limits.resume_below_celsius)

    def _why(self, heat: Heat) -> str:
        if not heat.throttled:
            return f"too hot{_measured(heat)}"
        weak = ", as its power supply is too weak" if heat.under_voltage else ""
        return f"the firmware throttles the processor{weak}{_measured(heat)}"


def _measured(heat: Heat) -> str:
    return "" if heat.celsius is None else f": {heat.celsius:.0f} °C"

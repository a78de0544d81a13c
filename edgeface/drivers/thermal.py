"""Read from sysfs how hot the processor is, and on a Raspberry Pi whether its firmware throttles it.

Sources: the kernel's Documentation/ABI/testing/sysfs-class-thermal (millidegrees Celsius), and the Raspberry Pi's
`get_throttled`, a hexadecimal number whose low bits say what is going on now.
"""

from collections.abc import Iterator
from pathlib import Path

from edgeface.core.governor import Heat

SYSFS = Path("/sys")
ZONES = "class/thermal/thermal_zone*"
THROTTLED = "devices/platform/soc*/soc*:firmware/get_throttled"

OF_THE_PROCESSOR = ("cpu", "soc", "x86_pkg", "core")
"""One of these is in the type of a processor's zone; other zones are those of batteries, radios and disks."""

UNDER_VOLTAGE, CAPPED, THROTTLES = 1 << 0, 1 << 1, 1 << 2
"""Bits of `get_throttled`. Its soft limit, bit 3, sets in at 60 °C on some boards, and is no reason to see less."""

LEAST_CELSIUS, MOST_CELSIUS = -50.0, 150.0
"""What is beyond is the word of a sensor that is switched off."""


def read_heat(sysfs: Path = SYSFS) -> Heat:
    """Return what the board says; of what it does not have or that cannot be read, nothing."""
    zones = list(_zones(sysfs))
    own = [celsius for kind, celsius in zones if any(word in kind for word in OF_THE_PROCESSOR)]
    celsius = max(own or [celsius for _, celsius in zones], default=None)
    bits = _throttled(sysfs)
    return Heat(celsius, bool(bits & (CAPPED | THROTTLES)), bool(bits & UNDER_VOLTAGE))


def _zones(sysfs: Path) -> Iterator[tuple[str, float]]:
    for zone in sysfs.glob(ZONES):
        kind, text = _read(zone / "type"), _read(zone / "temp")
        try:
            celsius = int(text) / 1000
        except ValueError:
            continue
        if LEAST_CELSIUS < celsius < MOST_CELSIUS:
            yield kind.lower(), celsius


def _throttled(sysfs: Path) -> int:
    for path in sysfs.glob(THROTTLED):
        try:
            return int(_read(path), 16)
        except ValueError:
            continue
    return 0


def _read(path: Path) -> str:
    """Return a file's text; a zone that is asleep answers with an error, and has none."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""

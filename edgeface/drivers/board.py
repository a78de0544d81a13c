"""Ask the machine what it is, how warm it is and what it draws."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

SYSFS = Path("/sys")
PROC = Path("/proc")
PMIC_READING = re.compile(r"^\s*(\w+)_([AV])\b[^=]*=\s*([0-9.]+)[AV]", re.MULTILINE)
PMIC_SECONDS = 5.0


def board_name(proc: Path = PROC) -> str:
    """Return what the machine calls itself: a board's model, or else its processor's."""
    for path, wanted in ((proc / "device-tree/model", r"[^\0]+"), (proc / "cpuinfo", r"(?<=model name\t: ).+")):
        found = re.search(wanted, _text(path))
        if found:
            return found.group().strip()
    return platform.machine()


def load_average() -> float:
    """Return how many processes wanted to run at once, on average over a minute."""
    return os.getloadavg()[0]


def temperature(sysfs: Path = SYSFS) -> float | None:
    """Return the degrees Celsius of the warmest thermal zone; None where there is none."""
    found = list(_numbers(sysfs.glob("class/thermal/thermal_zone*/temp")))
    return max(found) / 1000 if found else None


def watts(sysfs: Path = SYSFS) -> float | None:
    """Return the power that is drawn now: of a sensor on the supply, or of a Raspberry Pi 5's rails; else None.

    Of several sensors the largest reading counts. The rails leave out what their converters lose.
    """
    found = list(_numbers(sysfs.glob("class/hwmon/hwmon*/power*_input")))
    if found:
        return max(found) / 1e6
    return rail_watts(_pmic())


def rail_watts(readings: str) -> float | None:
    """Return the sum of volts times amperes over the rails that `vcgencmd pmic_read_adc` tells both of."""
    found = {(name, unit): float(value) for name, unit, value in PMIC_READING.findall(readings)}
    rails = [volts * found[name, "A"] for (name, unit), volts in found.items() if unit == "V" and (name, "A") in found]
    return sum(rails) if rails else None


def peak_rss_mb(pid: int, proc: Path = PROC) -> float | None:
    """Return the most memory that a process has held so far, in MB of 10^6 bytes; None when it is gone."""
    found = re.search(r"^VmHWM:\s*(\d+) kB", _text(proc / str(pid) / "status"), re.MULTILINE)
    return int(found.group(1)) * 1024 / 1e6 if found else None


def _pmic() -> str:
    command = shutil.which("vcgencmd")
    if command is None:
        return ""
    try:
        asked = subprocess.run(
            [command, "pmic_read_adc"], capture_output=True, text=True, check=False, timeout=PMIC_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout


def _numbers(paths: Iterator[Path]) -> Iterator[float]:
    for path in paths:
        try:
            yield float(_text(path))
        except ValueError:  # a sensor that is there and cannot be read
            continue


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

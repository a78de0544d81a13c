"""What sysfs says of a board's heat, on a Raspberry Pi and elsewhere."""

import pytest

from edgeface.app.cooling import CHECK_SECONDS, Cooling
from edgeface.core.governor import Governor, Heat
from edgeface.drivers.thermal import read_heat


class Sysfs:
    """A tree like the kernel's."""

    def __init__(self, root):
        self.root = root

    def write(self, place, text):
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def zone(self, number, kind, millidegrees):
        self.write(f"class/thermal/thermal_zone{number}/type", f"{kind}\n")
        self.write(f"class/thermal/thermal_zone{number}/temp", f"{millidegrees}\n")

    def throttled(self, bits, soc="soc/soc:firmware"):
        self.write(f"devices/platform/{soc}/get_throttled", f"{bits:x}\n")


@pytest.fixture
def sysfs(tmp_path):
    return Sysfs(tmp_path)


def test_a_pi_has_one_zone(sysfs):
    sysfs.zone(0, "cpu-thermal", 61234)
    assert read_heat(sysfs.root) == Heat(61.234)


def test_the_hottest_zone_of_the_processor_counts_and_no_battery(sysfs):
    sysfs.zone(0, "acpitz", 27800)
    sysfs.zone(1, "x86_pkg_temp", 52000)
    sysfs.zone(2, "iwlwifi_1", 71000)
    sysfs.zone(3, "cpu0-thermal", 54000)
    assert read_heat(sysfs.root).celsius == 54.0


def test_zones_of_unknown_kinds_count_where_there_are_no_others(sysfs):
    sysfs.zone(0, "gpu", 40000)
    sysfs.zone(1, "acpitz", 45000)
    assert read_heat(sysfs.root).celsius == 45.0


@pytest.mark.parametrize("text", ["", "asleep", "-274000", "99999999"])
def test_a_sensor_that_says_nothing_of_use_is_passed_over(sysfs, text):
    sysfs.zone(0, "cpu-thermal", text)
    assert read_heat(sysfs.root) == Heat(None)
    (sysfs.root / "class/thermal/thermal_zone1").mkdir()
    sysfs.zone(2, "cpu-thermal", 50000)
    assert read_heat(sysfs.root).celsius == 50.0


def test_a_machine_without_any_of_it_is_no_error(tmp_path):
    assert read_heat(tmp_path / "none") == Heat()


@pytest.mark.parametrize(
    ("bits", "throttled", "under_voltage"),
    [
        (0x0, False, False),
        (0x50000, False, False),
        (0x1, False, True),
        (0x2, True, False),
        (0x50005, True, True),
        (0x8, False, False),
        (0x80008, False, False),
        (0x6, True, False),
    ],
)
def test_of_the_firmware_s_bits_those_of_now_count(sysfs, bits, throttled, under_voltage):
    sysfs.throttled(bits)
    assert read_heat(sysfs.root) == Heat(None, throttled, under_voltage)


def test_the_firmware_of_a_newer_board_is_found_too(sysfs):
    sysfs.throttled(0x4, "soc@107c000000/soc@107c000000:firmware")
    assert read_heat(sysfs.root).throttled


def test_a_loop_is_governed_by_what_is_read_every_few_seconds(sysfs):
    ticks, told, reads = [0.0], [], []

    def read():
        reads.append(ticks[0])
        return read_heat(sysfs.root)

    cooling = Cooling(read, Governor(), lambda: ticks[0], told.append)
    notes = []
    for celsius in (50, 80, 80, 72, 60, 60):
        sysfs.zone(0, "cpu-thermal", celsius * 1000)
        for _ in range(20):
            cooling.check()
            ticks[0] += CHECK_SECONDS / 20
        notes.append((cooling.period_seconds, cooling.note))
    assert len(reads) == 6
    assert [(event.state, event.at) for event in told] == [("slowed", pytest.approx(5)), ("ok", pytest.approx(25))]
    assert notes == [
        (0.0, ""),
        (0.25, "slowed, too hot: 80 °C"),
        (0.5, "slowed, too hot: 80 °C"),
        (0.5, "slowed, too hot: 80 °C"),
        (0.25, "slowed, too hot: 80 °C"),
        (0.0, ""),
    ]

"""What a machine says of itself, on trees of files that are laid out as Linux does."""

import os
import stat

import pytest

from edgeface.drivers.board import board_name, peak_rss_mb, rail_watts, temperature, watts

PMIC = """\
  3V3_SYS_A current(1)=0.10000000A
     VDD_CORE_A current(7)=2.00000000A
  3V3_SYS_V volt(9)=3.30000000V
     VDD_CORE_V volt(15)=0.80000000V
      EXT5V_V volt(24)=5.14890000V
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_warmest_zone_counts(tmp_path):
    write(tmp_path / "class/thermal/thermal_zone0/temp", "48200\n")
    write(tmp_path / "class/thermal/thermal_zone1/temp", "51600\n")
    assert temperature(tmp_path) == pytest.approx(51.6)


def test_a_sensor_that_cannot_be_read_is_left_out(tmp_path):
    (tmp_path / "class/thermal/thermal_zone0/temp").mkdir(parents=True)
    assert temperature(tmp_path) is None
    write(tmp_path / "class/thermal/thermal_zone1/temp", "40000\n")
    assert temperature(tmp_path) == 40


def test_without_sensors_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert temperature(tmp_path) is None
    assert watts(tmp_path) is None


def test_a_sensor_on_the_supply_tells_microwatts(tmp_path):
    write(tmp_path / "class/hwmon/hwmon0/name", "ina219\n")
    write(tmp_path / "class/hwmon/hwmon0/power1_input", "4250000\n")
    assert watts(tmp_path) == 4.25


def test_the_rails_of_a_pi_5_are_added_where_volts_and_amperes_are_known():
    assert rail_watts(PMIC) == pytest.approx(0.1 * 3.3 + 2.0 * 0.8)
    assert rail_watts("VDD_CORE_V=0.5000V\nVDD_CORE_A=3.0A\n") == pytest.approx(1.5)
    assert rail_watts("error: command not registered") is None


def test_the_rails_are_asked_for_when_there_is_no_other_sensor(tmp_path, monkeypatch):
    command = tmp_path / "vcgencmd"
    command.write_text(f'#!/bin/sh\n[ "$1" = pmic_read_adc ] && printf %s "{PMIC}"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert watts(tmp_path) == pytest.approx(1.93)


def test_a_board_is_called_by_its_own_name_and_else_by_its_processors(tmp_path):
    write(tmp_path / "cpuinfo", "processor\t: 0\nmodel name\t: Fast Processor\nflags\t: fpu\n")
    assert board_name(tmp_path) == "Fast Processor"
    write(tmp_path / "device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    assert board_name(tmp_path) == "Raspberry Pi 5 Model B Rev 1.0"
    assert board_name(tmp_path / "nothing")


def test_the_memory_that_a_process_held_at_most_is_known_while_it_lives(tmp_path):
    write(tmp_path / "12/status", "Name:\tpython\nVmHWM:\t  100000 kB\nVmRSS:\t   90000 kB\n")
    assert peak_rss_mb(12, tmp_path) == pytest.approx(102.4)
    assert peak_rss_mb(13, tmp_path) is None

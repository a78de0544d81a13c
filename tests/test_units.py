"""The unit files: what they promise, and what systemd says of them."""

import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from edgeface.cli.places import SERVICE_SOCKET
from edgeface.errors import CameraError, ConfigError, MissingExtra, ModelError, StoreError

UNITS = sorted((Path(__file__).parents[1] / "systemd").glob("edgeface[.@]*service"))
ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = 15
"""Of 100, in `systemd-analyze security`: 1.5 in its table."""


def settings(unit):
    """Return each key of a unit and its values, in order."""
    found = defaultdict(list)
    for line in unit.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[key].append(value)
    return found


@pytest.fixture(params=UNITS, ids=lambda unit: unit.name)
def unit(request):
    return request.param


def test_there_is_a_unit_for_one_camera_and_one_for_several():
    assert [unit.name for unit in UNITS] == ["edgeface.service", "edgeface@.service"]


def test_a_fault_that_passes_restarts_it_for_ever_and_a_mistake_does_not(unit):
    found = settings(unit)
    final = set(map(int, found["RestartPreventExitStatus"][0].split()))
    assert final == {ConfigError.exit_code, ModelError.exit_code, MissingExtra.exit_code}
    assert final.isdisjoint({CameraError.exit_code, StoreError.exit_code})
    assert found["Restart"] == ["on-failure"]
    assert found["StartLimitIntervalSec"] == ["0"]


def test_the_watchdog_waits_longer_than_the_loop_may_take(unit):
    found = settings(unit)
    assert (found["Type"], found["NotifyAccess"]) == (["notify"], ["main"])
    assert int(found["WatchdogSec"][0]) >= 10
    assert found["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert "run --daemon" in found["ExecStart"][0]


def test_the_camera_and_the_processor_s_features_stay_visible(unit):
    found = settings(unit)
    assert "PrivateDevices" not in found
    assert found["ProcSubset"] == ["all"]
    assert found["SupplementaryGroups"] == ["video"]
    assert {"char-video4linux rw", "char-media rw", "char-dma_heap rw"} <= set(found["DeviceAllow"])
    assert {"AF_UNIX", "AF_NETLINK"} <= set(found["RestrictAddressFamilies"][0].split())


def test_the_control_socket_lies_in_the_runtime_folder_which_others_may_enter(unit):
    found = settings(unit)
    [folder] = found["RuntimeDirectory"]
    assert f"-o control.socket=%t/{folder}/control.sock" in found["ExecStart"][0]
    assert found["RuntimeDirectoryMode"] == ["0755"]
    assert "AF_UNIX" in found["RestrictAddressFamilies"][0].split()
    if "%i" not in folder:
        assert Path(f"/run/{folder}/control.sock") == SERVICE_SOCKET


def test_the_state_is_private_and_shared_by_the_cameras_of_one_device(unit):
    found = settings(unit)
    assert (found["StateDirectory"], found["StateDirectoryMode"]) == (["edgeface"], ["0700"])
    assert (found["DynamicUser"], found["User"]) == (["yes"], ["edgeface"])


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_finds_it_well_protected(unit):
    judged = subprocess.run(
        [ANALYZE, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-200:] + judged.stderr


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_reads_it_without_a_complaint(unit, tmp_path):
    program = tmp_path / "edgeface"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = tmp_path / unit.name.replace("@", "@door")
    copy.write_text(unit.read_text().replace("/opt/edgeface/bin/edgeface", str(program)))
    checked = subprocess.run([ANALYZE, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False)
    complaints = [line for line in checked.stderr.splitlines() if "edgeface" in line]
    assert (checked.returncode, complaints) == (0, [])

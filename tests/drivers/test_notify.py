"""The datagrams of sd_notify, by paths and by abstract names."""

import socket
from contextlib import closing

import pytest

from edgeface.drivers.notify import Notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_each_message_is_the_one_that_systemd_reads(tmp_path, abstract):
    name = f"@edgeface-{tmp_path.name}-{id(tmp_path)}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name[1:]}" if abstract else name)
        with closing(Notifier(name)) as notifier:
            notifier.ready()
            notifier.alive()
            notifier.status("camera faulty:\nno picture comes")
            notifier.stopping()
        said = [manager.recv(4096).decode() for _ in range(4)]
    assert said == ["READY=1", "WATCHDOG=1", "STATUS=camera faulty: no picture comes", "STOPPING=1"]


def test_without_a_manager_nothing_happens_and_one_that_went_away_is_no_error(tmp_path):
    for address in ("", str(tmp_path / "gone")):
        notifier = Notifier(address)
        notifier.ready()
        notifier.close()
        notifier.close()
        notifier.alive()


def test_a_manager_that_does_not_read_delays_nobody(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        with closing(Notifier(str(tmp_path / "notify"))) as notifier:
            for _ in range(1000):
                notifier.alive()
        assert manager.recv(100) == b"WATCHDOG=1"

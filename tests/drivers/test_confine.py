"""What decodes strangers' streams is confined, and what it may say is judged."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from edgeface.drivers import confine
from edgeface.drivers.cameras import stream
from edgeface.drivers.cameras.stream import StreamSource
from edgeface.errors import CameraError
from tests.drivers.test_live_cameras import _serving

HEAD = "import struct, sys, time; head = struct.Struct('=cIId'); out = sys.stdout.buffer; sys.stdin.buffer.readline()"


def in_a_child(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(script), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def has_landlock() -> bool:
    return in_a_child("from edgeface.drivers.confine import confine; print(confine())").strip() == "True"


needs_landlock = pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock, or this process may not")


@needs_landlock
def test_a_confined_process_reads_programs_and_nothing_of_ours(tmp_path: Path) -> None:
    secret = tmp_path / "gallery.db"
    secret.write_text("faces")
    script = """
        import os, sys
        from pathlib import Path
        from edgeface.drivers.confine import confine
        assert confine()
        import cv2, numpy  # both can still be loaded
        def tried(action):
            try:
                return action() and "done"
            except OSError as error:
                return type(error).__name__
        secret = Path(sys.argv[1])
        print(tried(secret.read_text), tried(lambda: secret.write_text("mine")), tried(secret.unlink))
        print(tried(lambda: list(secret.parent.iterdir())), tried(lambda: os.listdir("/etc")))
        print(tried(lambda: Path("/etc/passwd").read_text()), tried(lambda: Path("/proc/1/environ").read_bytes()))
        print(len(Path(os.__file__).read_text()) > 1000)
    """
    assert in_a_child(script, str(secret)).split() == ["PermissionError"] * 7 + ["True"]
    assert secret.read_text() == "faces"


def test_even_without_landlock_nothing_is_written_and_no_privilege_gained(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_text("")
    script = """
        import os, signal, sys
        from edgeface.drivers import confine
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        confine._keep_from_files = lambda libc, readable: False
        print(confine.confine())
        try:
            with open(sys.argv[1], "w") as stream:
                stream.write("mine")
        except OSError as error:
            print(error.strerror)
        print([line for line in open("/proc/self/status") if line.startswith("NoNewPrivs")][0].split()[1])
    """
    assert in_a_child(script, str(target)).splitlines() == ["False", "File too large", "1"]
    assert target.read_text() == ""


def test_a_kernel_that_only_says_so_is_not_believed() -> None:
    class Kernel:
        def syscall(self, number: int, *given: object) -> int:
            if number != confine.CREATE_RULESET:
                return 0
            return 7 if given[0] is None else os.open(os.devnull, os.O_RDONLY)

    assert not confine._keep_from_files(Kernel(), [])  # pyright: ignore[reportArgumentType] (it has what is called)


def test_the_decoder_of_a_stream_is_confined_and_its_address_is_no_argument() -> None:
    with _serving(2000, lambda: None) as address, StreamSource(address.replace("//", "//ada:secret@")) as camera:
        assert next(camera.frames()).image.shape == (48, 64, 3)
        process = Path(f"/proc/{camera._worker.pid}")
        assert b"secret" not in (process / "cmdline").read_bytes()
        limits = (process / "limits").read_text()
        assert "NoNewPrivs:\t1" in (process / "status").read_text()
        assert camera.confined == has_landlock()
    assert "secret" not in camera.name
    assert [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max file size")] == [["0", "0"]]


def test_a_decoder_that_is_killed_ends_the_camera_and_the_next_one_begins() -> None:
    with _serving(2000, lambda: None) as address:
        with StreamSource(address) as camera:
            frames = camera.frames()
            next(frames)
            os.kill(camera._worker.pid, signal.SIGSEGV)
            with pytest.raises(CameraError, match=r"ended|broke off"):
                list(frames)
        with StreamSource(address) as again:
            assert next(again.frames()).image.shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("", "cannot be opened: its decoder broke off"),
        ("out.write(b'x' * 999)", "cannot be opened: its decoder broke off"),
        ("out.write(head.pack(b'O', 1, 0, 25.0))", "ended"),
        (
            "out.write(head.pack(b'O', 1, 0, 25.0) + head.pack(b'F', 19999, 19999, 0.0))",
            "sent a picture of 19999x19999",
        ),
        ("out.write(head.pack(b'O', 1, 0, 25.0) + head.pack(b'F', 0, 7, 0.0))", "sent a picture of 0x7"),
        ("out.write(head.pack(b'O', 1, 0, float('nan')) + head.pack(b'F', 4, 4, -9e99) + b'xy')", "broke off"),
        ("out.write(head.pack(b'O', 1, 0, 25.0) + b'?' * 17)", "ended"),
    ],
)
def test_a_decoder_that_lies_or_dies_is_a_fault_of_the_camera(
    says: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "WORKER", (sys.executable, "-c", f"{HEAD}\n{says or 'pass'}"))
    with pytest.raises(CameraError, match=told), StreamSource("rtsp://door/x") as camera:
        assert camera.fps in (None, 25.0)
        list(camera.frames())


def test_a_decoder_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "WORKER", (sys.executable, "-c", f"{HEAD}; time.sleep(60)"))
    monkeypatch.setattr(stream, "START_SECONDS", 0.1)
    with pytest.raises(CameraError, match="its decoder broke off"):
        StreamSource("rtsp://door/x", open_seconds=0.1)

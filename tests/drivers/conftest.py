"""A gallery, a folder where permissions count even for the superuser, a certificate, and a broker of this machine."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeface.drivers import control_server, sealed
from edgeface.drivers.control_server import ControlServer
from edgeface.drivers.gallery_transfer import export_people
from edgeface.drivers.store import Gallery
from tests.drivers.control_ends import serving
from tests.drivers.locked import WORDS
from tests.drivers.mosquitto import Mosquitto
from tests.drivers.stored import MODEL, looks

NOBODY = 65534

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # FFmpeg reads it once, when the first test writes a video


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a gallery can be made, in a folder that holds nothing else."""
    folder = tmp_path / "state"
    folder.mkdir()
    return folder / "gallery.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    """An open gallery of nobody, whose clock stands at 1000 s."""
    with Gallery(path, MODEL, clock=lambda: 1000.0) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sealed file of people with two looks of Ada and one of Zoë, who are in from.db beside it."""
    path = tmp_path / "family.people"
    with Gallery(tmp_path / "from.db", MODEL, clock=lambda: 1000.0) as gallery:
        gallery.add("Ada", looks(0, 1), source="photo")
        gallery.add("Zoë", looks(2), source="camera")
        assert export_people(gallery, path, WORDS) == (2, 3)
    return path


@pytest.fixture
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a passphrase cost next to nothing: tests need no protection."""
    monkeypatch.setattr(sealed, "COST", 2)


@pytest.fixture
def serve(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ControlServer]]:
    """Return a function that answers at a socket, without a pause, until the test ends."""
    monkeypatch.setattr(control_server, "PAUSE_SECONDS", 0.0)
    with serving(path) as start:
        yield start


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="edgeface-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def as_nobody() -> Callable[[], AbstractContextManager[None]]:
    """A context in which the superuser, whom no permission stops, is an ordinary user."""

    @contextmanager
    def context() -> Iterator[None]:
        user = os.geteuid()
        if user == 0:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(user)

    return context


@dataclass(frozen=True)
class RawDisk:
    """A small ext4 disk in a file, whose every byte can be read, free blocks and journal included."""

    folder: Path
    image: Path

    def content(self) -> bytes:
        """Return all that is on the disk once everything is written."""
        subprocess.run(["sync", "--file-system", str(self.folder)], check=True)
        return self.image.read_bytes()


@pytest.fixture
def raw_disk(tmp_path: Path) -> Iterator[RawDisk]:
    """A disk to look at byte by byte; skipped where none can be mounted."""
    disk = RawDisk(tmp_path / "disk", tmp_path / "disk.img")
    disk.folder.mkdir()
    with disk.image.open("wb") as stream:
        stream.truncate(12 << 20)
    try:
        for command in (["mkfs.ext4", "-q", disk.image], ["mount", "-o", "loop", disk.image, disk.folder]):
            if subprocess.run(command, capture_output=True, check=False).returncode:
                pytest.skip("a disk image can be mounted by the superuser only")
    except OSError:
        pytest.skip("there is no mkfs.ext4 to make a disk with")
    yield disk
    subprocess.run(["umount", "-l", str(disk.folder)], check=True)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for this machine and its key, in one PEM file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    try:
        made = subprocess.run(
            [*command.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", path, "-out", f"{path}.crt"],
            capture_output=True,
            check=False,
        )
    except OSError:
        pytest.skip("there is no openssl to make a certificate with")
    assert made.returncode == 0, made.stderr
    return path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real broker that lets everybody in."""
    pytest.importorskip("paho.mqtt.client", reason="paho-mqtt belongs to the mqtt extra")
    if not shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin"):
        pytest.skip("there is no mosquitto on this machine")
    broker = Mosquitto(tmp_path, "allow_anonymous true")
    broker.start()
    yield broker
    broker.stop()

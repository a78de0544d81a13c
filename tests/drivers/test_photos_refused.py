"""Broken and hostile photos end as one clear error, and take neither time nor memory."""

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from edgeface.drivers.photos import MAX_BYTES, read_photo
from edgeface.errors import PoorPhoto
from tests.drivers.pictures import encoded, scene

IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from edgeface.drivers.photos import read_photo
from edgeface.errors import PoorPhoto
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + (128 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for path in sys.argv[1:]:
    try: print(read_photo(Path(path)).shape)
    except PoorPhoto: print("refused")
"""


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds hardly any pixels."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", zlib.compress(bytes(64))) + _chunk(b"IEND", b"")


def _png_with(chunk: bytes) -> bytes:
    png = encoded(scene(), "PNG")
    return png[:33] + chunk + png[33:]  # behind IHDR


def _exif_of(count: int, offset: int) -> bytes:
    """Return a JPEG whose EXIF has an entry of so many bytes elsewhere, and a next directory that is itself."""
    entry = struct.pack(">HHII", 0x010F, 2, count, offset)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + entry + struct.pack(">I", 8)
    return encoded(scene(), "JPEG", exif=exif, quality=95, subsampling=0)


def _refusal(path: Path) -> PoorPhoto:
    with pytest.raises(PoorPhoto) as caught:
        read_photo(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert not message.endswith(".")
    return caught.value


def test_an_empty_file_is_named_empty(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.touch()
    assert "empty" in str(_refusal(path))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_picture_is_named_damaged(tmp_path: Path, kind: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = encoded(PIL.Image.fromarray(noise), kind)
    path = tmp_path / "photo"
    path.write_bytes(content[: int(len(content) * share)])
    error = _refusal(path)
    assert "damaged" in str(error) or "not a picture" in str(error)
    assert error.hint


def test_randomly_damaged_files_raise_nothing_else(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    path = tmp_path / "photo"
    originals = [encoded(scene(), kind) for kind in ("JPEG", "PNG", "WEBP", "BMP")]
    refused = 0
    for turn in range(400):
        content = np.frombuffer(originals[turn % 4], np.uint8).copy()
        places = random.integers(0, len(content), 4)
        content[places] = random.integers(0, 256, 4)
        path.write_bytes(content.tobytes())
        try:
            assert read_photo(path).dtype == np.uint8
        except PoorPhoto:
            refused += 1
    assert refused > 20


def test_text_named_jpg_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_text("this is a shopping list\n" * 50)
    error = _refusal(path)
    assert "not a picture" in str(error)
    assert "JPEG" in error.hint


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PPM", "ICO"])
def test_a_format_outside_the_list_is_refused_whatever_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(scene(), kind))
    assert "not a picture" in str(_refusal(path))


def test_a_folder_named_jpg_is_named_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.mkdir()
    assert "folder" in str(_refusal(path))


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    os.mkfifo(path)
    assert "not a file" in str(_refusal(path))


def test_a_missing_photo_is_named(tmp_path: Path) -> None:
    assert "No such file" in str(_refusal(tmp_path / "ada.jpg"))


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (50_000, 4), (9_000, 9_000), (2**31 - 1, 1)])
def test_a_huge_picture_is_refused_from_its_header(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(_png_header(width, height))
    assert "too large" in str(_refusal(path))


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    assert "too large" in str(_refusal(path))


def test_a_forbidden_photo_says_permission_denied(
    open_folder: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    path = open_folder / "photo.png"
    scene().save(path)
    path.chmod(0)
    with as_nobody():
        assert "Permission denied" in str(_refusal(path))


def test_what_is_packed_beside_the_pixels_takes_no_memory(tmp_path: Path) -> None:
    packed = zlib.compress(bytes(160 << 20), 1)
    bombs = [
        _png_with(_chunk(b"zTXt", b"a\0\0" + packed)),
        _png_with(_chunk(b"iCCP", b"a\0\0" + packed)),
        _exif_of(2**32 - 1, 8),
        _exif_of(64, 2**32 - 1),
    ]
    paths = [tmp_path / f"{number}" for number in range(len(bombs))]
    for path, content in zip(paths, bombs, strict=True):
        path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", IN_LITTLE_MEMORY, *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(bombs)
    assert done.stdout.splitlines()[2:] == ["(32, 48, 3)"] * 2

"""Photos come out upright and RGB, and broken or hostile files as one clear error."""

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from edgeface.drivers.photos import MAX_BYTES, list_photos, read_photo
from edgeface.errors import PoorPhoto

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
TURNS = {
    1: None,
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_90,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_270,
}
"""How a camera that tags an orientation stored the scene: the inverse of what the tag asks for."""


def _scene(width: int = 48, height: int = 32) -> PIL.Image.Image:
    """Red at the top left, green at the top right, blue below."""
    picture = PIL.Image.new("RGB", (width, height), BLUE)
    picture.paste(RED, (0, 0, width // 2, height // 2))
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    return picture


def _assert_scene(image: np.ndarray, tolerance: int = 12) -> None:
    assert image.dtype == np.uint8
    assert image.shape == (32, 48, 3)
    for row, column, colour in ((8, 12, RED), (8, 36, GREEN), (24, 24, BLUE)):
        assert np.abs(image[row, column].astype(int) - colour).max() <= tolerance


def _encoded(picture: PIL.Image.Image, kind: str, **options) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds hardly any pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")


def _refusal(path: Path) -> PoorPhoto:
    with pytest.raises(PoorPhoto) as caught:
        read_photo(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert not message.endswith(".")
    return caught.value


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {"quality": 95, "subsampling": 0}), ("PNG", {}), ("WEBP", {"lossless": True}), ("BMP", {})],
)
def test_every_format_comes_out_red_green_blue(tmp_path: Path, kind: str, options: dict) -> None:
    path = tmp_path / "photo"
    path.write_bytes(_encoded(_scene(), kind, **options))
    _assert_scene(read_photo(path))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_exif_says(tmp_path: Path, orientation: int) -> None:
    turn = TURNS[orientation]
    stored = _scene() if turn is None else _scene().transpose(turn)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    path.write_bytes(_encoded(stored, "JPEG", exif=exif, quality=95, subsampling=0))
    _assert_scene(read_photo(path))


def test_broken_exif_leaves_the_picture_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"
    path.write_bytes(_encoded(_scene(), "JPEG", exif=exif, quality=95, subsampling=0))
    _assert_scene(read_photo(path))


def test_a_palette_png_comes_out_rgb(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    _scene().quantize(8).save(path)
    _assert_scene(read_photo(path), tolerance=30)


def test_a_cmyk_jpeg_comes_out_rgb(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    _scene().convert("CMYK").save(path, quality=95)
    _assert_scene(read_photo(path), tolerance=40)


@pytest.mark.parametrize(("mode", "kind"), [("L", "JPEG"), ("L", "PNG"), ("1", "PNG")])
def test_greys_get_three_equal_channels(tmp_path: Path, mode: str, kind: str) -> None:
    path = tmp_path / "photo"
    path.write_bytes(_encoded(PIL.Image.new("L", (20, 10), 255).convert(mode), kind))
    image = read_photo(path)
    assert image.shape == (10, 20, 3)
    assert (image == 255).all()


def test_sixteen_bit_greys_keep_their_brightness(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[np.newaxis].repeat(4, axis=0)
    path = tmp_path / "photo.png"
    PIL.Image.fromarray(ramp).save(path)
    image = read_photo(path)
    assert image.shape == (4, 256, 3)
    assert np.abs(image[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_sixteen_bit_colours_keep_their_order(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), np.full((8, 8, 3), (0, 0, 65535), np.uint16))
    assert read_photo(path)[4, 4].tolist() == list(RED)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_falls_on_white(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "photo.png"
    PIL.Image.new("RGBA", (20, 10), (0, 0, 0, 0)).convert(mode).save(
        path, **({"transparency": 0} if mode == "P" else {})
    )
    assert (read_photo(path) == 255).all()


def test_half_transparent_red_turns_pink(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    PIL.Image.new("RGBA", (4, 4), (255, 0, 0, 128)).save(path)
    assert read_photo(path)[0, 0].tolist() == pytest.approx([255, 127, 127], abs=1)


def test_an_empty_file_is_named_empty(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.touch()
    assert "empty" in str(_refusal(path))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_picture_is_named_damaged(tmp_path: Path, kind: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = _encoded(PIL.Image.fromarray(noise), kind)
    path = tmp_path / "photo"
    path.write_bytes(content[: int(len(content) * share)])
    error = _refusal(path)
    assert "damaged" in str(error) or "not a picture" in str(error)
    assert error.hint


def test_randomly_damaged_files_raise_nothing_else(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    path = tmp_path / "photo"
    originals = [_encoded(_scene(), kind) for kind in ("JPEG", "PNG", "WEBP", "BMP")]
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
    path.write_bytes(_encoded(_scene(), kind))
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
    _scene().save(path)
    path.chmod(0)
    with as_nobody():
        assert "Permission denied" in str(_refusal(path))


def test_a_folder_lists_its_photos_by_name(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", ".hidden.png", "notes.txt", "c.webp"):
        (tmp_path / name).touch()
    (tmp_path / "d.jpg").mkdir()
    assert [path.name for path in list_photos(tmp_path)] == ["a.png", "b.JPG", "c.webp"]


def test_a_photo_lists_itself(tmp_path: Path) -> None:
    path = tmp_path / "ada.heic"
    path.touch()
    assert list_photos(path) == [path]


@pytest.mark.parametrize("name", ["", "missing"])
def test_a_folder_without_photos_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PoorPhoto, match=r"no photo|No such file"):
        list_photos(tmp_path / name)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_with(chunk: bytes) -> bytes:
    png = _encoded(_scene(), "PNG")
    return png[:33] + chunk + png[33:]  # behind IHDR


def _exif_of(count: int, offset: int) -> bytes:
    """Return a JPEG whose EXIF has an entry of so many bytes elsewhere, and a next directory that is itself."""
    entry = struct.pack(">HHII", 0x010F, 2, count, offset)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + entry + struct.pack(">I", 8)
    return _encoded(_scene(), "JPEG", exif=exif, quality=95, subsampling=0)


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

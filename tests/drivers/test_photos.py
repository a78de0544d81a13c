"""Photos come out upright and RGB, and a folder lists them."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from edgeface.drivers.photos import list_photos, read_photo
from edgeface.errors import PoorPhoto
from tests.drivers.pictures import BLUE, GREEN, RED, encoded, scene

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


def assert_scene(image: np.ndarray, tolerance: int = 12) -> None:
    assert image.dtype == np.uint8
    assert image.shape == (32, 48, 3)
    for row, column, colour in ((8, 12, RED), (8, 36, GREEN), (24, 24, BLUE)):
        assert np.abs(image[row, column].astype(int) - colour).max() <= tolerance


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {"quality": 95, "subsampling": 0}), ("PNG", {}), ("WEBP", {"lossless": True}), ("BMP", {})],
)
def test_every_format_comes_out_red_green_blue(tmp_path: Path, kind: str, options: dict) -> None:
    path = tmp_path / "photo"
    path.write_bytes(encoded(scene(), kind, **options))
    assert_scene(read_photo(path))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_exif_says(tmp_path: Path, orientation: int) -> None:
    turn = TURNS[orientation]
    stored = scene() if turn is None else scene().transpose(turn)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(stored, "JPEG", exif=exif, quality=95, subsampling=0))
    assert_scene(read_photo(path))


def test_broken_exif_leaves_the_picture_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"
    path.write_bytes(encoded(scene(), "JPEG", exif=exif, quality=95, subsampling=0))
    assert_scene(read_photo(path))


def test_a_palette_png_comes_out_rgb(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    scene().quantize(8).save(path)
    assert_scene(read_photo(path), tolerance=30)


def test_a_cmyk_jpeg_comes_out_rgb(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    scene().convert("CMYK").save(path, quality=95)
    assert_scene(read_photo(path), tolerance=40)


@pytest.mark.parametrize(("mode", "kind"), [("L", "JPEG"), ("L", "PNG"), ("1", "PNG")])
def test_greys_get_three_equal_channels(tmp_path: Path, mode: str, kind: str) -> None:
    path = tmp_path / "photo"
    path.write_bytes(encoded(PIL.Image.new("L", (20, 10), 255).convert(mode), kind))
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

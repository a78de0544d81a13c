"""Read photos, and refuse broken or hostile files with one clear reason."""

import stat
import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps

from edgeface.core.types import Image
from edgeface.errors import PoorPhoto

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
"""The only decoders of Pillow that a photo may reach."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
"""Endings of the files that count as photos in a folder, in lower case."""

JPEG_QUALITY = 90
MAX_PIXELS = 50_000_000
MAX_SIDE_PX = 20_000
MAX_BYTES = 64 * 2**20
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise for damaged files."""

HINT = f"give a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} picture"
SHRINK = "shrink the picture first"


def read_photo(path: Path) -> Image:
    """Return a photo as the camera held it: upright, (height, width, 3) RGB uint8, transparency on white.

    Raise PoorPhoto when it is missing, empty, truncated, too large or no picture. Its size is taken from the
    header and judged before anything is decoded.
    """
    content = _read_bytes(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns of what is judged here: bombs, odd EXIF, trailing bytes.
            warnings.simplefilter("ignore")
            with PIL.Image.open(BytesIO(content), formats=FORMATS) as picture:
                _check_size(path, *picture.size)
                picture.load()
                return _to_rgb(_upright(picture))
    except PIL.UnidentifiedImageError as error:
        raise PoorPhoto(f"{path} is not a picture that edgeface reads", hint=HINT) from error
    except PIL.Image.DecompressionBombError as error:
        raise PoorPhoto(f"{path} is too large: {MAX_PIXELS:,} pixels are allowed", hint=SHRINK) from error
    except DAMAGE as error:
        raise PoorPhoto(f"{path} is damaged: {_first_line(error)}", hint="copy or export it again") from error


def jpeg_of(image: Image) -> bytes:
    """Encode an (height, width, 3) RGB picture, without any metadata."""
    stream = BytesIO()
    PIL.Image.fromarray(image).save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()


def list_photos(path: Path) -> list[Path]:
    """Return a photo as a list of one, or the photos directly in a folder, sorted by name.

    Hidden files are left out. Raise PoorPhoto when there is nothing there.
    """
    try:
        if not path.is_dir():
            path.stat()
            return [path]
        photos = sorted(
            entry
            for entry in path.iterdir()
            if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".") and entry.is_file()
        )
    except OSError as error:
        raise PoorPhoto(f"{path} cannot be read: {error.strerror}") from error
    if not photos:
        raise PoorPhoto(f"folder {path} holds no photo", hint=f"a photo's name ends in {', '.join(SUFFIXES)}")
    return photos


def _read_bytes(path: Path) -> bytes:
    """Return the file's content; a folder, a pipe, an empty or a huge file is refused unread."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PoorPhoto(f"{path} is a folder, not a picture", hint="give the picture's file")
        if not stat.S_ISREG(status.st_mode):
            raise PoorPhoto(f"{path} is not a file", hint="give the picture's file")
        if not status.st_size:
            raise PoorPhoto(f"{path} is empty: 0 bytes", hint="copy or export it again")
        if status.st_size > MAX_BYTES:
            raise PoorPhoto(f"{path} is too large: {status.st_size / 2**20:.0f} MiB, {MAX_BYTES >> 20} MiB are allowed")
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise PoorPhoto(f"{path} cannot be read: {reason}", hint="check the path and its permissions") from error


def _check_size(path: Path, width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
        raise PoorPhoto(
            f"{path} is too large: {width} x {height} px, {MAX_PIXELS:,} pixels and {MAX_SIDE_PX:,} a side are allowed",
            hint=SHRINK,
        )


def _upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Turn the picture as its EXIF says; a picture with broken EXIF stays as it is."""
    try:
        return PIL.ImageOps.exif_transpose(picture)
    except DAMAGE:
        return picture


def _to_rgb(picture: PIL.Image.Image) -> Image:
    if picture.mode.startswith("I"):
        # Pillow clips 16-bit greys at 255 when it converts them: a photo would turn out white.
        grey = np.clip(np.asarray(picture, np.int64) >> 8, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., np.newaxis], 3, axis=2)
    if picture.has_transparency_data:
        flat = PIL.Image.new("RGBA", picture.size, "white")
        flat.alpha_composite(picture.convert("RGBA"))
        picture = flat
    return np.array(picture.convert("RGB"))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")

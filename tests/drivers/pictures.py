"""What tests of photos share: a scene whose corners are known, encoded."""

from io import BytesIO

import PIL.Image

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def scene(width: int = 48, height: int = 32) -> PIL.Image.Image:
    """Red at the top left, green at the top right, blue below."""
    picture = PIL.Image.new("RGB", (width, height), BLUE)
    picture.paste(RED, (0, 0, width // 2, height // 2))
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    return picture


def encoded(picture: PIL.Image.Image, kind: str, **options) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()

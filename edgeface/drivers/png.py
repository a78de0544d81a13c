"""Read a small PNG that anybody may have written: its header first, so that its size is judged before its pixels."""

import struct

from edgeface.core.types import Image

HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
"""Signature, the first chunk's length and kind; width and height follow (PNG specification, 5.2 and 11.2.2)."""


def png_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels as the header tells them; None when it is no PNG."""
    if not content.startswith(HEAD) or len(content) < len(HEAD) + 8:
        return None
    return struct.unpack_from(">II", content, len(HEAD))


def decode_png(content: bytes) -> Image | None:
    """Return the picture of what has a PNG's header, (H, W, 3) RGB; None when it is damaged."""
    import cv2
    import numpy as np

    from edgeface.drivers.quiet import opencv_muted

    with opencv_muted():
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return None if picture is None else np.ascontiguousarray(picture[..., ::-1], np.uint8)

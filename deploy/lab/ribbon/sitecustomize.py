"""Let the real picamera2 use libcamera's virtual camera; Python imports this by itself when it starts.

picamera2 expects a Raspberry Pi in five places: python3-kms++ and PiDNG, which Debian has not and which draw previews
and save raw pictures; a raw stream; an allocator for the Pi's heaps; and a colour space that is true. The pictures of
the virtual camera are JPEGs, sYCC, whatever it says of itself.
"""

import sys
from typing import Any
from unittest.mock import MagicMock

for absent in ("pykms", "pidng", "pidng.core", "pidng.camdefs"):
    sys.modules[absent] = MagicMock(name=absent)

try:
    import libcamera
    from picamera2 import Picamera2
    from picamera2.allocators import LibcameraAllocator
except ImportError:
    Picamera2: Any = None


def _open(self: Any, *words: Any, **named: Any) -> None:
    _really_open(self, *words, **named)
    self.allocator = LibcameraAllocator(self.camera)


def _raw_modes(self: Any) -> list[dict[str, Any]]:
    formats = self.camera.generate_configuration([libcamera.StreamRole.VideoRecording]).at(0).formats
    kinds = [(kind, size) for kind in formats.pixel_formats for size in formats.sizes(kind)]
    return [{"format": str(kind), "size": (size.width, size.height)} for kind, size in kinds]


def _configuration(self: Any) -> dict[str, Any]:
    return {**_real_configuration(self), "colour_space": libcamera.ColorSpace.Sycc()}


if Picamera2 is not None:
    _really_open, _real_configuration = Picamera2.__init__, Picamera2.camera_configuration
    Picamera2.__init__, Picamera2.camera_configuration = _open, _configuration
    Picamera2._get_raw_modes = _raw_modes

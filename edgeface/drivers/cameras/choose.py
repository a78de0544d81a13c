"""Turn the text that names a source into an open camera."""

import time
from collections.abc import Callable
from pathlib import Path

from edgeface.drivers.cameras.live import PORTS, STALL_SECONDS, open_webcam
from edgeface.drivers.cameras.picamera import PiCamera
from edgeface.drivers.cameras.source import Source
from edgeface.drivers.cameras.stream import StreamSource
from edgeface.errors import CameraError

KINDS = 'a webcam number, "picamera2", an rtsp:// or http:// address, a video or a folder of pictures'

LONGEST_NUMBER = 4
"""Digits of a webcam's number."""


def open_camera(
    source: str,
    *,
    width: int | None = None,
    height: int | None = None,
    small_px: int = 0,
    clock: Callable[[], float] = time.time,
    realtime: bool = False,
    stall_seconds: float = STALL_SECONDS,
    open_seconds: float | None = None,
) -> Source:
    """Open the source that a text names. Raise CameraError, or MissingExtra when picamera2 is not installed.

    `width` and `height` are wishes to a webcam and the Pi camera. The latter gives a small picture beside each, whose
    longer side has `small_px` pixels, if that is less. `realtime` plays a recording at its own
    pace instead of as fast as it can be used. A live source that is silent for `stall_seconds` has failed; a stream
    may take `open_seconds` to open.
    """
    text = source.strip()
    number = _webcam_number(text)
    if number is not None:
        return open_webcam(number, width=width, height=height, clock=clock, stall_seconds=stall_seconds)
    port = _pi_port(text)
    if port is not None:
        return PiCamera(port, width=width, height=height, small_px=small_px, clock=clock, stall_seconds=stall_seconds)
    scheme, separator, _ = text.partition("://")
    if separator:
        if scheme.lower() not in PORTS:
            raise CameraError(
                f"{scheme}:// is not a kind of stream that edgeface reads", hint=f"use {', '.join(PORTS)}"
            )
        return StreamSource(text, clock=clock, stall_seconds=stall_seconds, open_seconds=open_seconds)
    path = Path(text).expanduser()
    try:
        there = bool(text) and path.exists()
    except OSError as error:
        raise CameraError(f"{source!r} cannot be opened: {error.strerror}", hint=f"give {KINDS}") from error
    if not there:
        raise CameraError(f"no camera, video or folder is called {source!r}", hint=f"give {KINDS}")
    from edgeface.drivers.cameras.recorded import open_recording  # with Pillow, which a live camera needs not

    return open_recording(path, clock=clock, realtime=realtime)


def is_live(source: str) -> bool:
    """Tell whether a text names something that films whether or not anybody looks: no video and no folder."""
    text = source.strip()
    scheme, separator, _ = text.partition("://")
    known = bool(separator) and scheme.lower() in PORTS
    return known or _pi_port(text) is not None or _webcam_number(text) is not None


def _pi_port(text: str) -> int | None:
    """Return the number of a ribbon camera: "picamera2" is the first, "picamera2:1" the second."""
    name, colon, port = text.lower().partition(":")
    if name != "picamera2" or bool(colon) != bool(port):
        return None
    return int(port or 0) if port.isascii() and (port.isdigit() or not port) and len(port) <= LONGEST_NUMBER else None


def _webcam_number(text: str) -> int | None:
    device = text.removeprefix("/dev/video")
    return int(device) if device.isascii() and device.isdigit() and len(device) <= LONGEST_NUMBER else None

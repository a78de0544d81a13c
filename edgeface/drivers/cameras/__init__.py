"""Sources of frames."""

from edgeface.drivers.cameras.choose import open_camera

__all__ = ["open_camera"]

"""A network camera of one photo, for a machine without a camera: MJPEG over HTTP on port 8000, 10 pictures a second.

The photo moves a little, under noise as a sensor has it: no two pictures are equal, and the camera is never called
frozen. It runs in edgeface's own environment, which has OpenCV.
"""

import http.server
import itertools
import sys
import time
from collections.abc import Iterator

import cv2
import numpy as np

PICTURES_PER_SECOND = 10


def film(path: str) -> Iterator[bytes]:
    """Yield JPEGs of the photo for ever, moved by up to 8 px along a circle."""
    photo = cv2.imread(path)
    if photo is None:
        raise SystemExit(f"{path} is no picture")
    chance = np.random.default_rng(1)
    for angle in itertools.count(step=0.3):
        shift = np.array([[1, 0, 8 * np.cos(angle)], [0, 1, 8 * np.sin(angle)]], np.float32)
        moved = cv2.warpAffine(photo, shift, (photo.shape[1], photo.shape[0]))
        noise = chance.integers(0, 8, photo.shape, np.uint8)
        yield cv2.imencode(".jpg", cv2.add(moved, noise))[1].tobytes()


class Camera(http.server.BaseHTTPRequestHandler):
    """Sends pictures until the viewer is gone."""

    photo = ""

    def do_GET(self) -> None:
        """Answer with an endless stream."""
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        try:
            for picture in film(self.photo):
                head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                self.wfile.write(head.encode() + picture + b"\r\n")
                time.sleep(1 / PICTURES_PER_SECOND)
        except OSError:
            return


if __name__ == "__main__":
    Camera.photo = sys.argv[1]
    http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Camera).serve_forever()

"""A camera on loopback for the soak: people come and go in front of it, and it can be made to fail."""

import http.server
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

FPS = 10
WIDTH, HEIGHT = 640, 480
EMPTY_SECONDS, FACE_SECONDS, CLIP_SECONDS = 7, 8, 6
BOUNDARY = "soak"
SLOW_SECONDS = 1.1
"""Between two frames of a camera that is slow, and yet does not stall."""

TIMED = ("gone", "black", "frozen", "stalled", "slow", "size")
"""What the stream can suffer from."""


class Scene:
    """A loop of pictures at 10 a second: an empty room, somebody known in it, and strangers where there is a clip."""

    def __init__(self, portrait: np.ndarray, clip: Path | None) -> None:
        random = np.random.default_rng(1)
        wall = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        body = cv2.resize(portrait, (360, 360), interpolation=cv2.INTER_AREA)
        empty = [wall] * (EMPTY_SECONDS * FPS)
        self.face_from, self.face_until = len(empty), len(empty) + FACE_SECONDS * FPS
        known = [_placed(wall, body, 140 + round(20 * np.sin(place / 9))) for place in range(FACE_SECONDS * FPS)]
        pictures = [*empty, *known, *empty[:20], *(_strangers(clip) if clip else [])]
        self.pictures = [_jpeg(picture, random) for picture in pictures]
        self.black = _encode(np.zeros_like(wall))
        self.small = [_encode(cv2.resize(wall, (WIDTH // 2, HEIGHT // 2)) + np.uint8(level)) for level in (0, 9)]


class Stage:
    """Serves a scene as Motion JPEG over HTTP; `fault` says what it suffers from at the moment."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.fault, self.shown_at = scene, "", 0.0
        self._began = time.monotonic()
        self._frozen = scene.pictures[0]
        stage = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stage.serve(self)

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/door.mjpg"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.fault = "gone"
        self._server.shutdown()
        self._server.server_close()

    def serve(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Send frames to one client until the camera is gone."""
        if self.fault == "gone":
            return
        try:
            request.send_response(200)
            request.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            request.end_headers()
            while self.fault != "gone":
                if self.fault != "stalled":
                    picture = self._picture()
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                    request.wfile.write(head.encode() + picture + b"\r\n")
                time.sleep(SLOW_SECONDS if self.fault == "slow" else 1 / FPS)
        except OSError:
            return  # the client has closed the camera

    def _picture(self) -> bytes:
        place = int((time.monotonic() - self._began) * FPS)
        if self.fault == "black":
            return self.scene.black
        if self.fault == "size":
            return self.scene.small[place % 2]
        if self.fault != "frozen":
            place %= len(self.scene.pictures)
            self._frozen = self.scene.pictures[place]
            self._note(place)
        return self._frozen

    def _note(self, place: int) -> None:
        """Remember when the person who is known stepped into sight; 0: they are not in it, or something was wrong."""
        if not self.scene.face_from <= place < self.scene.face_until or self.fault:
            self.shown_at = 0.0
        elif not self.shown_at and place < self.scene.face_from + FPS:
            self.shown_at = time.time()


def _placed(wall: np.ndarray, body: np.ndarray, left: int) -> np.ndarray:
    picture = wall.copy()
    picture[HEIGHT - body.shape[0] :, left : left + body.shape[1]] = body
    return picture


def _strangers(clip: Path) -> list[np.ndarray]:
    """Return a few seconds of a film, RGB, at the pace of the scene."""
    film = cv2.VideoCapture(str(clip))
    step = max(1, round((film.get(cv2.CAP_PROP_FPS) or 25) / FPS))
    pictures = []
    while len(pictures) < CLIP_SECONDS * FPS:
        found = all(film.grab() for _ in range(step))
        read, picture = film.retrieve() if found else (False, None)
        if not read or picture is None:
            break
        pictures.append(np.ascontiguousarray(cv2.resize(picture, (WIDTH, HEIGHT))[..., ::-1]))
    film.release()
    return pictures


def _jpeg(picture: np.ndarray, random: np.random.Generator) -> bytes:
    noise = random.normal(0, 4, (HEIGHT, WIDTH, 1))
    return _encode(np.clip(picture + noise, 0, 255).astype(np.uint8))


def _encode(picture: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()

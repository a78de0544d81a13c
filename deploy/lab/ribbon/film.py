"""Film with edgeface's ribbon camera, the real picamera2 and libcamera's virtual camera; the last line is JSON.

It runs inside the tree of deploy/check-libcamera. The camera shows /root/scenes/NAME while /opt/frames leads there.
"""

import itertools
import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgeface import wiring_cameras
from edgeface.config import load
from edgeface.core.types import AnyEvent, CameraEvent, Frame
from edgeface.drivers.cameras.picamera import PiCamera
from edgeface.errors import CameraError

SCENES, SHOWN = Path("/root/scenes"), Path("/opt/frames")
PORTRAIT, NAME = "/root/astronaut.png", "astronaut"
TOLERANCE = 12
"""Levels of 255 by which a colour may be off after JPEG and chroma for each 2x2 pixels."""
FRAMES = 30
REPORT_SECONDS, RETURN_SECONDS, NAME_SECONDS = 2.0, 30.0, 120.0
BUSY_TRIES = 10

Measured = dict[str, Any]


class Broken(Exception):
    """A promise that was not kept."""


def colours() -> Measured:
    """Frames come, and red is red beside blue on both streams."""
    with PiCamera(width=1280, height=720, small_px=640) as camera:
        started = time.monotonic()
        frames = list(itertools.islice(camera.frames(), FRAMES))
        rate = FRAMES / (time.monotonic() - started)
    found = {}
    for stream in ("image", "small"):
        pictures = [getattr(frame, stream) for frame in frames]
        _expect(all(picture is not None for picture in pictures), f"there is no {stream}")
        height, width = pictures[0].shape[:2]
        for name, column, colour in (("red", width // 4, (255, 0, 0)), ("blue", 3 * width // 4, (0, 0, 255))):
            seen = np.array([picture[3 * height // 4, column] for picture in pictures], int)
            _expect(np.abs(seen - colour).max() <= TOLERANCE, f"{name} of {stream} is {seen[0].tolist()}")
            found[f"{stream}_{name}"] = seen[0].tolist()
        found[f"{stream}_size"] = [width, height]
    _expect(found["image_size"] == [1280, 720] and found["small_size"] == [640, 360], f"sizes: {found}")
    return {**found, "frames": len(frames), "frames_per_second": round(rate, 1)}


def busy() -> Measured:
    """A camera in use is one error that says so, costs no file descriptor, and opens when it is free."""
    with PiCamera(small_px=640) as camera:
        next(camera.frames())
        before, said = _descriptors(), ""
        for _ in range(BUSY_TRIES):
            try:
                PiCamera(small_px=640).close()
            except CameraError as error:
                said = f"{error}; {error.hint}"
            else:
                raise Broken("the camera was opened twice")
        leaked = _descriptors() - before
        next(camera.frames())
    _expect("busy" in said and "another program" in said, f"it said {said!r}")
    _expect(leaked < BUSY_TRIES, f"{leaked} file descriptors were lost")
    with PiCamera(small_px=640) as camera:
        next(camera.frames())
    return {"said": said, "descriptors_lost": leaked}


def silence() -> Measured:
    """libcamera is stopped underneath picamera2: that is told within 2 s, and the camera comes back."""
    clock, told, opened = wiring_cameras.make_clock(), [], []
    real = PiCamera._open

    def open_and_remember(self: PiCamera) -> None:
        real(self)
        opened.append(self._camera)

    def note(event: AnyEvent) -> None:
        if isinstance(event, CameraEvent):
            told.append((time.monotonic(), event))

    PiCamera._open = open_and_remember
    config = load(overrides=["camera.source=picamera2"])
    silent = 0.0
    try:
        with wiring_cameras.make_live_camera(config, clock, note, must_open=False) as camera:
            for seen in camera.frames():
                states = [event.state for _, event in told]
                if not silent and states == ["ok"] and isinstance(seen, Frame):
                    silent = time.monotonic()
                    opened[-1].camera.stop()
                if states == ["ok", "faulty", "ok"] or (silent and time.monotonic() - silent > RETURN_SECONDS):
                    break
    finally:
        PiCamera._open = real
    _expect([event.state for _, event in told] == ["ok", "faulty", "ok"], f"told: {told}")
    (fault_at, fault), (back_at, _) = told[1:]
    _expect(fault_at - silent <= REPORT_SECONDS, f"told after {fault_at - silent:.1f} s")
    return {"reason": fault.reason, "told_s": round(fault_at - silent, 2), "back_s": round(back_at - silent, 2)}


def recognise() -> Measured:
    """The commands: a portrait is enrolled, and the person before the camera arrives by name."""
    gallery = ["--gallery", "/root/gallery.db"]
    Path(gallery[1]).unlink(missing_ok=True)
    subprocess.run([*_edgeface(), "enroll", *gallery, "--name", NAME, PORTRAIT], check=True, stdout=sys.stderr)
    command = [*_edgeface(), "run", *gallery, "--camera", "picamera2", "--json"]
    started, found = time.monotonic(), None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            event = json.loads(line)
            late = time.monotonic() - started > NAME_SECONDS
            if event["kind"] == "arrived" and event["name"] == NAME:
                found = event
            if found or late:
                process.terminate()
                break
        last = [json.loads(line) for line in process.stdout]
    _expect(found is not None, "nobody was recognised")
    _expect(process.returncode == 0, f"run ended with {process.returncode}")
    left = [event["name"] for event in last if event["kind"] == "left"]
    _expect(left == [NAME], f"who left at the end: {left}")
    return {
        "name": NAME,
        "similarity": found and found["similarity"],
        "to_name_s": round(time.monotonic() - started, 1),
    }


STEPS = (("colours", colours), ("busy", busy), ("silence", silence), ("recognise", recognise))
SCENE_OF = {"recognise": "person"}


def main() -> None:
    """Take each step in turn, whatever becomes of the one before."""
    logging.getLogger("picamera2").setLevel(logging.CRITICAL)
    result: Measured = {"check": "libcamera", "ok": True, **_versions()}
    for name, step in STEPS:
        SHOWN.unlink(missing_ok=True)
        SHOWN.symlink_to(SCENES / SCENE_OF.get(name, "colours"))
        try:
            result[name] = step()
        except (Broken, CameraError, subprocess.CalledProcessError) as error:
            result["ok"], result[name] = False, {"broken": str(error)}
        sys.stderr.write(f"{name}: {result[name]}\n")
    sys.stdout.write(json.dumps(result) + "\n")
    sys.exit(not result["ok"])


def _versions() -> Measured:
    from importlib.metadata import version

    installed = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", "python3-libcamera"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {"libcamera": installed.stdout, "picamera2": version("picamera2"), "python": sys.version.split()[0]}


def _edgeface() -> list[str]:
    return [sys.executable, "-P", "-m", "edgeface"]


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _expect(kept: bool, otherwise: str) -> None:
    if not kept:
        raise Broken(otherwise)


if __name__ == "__main__":
    main()

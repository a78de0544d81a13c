"""What the motion gate spares on an idle scene: `make idle-bench SECONDS=30`, or `python -m tests.bench.idle --help`.

The same noisy picture of an empty room, 1280x720 at 15 frames a second, is watched in turn without and with the gate,
a quarter of the time each before the other comes again. Both sides turn the camera's pixels to RGB, search with YuNet
as a live camera's frames are, and keep presence. The gated side is given as many frames as it asks for. Measured is the
processor time of this process, all threads; reading and decoding a camera's pictures is not part of it.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from edgeface import wiring, wiring_cameras, wiring_sightings
from edgeface.app.attention import Attention
from edgeface.app.run import watch
from edgeface.config import load
from edgeface.core.types import Embedding, Frame, Identity

FPS = 15
ROUNDS = 4
NOISE_LEVELS = 4.0
"""Standard deviation, in grey levels, of what a webcam adds by day."""
SETTLED_SECONDS = 60.0
"""Time of the stream that passes before anything is measured: an idle scene is one in which nothing happened."""


class Room:
    """An empty room as a camera gives it, at the pace that the gate asks for."""

    def __init__(self, attention: Attention | None) -> None:
        random = np.random.default_rng(1)
        wall = np.linspace(60, 140, 1280)[np.newaxis, :, np.newaxis] * np.ones((720, 1, 3))
        self._pictures = [
            np.clip(wall + random.normal(0, NOISE_LEVELS, (720, 1280, 1)), 0, 255).astype(np.uint8) for _ in range(8)
        ]
        self._attention, self._now, self.seconds, self.taken = attention, 1_000.0, 0.0, 0

    def frames(self) -> Iterator[Frame]:
        """Yield frames for `seconds` of the stream."""
        end = self._now + self.seconds
        while self._now < end:
            blue_first = self._pictures[self.taken % len(self._pictures)]
            yield Frame(np.ascontiguousarray(blue_first[..., ::-1]), self._now)
            self.taken += 1
            self._now += max(1 / FPS, self._attention.period_seconds if self._attention else 0.0)

    def close(self) -> None:
        """Do nothing."""


class Nobody:
    """An empty gallery."""

    def nearest(self, query: Embedding, k: int) -> list[tuple[Identity, float]]:
        """Find nobody."""
        return []


@dataclass
class Side:
    """One way to watch, with its own memory of the scene."""

    attention: Attention | None
    searched: int = 0
    cpu_seconds: float = 0.0
    room: Room = field(init=False)

    def __post_init__(self) -> None:
        config = load()
        self.room = Room(self.attention)
        self.pipeline = wiring.make_pipeline(config, wiring.make_parts(config, live=True), Nobody())
        self.presence = wiring_sightings.make_presence(config)

    def watch(self, seconds: float) -> None:
        """Watch the room for so long, by the clock of the stream."""
        self.room.seconds = seconds
        before = time.process_time()
        summary = watch(self.room, self.pipeline, self.presence, [], attention=self.attention)
        self.cpu_seconds += time.process_time() - before
        self.searched += summary.frames


def main() -> None:
    """Run the bench as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="of the stream, for each side")
    seconds = parser.parse_args().seconds
    plain, gated = Side(None), Side(wiring_cameras.make_attention(load()))
    gated.watch(SETTLED_SECONDS)
    gated.searched, gated.cpu_seconds, gated.room.taken = 0, 0.0, 0
    for _ in range(ROUNDS):
        plain.watch(seconds / ROUNDS)
        gated.watch(seconds / ROUNDS)
    print("| an idle scene | frames taken a second | searched a second | CPU ms a second |\n|---|---|---|---|")
    for name, side in (("without the gate", plain), ("with the gate", gated)):
        shown = (side.room.taken / seconds, side.searched / seconds, side.cpu_seconds / seconds * 1000)
        print(f"| {name} | {shown[0]:.1f} | {shown[1]:.1f} | {shown[2]:.1f} |")
    print(f"\nThe gate takes {gated.cpu_seconds / plain.cpu_seconds:.1%} of the processor time.")


if __name__ == "__main__":
    main()

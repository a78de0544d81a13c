"""Draw what the virtual camera shows: `scenes.py PORTRAIT FOLDER` makes FOLDER/colours and FOLDER/person."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 1280, 720
PICTURES = 12
RED, BLUE, WALL = (255, 0, 0), (0, 0, 255), (90, 90, 90)


def draw(portrait: Path, folder: Path) -> None:
    """Write JPEGs 0.jpg, 1.jpg ...: red beside blue under a bar that moves, and a portrait that sways before a wall."""
    with Image.open(portrait) as photo:
        person = photo.convert("RGB")
    for name in ("colours", "person"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(1)
    for number in range(PICTURES):
        colours = Image.new("RGB", (WIDTH, HEIGHT), RED)
        colours.paste(BLUE, (WIDTH // 2, 0, WIDTH, HEIGHT))
        colours.paste(WALL, (0, number * 8, WIDTH, number * 8 + 8))
        colours.save(folder / "colours" / f"{number}.jpg", quality=95)
        room = Image.new("RGB", (WIDTH, HEIGHT), WALL)
        room.paste(person, (360 + round(12 * np.sin(number)), HEIGHT - person.height))
        grain = chance.integers(-6, 7, (HEIGHT, WIDTH, 1))
        grainy = np.clip(np.asarray(room).astype(int) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(grainy).save(folder / "person" / f"{number}.jpg", quality=92)


if __name__ == "__main__":
    draw(*map(Path, sys.argv[1:]))

"""Lay out the photos of the ARM check: one to enrol, another of the same person, and one of nobody."""

import shutil
import sys
from pathlib import Path

from PIL import Image, ImageOps


def lay_out(person: Path, nobody: Path, folder: Path) -> None:
    """Write astronaut.png, again.jpg (mirrored, at two thirds of its size, as JPEG) and nobody.png into a folder."""
    shutil.copy(person, folder / "astronaut.png")
    shutil.copy(nobody, folder / "nobody.png")
    with Image.open(person) as photo:
        size = (photo.width * 2 // 3, photo.height * 2 // 3)
        ImageOps.mirror(photo.convert("RGB")).resize(size).save(folder / "again.jpg", quality=85)


if __name__ == "__main__":
    lay_out(*map(Path, sys.argv[1:]))

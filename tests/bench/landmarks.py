"""What landmarks of a shrunk picture cost, and what a close-up gives back: `python -m tests.bench.landmarks CHIPS`.

CHIPS is a folder with a folder of 128 px chips a person, whom the network has never seen. Each chip is laid into a
picture of which the detector searches a copy of half its size, as it does with a live camera's 1280 pixels. The face is
then embedded by the landmarks found there, and by those of a close-up, and compared with everybody's chips as they are,
at the threshold of the bundle. The last line says what the two take on this machine, a face.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from edgeface import wiring
from edgeface.app.closeup import CloseUp
from edgeface.config import load
from edgeface.core.align import CHIP_SIZE, align
from edgeface.core.prepare import crop_centre
from edgeface.drivers.detectors.yunet import YuNet
from edgeface.drivers.photos import list_photos, read_photo

PICTURE_PX = 320
SIDES = ("as they are", "landmarks of the search", "landmarks of the close-up")


def main() -> None:
    """Run the bench as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chips", type=Path)
    parser.add_argument("--per-person", type=int, default=4, help="chips of each person")
    parser.add_argument("--model", default="", help="a bundle")
    given = parser.parse_args()
    config = load((), [f"recognition.model={given.model}"] if given.model else [])
    parts = wiring.make_parts(config)
    detector = YuNet(long_side=PICTURE_PX // 2, score=config.detection.score)
    close = detector.close_up()
    close_up = CloseUp(close, close.side, detector.long_side)
    vectors, people, unfound = [], [], 0
    seconds = np.zeros(2)
    for folder in sorted(path for path in given.chips.iterdir() if path.is_dir()):
        for path in list_photos(folder)[: given.per_person]:
            chip = read_photo(path)
            picture = lay(chip)
            start = time.process_time()
            face = next(iter(detector.detect(picture)), None)
            found = time.process_time()
            if face is None:
                unfound += 1
                continue
            landmarks = close_up.landmarks(picture, face)
            seconds += found - start, time.process_time() - found
            chips = [
                crop_centre(chip[np.newaxis], CHIP_SIZE)[0],
                align(picture, face.landmarks),
                align(picture, landmarks),
            ]
            vectors.append([embedding.vector for embedding in parts.embedder.embed(chips)])
            people.append(folder.name)
    report(np.array(vectors), np.array(people), parts.policy.threshold)
    print(f"\n{len(people)} chips of {len(set(people))} people; in {unfound} no face was found.")
    print("CPU ms a face, search and close-up: {:.1f} and {:.1f}.".format(*seconds / max(1, len(people)) * 1000))


def lay(chip: np.ndarray) -> np.ndarray:
    """Return a picture of one colour with a chip in its middle."""
    picture = np.full((PICTURE_PX, PICTURE_PX, 3), chip.reshape(-1, 3).mean(axis=0), np.uint8)
    rim = (PICTURE_PX - len(chip)) // 2
    picture[rim : rim + len(chip), rim : rim + len(chip)] = chip
    return picture


def report(vectors: np.ndarray, people: np.ndarray, threshold: float) -> None:
    """Print a row for each way to align."""
    same, own = people[:, np.newaxis] == people, np.eye(len(people), dtype=bool)
    print("| aligned by | accepted, same person | accepted, others | accepted at 1 in 1,000 others | nearness to it |")
    print("|---|---|---|---|---|")
    for place, name in enumerate(SIDES):
        cosines = vectors[:, place] @ vectors[:, 0].T
        genuine, others = cosines[same & ~own], cosines[~same]
        at_rate = (genuine >= np.quantile(others, 0.999)).mean()
        rates = f"{(genuine >= threshold).mean():.2%} | {(others >= threshold).mean():.3%} | {at_rate:.2%}"
        print(f"| {name} | {rates} | {cosines[own].mean():.3f} |")
    print(f"\nThreshold {threshold:.4f}, {int((same & ~own).sum())} pairs of one person, {int((~same).sum())} of two.")


if __name__ == "__main__":
    main()

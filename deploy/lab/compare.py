"""Judge what edgeface printed and computed on one machine by what it did on another."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

LEAST_COSINE = {"float16": 0.9999, "int8": 0.99}
"""Of the same photo's vectors on the two machines. int8 rounds each layer, so that a last bit of the resized photo
may tip a value over; float16 is computed in float32."""
NO_FACE = 5


def compare(suite: str, variant: str, out: Path, reference: Path) -> dict[str, Any]:
    """Return what was measured, with a list `broken` of the promises that were not kept.

    Both folders hold the files that deploy/check-arm64 makes edgeface write.
    """
    checks = [json.loads(line) for line in (out / "doctor.jsonl").read_text().splitlines()]
    [face] = json.loads((out / "identify.json").read_text())["faces"]
    cosines = _cosines(out / "vectors.npz", reference / "vectors.npz")
    promises = {
        "doctor": all(check["ok"] for check in checks),
        "recognised": face["name"] == "astronaut",
        "nobody": int((out / "nobody.code").read_text()) == NO_FACE,
        "vectors": len(cosines) > 0 and min(cosines) >= LEAST_COSINE[variant],
    }
    return {
        "suite": suite,
        "machine": (out / "machine").read_text().strip(),
        "python": (out / "python").read_text().split()[-1],
        "runtime": next(check["found"] for check in checks if check["check"] == "runtime"),
        "variant": variant,
        "recognised": face["name"],
        "similarity": face["similarity"],
        "reference_similarity": json.loads((reference / "identify.json").read_text())["faces"][0]["similarity"],
        "least_cosine": round(min(cosines, default=0.0), 6),
        "broken": [promise for promise, kept in promises.items() if not kept],
    }


def _cosines(ours: Path, theirs: Path) -> list[float]:
    """Return the cosine of each photo's two unit vectors; nothing when photos or models differ."""
    with np.load(ours) as here, np.load(theirs) as there:
        if here["names"].tolist() != there["names"].tolist() or here["model"] != there["model"]:
            return []
        return np.sum(here["vectors"] * there["vectors"], axis=1).tolist()


def main() -> None:
    """Print the comparison as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", required=True)
    parser.add_argument("--variant", required=True, choices=LEAST_COSINE)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--megabytes", type=int, required=True)
    parser.add_argument("out", type=Path)
    parser.add_argument("reference", type=Path)
    given = parser.parse_args()
    measured = compare(given.suite, given.variant, given.out, given.reference)
    measured |= {"seconds": given.seconds, "installed_mb": given.megabytes}
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()

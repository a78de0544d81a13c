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
    face, known = _face(out), _face(reference)
    cosines = _cosines(out / "vectors.npz", reference / "vectors.npz")
    promises = {
        "doctor": len(checks) > 0 and all(check["ok"] for check in checks),
        "recognised": face.get("name") == "astronaut",
        "nobody": int((out / "nobody.code").read_text()) == NO_FACE,
        "vectors": len(cosines) > 0 and min(cosines) >= LEAST_COSINE[variant],
    }
    return {
        "suite": suite,
        "machine": (out / "machine").read_text().strip(),
        "python": (out / "python").read_text().split()[-1],
        "runtime": next((check["found"] for check in checks if check["check"] == "runtime"), None),
        "variant": variant,
        "recognised": face.get("name"),
        "similarity": face.get("similarity"),
        "reference_similarity": known.get("similarity"),
        "least_cosine": round(min(cosines, default=0.0), 6),
        "broken": [promise for promise, kept in promises.items() if not kept],
        "failed_checks": [f"{check['check']}: {check['found']}" for check in checks if not check["ok"]],
    }


def _face(out: Path) -> dict[str, Any]:
    """Return the one face of the second photo; nothing where identify failed, or saw another number of faces."""
    said = (out / "identify.json").read_text()
    faces = json.loads(said)["faces"] if said else []
    return faces[0] if len(faces) == 1 else {}


def _cosines(ours: Path, theirs: Path) -> list[float]:
    """Return the cosine of each photo's two unit vectors; nothing when photos or models differ."""
    if not (ours.exists() and theirs.exists()):
        return []
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

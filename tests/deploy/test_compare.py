"""The judge of the ARM check: it finds each promise broken."""

import json

import numpy as np
import pytest

from deploy.lab.compare import compare


@pytest.fixture
def machines(tmp_path):
    """Return the folders of two machines on which all went well."""
    for name in ("arm", "here"):
        folder = tmp_path / name
        folder.mkdir()
        write(folder, vectors=[[1, 0], [0, 1]])
        (folder / "machine").write_text("aarch64\n")
        (folder / "python").write_text("Python 3.13.5\n")
        (folder / "doctor.jsonl").write_text('{"check": "runtime", "ok": true, "found": "ai-edge-litert 2.3.0"}\n')
        (folder / "nobody.code").write_text("5\n")
        named(folder, "astronaut")
    return tmp_path / "arm", tmp_path / "here"


def write(folder, vectors, names=("a", "b"), model="m"):
    np.savez(folder / "vectors.npz", names=np.array(names), vectors=np.array(vectors, np.float32), model=model)


def named(folder, name):
    (folder / "identify.json").write_text(json.dumps({"faces": [{"name": name, "similarity": 0.9}]}))


def test_two_machines_that_agree_keep_every_promise(machines):
    measured = compare("trixie", "int8", *machines)
    assert (measured["broken"], measured["least_cosine"]) == ([], 1.0)
    assert (measured["machine"], measured["python"], measured["runtime"]) == (
        "aarch64",
        "3.13.5",
        "ai-edge-litert 2.3.0",
    )


@pytest.mark.parametrize(
    ("promise", "spoil"),
    [
        ("doctor", lambda arm: (arm / "doctor.jsonl").write_text('{"check": "runtime", "ok": false, "found": ""}\n')),
        ("recognised", lambda arm: named(arm, None)),
        ("nobody", lambda arm: (arm / "nobody.code").write_text("0")),
        ("recognised", lambda arm: (arm / "identify.json").write_text("")),
        ("vectors", lambda arm: (arm / "vectors.npz").unlink()),
        ("vectors", lambda arm: write(arm, [[1, 0], [0.2, 0.98]])),
        ("vectors", lambda arm: write(arm, [[1, 0]], names=["a"])),
        ("vectors", lambda arm: write(arm, [[1, 0], [0, 1]], model="another")),
    ],
)
def test_each_broken_promise_is_found(machines, promise, spoil):
    arm, here = machines
    spoil(arm)
    assert compare("trixie", "int8", arm, here)["broken"] == [promise]

"""The same recipe on JAX: the same weights and the same batches give the same losses and embeddings."""

import os
import subprocess
import sys

import numpy as np
import pytest
from edgeface_train import commands
from edgeface_train.batches import embed_chips
from edgeface_train.recipe import read_recipe

pytest.importorskip("jax", reason="JAX is the second backend")

ON_JAX = """
import sys
from pathlib import Path
import numpy as np
from edgeface_train import commands
from edgeface_train.batches import embed_chips
from edgeface_train.recipe import read_recipe

import keras
assert keras.backend.backend() == "jax"
recipe, chips, out, *overrides = sys.argv[1:]
curriculum = commands.open_run(read_recipe(Path(recipe), overrides), Path(chips), Path(out) / "jax", resume=False)
given = dict(np.load(Path(out) / "tensorflow.npz"))
values, targets, before, after, losses = (
    given.pop(name) for name in ("values", "targets", "before", "after", "losses")
)
fitter = curriculum.fitter
fitter.start(fitter.recipe.stage[0])
fitter.restore(given)
print(float(np.abs(embed_chips(fitter.measured, curriculum.train.images, fitter.spec) - before).max()))
print(*(abs(fitter.step([values], [targets, targets[:, :1]]) - loss) for loss in losses))
print(float(np.abs(embed_chips(fitter.measured, curriculum.train.images, fitter.spec) - after).max()))
"""

TRIPLETS = ["stage.0.learning_rate=1e-4"]
IN_BATCH = [
    *TRIPLETS,
    "stage.0.kind='in-batch'",
    "stage.0.people_per_batch=6",
    "stage.0.chips_per_person=5",
    "stage.0.memory=40",
    "stage.0.average=0.9",
    "stage.0.margin_weight=0.5",
    "stage.0.softmax='arcface'",
    "stage.0.sub_centres=2",
]


@pytest.mark.parametrize("overrides", [TRIPLETS, IN_BATCH], ids=["triplets", "in-batch, memory, average, softmax"])
def test_both_backends_give_equal_embeddings_and_equal_losses(chips_folder, tiny_recipe, tmp_path, overrides):
    curriculum = commands.open_run(read_recipe(tiny_recipe, overrides), chips_folder, tmp_path / "tf", resume=False)
    fitter = curriculum.fitter
    fitter.start(fitter.recipe.stage[0])
    values = np.random.default_rng(0).uniform(-1, 1, (30, 112, 112, 3)).astype(np.float32)
    people = np.zeros((30, 1), np.float32) if overrides is TRIPLETS else np.repeat(np.arange(6.0), 5)[:, np.newaxis]
    targets = np.hstack([people, np.full((30, 1), 0.5)]).astype(np.float32)
    kept = fitter.state()
    before = embed_chips(fitter.measured, curriculum.train.images, fitter.spec)
    losses = [fitter.step([values], [targets, people]) for _ in range(2)]
    after = embed_chips(fitter.measured, curriculum.train.images, fitter.spec)
    assert losses[0] > 0
    assert np.abs(after - before).max() > 1e-3
    batch = {"values": values, "targets": targets, "before": before, "after": after, "losses": losses}
    np.savez(tmp_path / "tensorflow.npz", **batch, **kept)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tiny_recipe), str(chips_folder), str(tmp_path), *overrides],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before_error, first_error, second_error, after_error = map(float, done.stdout.split())
    assert before_error < 1e-5
    assert first_error < 1e-5
    assert second_error < 5e-3  # a step of Adam makes much of what differs little
    assert after_error < 0.05 * np.abs(after - before).max()

"""The same recipe on JAX: the same weights and the same batch give the same loss."""

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
recipe, chips, out = map(Path, sys.argv[1:])
curriculum = commands.open_run(read_recipe(recipe), chips, out / "jax", resume=False)
given = dict(np.load(out / "tensorflow.npz"))
values, vectors, loss = given.pop("values"), given.pop("vectors"), given.pop("loss")
fitter = curriculum.fitter
fitter.start(fitter.recipe.stage[0])
fitter.restore(given)
print(float(np.abs(embed_chips(fitter.model, curriculum.train.images, fitter.spec) - vectors).max()))
print(abs(fitter.step(values, [np.zeros((len(values), 1), np.float32)]) - float(loss)))
"""


def test_both_backends_give_equal_embeddings_and_equal_loss(chips_folder, tiny_recipe, tmp_path):
    curriculum = commands.open_run(read_recipe(tiny_recipe), chips_folder, tmp_path / "tf", resume=False)
    fitter = curriculum.fitter
    fitter.start(fitter.recipe.stage[0])
    values = np.random.default_rng(0).uniform(-1, 1, (30, 112, 112, 3)).astype(np.float32)
    kept = fitter.state()
    vectors = embed_chips(fitter.model, curriculum.train.images, fitter.spec)
    loss = fitter.step(values, [np.zeros((30, 1), np.float32)])
    assert loss > 0
    np.savez(tmp_path / "tensorflow.npz", values=values, vectors=vectors, loss=loss, **kept)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tiny_recipe), str(chips_folder), str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    embedding_error, loss_error = map(float, done.stdout.split())
    assert embedding_error < 1e-5
    assert loss_error < 1e-5

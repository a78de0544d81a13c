"""Muon steps along every direction of a kernel alike; what is no kernel is left to AdamW."""

import keras
import numpy as np
from edgeface_train.backbone import build
from edgeface_train.optimizers import KernelMuon, optimizer_of
from edgeface_train.recipe import Network, Stage


def test_a_step_on_a_convolution_moves_every_direction_about_equally():
    kernel = keras.Variable(np.zeros((3, 3, 4, 8)), dtype="float32", name="kernel")
    optimizer = KernelMuon(0.1, weight_decay=0.0, adam_weight_decay=0.0)
    rng = np.random.default_rng(0)
    gradient = rng.normal(size=(36, 8)) @ np.diag(10.0 ** -np.arange(0, 2, 0.25))
    optimizer.apply([keras.ops.convert_to_tensor(gradient.reshape(3, 3, 4, 8).astype(np.float32))], [kernel])
    sizes = np.linalg.svd(np.asarray(kernel).reshape(36, 8), compute_uv=False)
    as_adam = 0.1 * 0.2 * np.sqrt(36)
    assert sizes.max() < 1.3 * as_adam
    assert sizes.min() > 0.5 * as_adam


def test_only_kernels_that_mix_channels_are_orthogonalised():
    model = build(Network(stem=8, widths=[8, 8, 8], depths=[1, 1, 1], head=16, embedding=8), seed=1)
    muon = optimizer_of(Stage(kind="distil", optimizer="muon"))
    for variable in model.trainable_variables:
        mixes = len(variable.shape) in (2, 4) and variable.shape[-1] > 1 and "depthwise" not in variable.path
        assert muon._should_use_adamw(variable) is not mixes, variable.path
    assert not any(muon._should_use_adamw(v) for v in model.trainable_variables if v.path.endswith("embedding/kernel"))


def test_both_optimisers_lower_a_loss():
    for name in ("adamw", "muon"):
        kernel = keras.Variable(np.eye(4) * 2, dtype="float32", name="kernel")
        optimizer = optimizer_of(Stage(kind="distil", optimizer=name, learning_rate=0.05))
        for _ in range(20):
            optimizer.apply([2 * kernel], [kernel])
        assert np.square(np.asarray(kernel)).sum() < 16 * 0.8, name

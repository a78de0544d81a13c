"""Every backbone starts from Glorot weights, ends on the unit sphere and counts its work rightly."""

import math

import numpy as np
import pytest
from edgeface_train.backbone import BACKBONES, build, multiply_adds
from edgeface_train.recipe import Network

SMALL = {"stem": 8, "widths": [8, 16], "depths": [2, 1], "head": 16, "embedding": 16}


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_an_embedding_has_unit_length(name):
    model = build(Network(backbone=name, **SMALL), seed=1)
    chips = np.random.default_rng(0).uniform(-1, 1, (5, 112, 112, 3)).astype(np.float32)
    vectors = np.asarray(model.predict_on_batch(chips))
    assert vectors.shape == (5, 16)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_weights_start_within_the_bound_of_glorot_and_bengio(name):
    model = build(Network(backbone=name, **SMALL), seed=1)
    kernels = [layer.kernel for layer in model.layers if type(layer).__name__ in ("Conv2D", "Dense")]
    assert kernels
    for kernel in kernels:
        *field, before, after = kernel.shape
        bound = math.sqrt(6 / (math.prod(field) * (before + after)))
        values = np.abs(np.asarray(kernel))
        assert values.max() <= bound
        assert values.max() > 0.7 * bound


def test_the_seed_decides_the_weights():
    first, same, other = (build(Network(**SMALL), seed=seed).get_weights()[0] for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_multiply_adds_of_the_first_convolution_are_counted_by_hand():
    network = Network(stem=8, widths=[8], depths=[1], head=16, embedding=16)
    by_hand = (
        56 * 56 * 27 * 8  # stem
        + 28 * 28 * 2 * 72 * 8  # two 3x3 convolutions of the block; its shortcut keeps 8 channels
        + 28 * 28 * 8 * 16  # head
        + 28 * 28 * 16  # global depthwise
        + 16 * 16  # embedding
    )
    assert multiply_adds(build(network, seed=1)) == by_hand

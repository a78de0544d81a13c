"""What JPEG compression does to a picture, in Keras operations. Source: ITU-T T.81 (1992), annexes A and K."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

ops: Any = keras.ops
"""Keras declares that many of its operations return nothing."""

BLOCK = 8
LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
"""Steps of the coefficients at quality 50; table K.1."""
CHROMINANCE = np.full((BLOCK, BLOCK), 99, np.float32)
"""Table K.2."""
CHROMINANCE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]],
    np.float32,
).T
"""From red, green and blue; JFIF 1.02 (1992)."""
TO_RGB = np.linalg.inv(TO_YCC)


def cosines() -> npt.NDArray[np.float32]:
    """Return the (8, 8) matrix of the discrete cosine transform, orthonormal; T.81, A.3.3."""
    place, frequency = np.arange(BLOCK), np.arange(BLOCK)[:, np.newaxis]
    matrix = np.cos((2 * place + 1) * frequency * np.pi / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)


def compress(x: Any, qualities: Any) -> Any:
    """Return (n, size, size, 3) RGB pictures of 0 to 255 as they come back from JPEG of qualities (n,) from 1 to 99.

    The side is a multiple of 16: colour has half the pixels a side (4:2:0). Quality scales the steps as libjpeg does.
    """
    percent = ops.where(qualities < 50, ops.floor(5000 / qualities), 200 - 2 * qualities)[:, None, None]
    ycc = ops.matmul(x, TO_YCC)
    light = _quantised(ops.round(ycc[..., :1]) - 128, _steps(LUMINANCE, percent)) + 128
    small = ops.average_pool(ycc[..., 1:], 2, 2, data_format="channels_last")
    colour = _quantised(ops.round(small), _steps(CHROMINANCE, percent))
    wide = ops.image.resize(colour, x.shape[1:3], interpolation="bilinear", data_format="channels_last")
    whole = ops.clip(ops.round(ops.concatenate([light, wide], axis=-1)), -128, 255)
    return ops.clip(ops.round(ops.matmul(whole, TO_RGB)), 0, 255)


def _steps(table: npt.NDArray[np.float32], percent: Any) -> Any:
    """Return the (n, 8, 8) steps of a quality."""
    return ops.clip(ops.floor((table * percent + 50) / 100), 1, 255)


def _quantised(x: Any, steps: Any) -> Any:
    """Round the coefficients of the 8 x 8 blocks of (n, size, size, channels) values to steps (n, 8, 8)."""
    size, channels, count = x.shape[1], x.shape[3], x.shape[1] // BLOCK
    blocks = ops.reshape(x, (-1, count, BLOCK, count, BLOCK, channels))
    matrix = cosines()
    found = ops.einsum("fi,nricjk,gj->nrckfg", matrix, blocks, matrix)
    each = ops.reshape(steps, (-1, 1, 1, 1, BLOCK, BLOCK))
    kept = ops.round(found / each) * each
    back = ops.einsum("fi,nrckfg,gj->nricjk", matrix, kept, matrix)
    return ops.reshape(back, (-1, size, size, channels))

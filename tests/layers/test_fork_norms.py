"""BN and Normalize against plain loops, by what the layers of the forks compute."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import TEST
from tests.harness.gradient_check import GradientCheck
from tests.harness.one_layer import OneLayer, check

RNG = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def test_bn_as_in_pspnet() -> None:
    x, momentum, eps = normal(3, 2, 2, 4), 0.75, 1e-5
    words = "slope_filler { value: 1.5 } bias_filler { value: 0.5 } momentum: 0.75"
    one = OneLayer(f'type: "BN" bn_param {{ {words} }}', x)
    assert [blob.shape for blob in one.layer.blobs] == [(1, 2, 1, 1)] * 4
    mean, variance = np.zeros(2), np.zeros(2)
    for _ in range(2):
        expected = np.empty_like(x)
        for c in range(2):
            values = x[:, c].reshape(-1)
            batch = sum(values) / 24, sum((values - sum(values) / 24) ** 2) / 24
            expected[:, c] = 1.5 * (x[:, c] - batch[0]) / math.sqrt(batch[1] + eps) + 0.5
            mean[c] = momentum * mean[c] + (1 - momentum) * batch[0]
            variance[c] = momentum * variance[c] + (1 - momentum) * batch[1]
        np.testing.assert_allclose(one.forward(), expected, atol=1e-6)
    averages = [blob.data.reshape(-1) for blob in one.layer.blobs[2:]]
    np.testing.assert_allclose(averages, [mean, variance], atol=1e-12)
    GradientCheck(one.net, one.node).run()
    test = OneLayer(f'type: "BN" bn_param {{ {words} }}', x, phase=TEST)
    for blob, values in zip(test.layer.blobs[2:], (mean, variance), strict=True):
        blob.data = values.reshape(1, 2, 1, 1)
    for c in range(2):
        expected[:, c] = 1.5 * (x[:, c] - mean[c]) / math.sqrt(variance[c] + eps) + 0.5
    np.testing.assert_allclose(test.forward(), expected, atol=1e-6)
    slope = 1.5 / np.sqrt(variance + eps).reshape(1, 2, 1, 1)
    np.testing.assert_allclose(test.backward(x)[0], slope * x, rtol=1e-6)


def test_frozen_bn_trains_nothing() -> None:
    x = normal(2, 3, 4)
    one = OneLayer('type: "BN" bn_param { frozen: true }', x)
    np.testing.assert_allclose(one.forward(), x, atol=1e-4)  # averages 0 and 1
    assert [param.lr_mult for param in one.layer.layer_param.param] == [0] * 4
    assert not one.layer.blobs[2].data.any() and (one.layer.blobs[3].data == 1).all()


def test_bn_as_in_segnet() -> None:
    x = normal(3, 2, 2, 4)
    words = "scale_filler { value: 2 } shift_filler { value: 1 }"
    for phase in (0, TEST):
        one = OneLayer(f'type: "BN" bn_param {{ {words} }}', x, phase=phase)
        expected = np.empty_like(x)
        for c in range(2):
            squares, mean = sum(x[:, c].reshape(-1) ** 2) / 24, sum(x[:, c].reshape(-1)) / 24
            expected[:, c] = 2 * (x[:, c] - mean) / math.sqrt(squares - mean**2 + 1e-9) + 1
        assert len(one.layer.blobs) == 2
        check(one, expected)
    check(OneLayer(f'type: "BN" bn_param {{ {words} bn_mode: INFERENCE }}', x), 2 * x + 1)


@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_normalize(across: bool, shared: bool) -> None:
    x, expected = normal(2, 3, 2, 4), np.empty((2, 3, 2, 4))
    words = f"across_spatial: {str(across).lower()} channel_shared: {str(shared).lower()}"
    one = OneLayer(f'type: "Normalize" norm_param {{ {words} eps: 0.125 }}', x)
    (scale,) = one.layer.blobs
    assert scale.shape == (() if shared else (3,)) and (scale.data == 1).all()
    scale.data = normal(*scale.shape)
    weights = np.broadcast_to(scale.data, 3)
    for n, c, i, j in np.ndindex(*x.shape):
        values = x[n].reshape(-1) if across else x[n, :, i, j]
        expected[n, c, i, j] = weights[c] * x[n, c, i, j] / math.sqrt(0.125 + sum(values**2))
    check(one, expected)

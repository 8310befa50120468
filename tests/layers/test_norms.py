"""LayerNorm and GroupNorm against their formulas, value by value."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import LayerError
from tests.harness.gradient_check import GradientCheck
from tests.harness.one_layer import OneLayer

RNG = np.random.default_rng(0)
EPS = float(np.float32(0.1))  # 0.1 as a config holds it


def normalized(values: np.ndarray, eps: float) -> np.ndarray:
    """The values less their mean over their deviation, number by number."""
    flat = [float(x) for x in values.reshape(-1)]
    mean = sum(flat) / len(flat)
    variance = sum((x - mean) ** 2 for x in flat) / len(flat)
    return np.array([(x - mean) / math.sqrt(variance + eps) for x in flat]).reshape(values.shape)


def randomize(one: OneLayer) -> None:
    for blob in one.layer.blobs:
        blob.data = RNG.normal(size=blob.shape)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm(axis: int, affine: bool) -> None:
    x = RNG.normal(2, 3, (2, 3, 4))
    words = f"layer_norm_param {{ axis: {axis} eps: 0.1 affine: {str(affine).lower()} }}"
    one = OneLayer(f'type: "LayerNorm" {words}', x)
    randomize(one)
    expected, first = np.empty_like(x), axis % 3
    for place in np.ndindex(*x.shape[:first]):
        expected[place] = normalized(x[place], EPS)
        if affine:
            expected[place] = expected[place] * one.layer.blobs[0].data + one.layer.blobs[1].data
    assert [blob.shape for blob in one.layer.blobs] == [x.shape[first:]] * 2 * affine
    np.testing.assert_allclose(one.forward(), expected, atol=1e-12)
    GradientCheck(one.net, one.node).run()


@pytest.mark.parametrize("shape", [(2, 6, 3, 2), (3, 6), (2, 6, 4), (1, 6, 2, 1, 3)])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm(shape: tuple[int, ...], groups: int) -> None:
    x = RNG.normal(-1, 2, shape)
    one = OneLayer(f'type: "GroupNorm" group_norm_param {{ num_groups: {groups} eps: 0.1 }}', x)
    randomize(one)
    w, b = (blob.data for blob in one.layer.blobs)
    expected, each = np.empty_like(x), 6 // groups
    for n in range(shape[0]):
        for group in range(groups):
            mine = slice(group * each, (group + 1) * each)
            expected[n, mine] = normalized(x[n, mine], EPS)
        for channel in range(6):
            expected[n, channel] = expected[n, channel] * w[channel] + b[channel]
    assert w.shape == b.shape == (6,)
    np.testing.assert_allclose(one.forward(), expected, atol=1e-12)
    GradientCheck(one.net, one.node).run()


def test_group_norm_of_one_group_is_layer_norm() -> None:
    x = RNG.normal(size=(2, 4, 3, 3))
    whole = OneLayer('type: "LayerNorm" layer_norm_param { axis: 1 affine: false }', x)
    group = OneLayer('type: "GroupNorm" group_norm_param { num_groups: 1 affine: false }', x)
    np.testing.assert_allclose(group.forward(), whole.forward(), atol=1e-12)
    assert not whole.layer.blobs and not group.layer.blobs


def test_group_norm_of_one_channel_each_is_mvn() -> None:
    x = RNG.normal(size=(2, 4, 3, 3))
    each = OneLayer('type: "GroupNorm" group_norm_param { num_groups: 4 eps: 0 }', x)
    image = OneLayer('type: "MVN" mvn_param { eps: 0 }', x)
    np.testing.assert_allclose(each.forward(), image.forward(), atol=1e-12)


@pytest.mark.parametrize(
    ("text", "shape", "says"),
    [
        ('type: "GroupNorm"', (2, 6, 2, 2), "6 channels, num_groups 32"),
        (
            'type: "GroupNorm" group_norm_param { num_groups: 4 }',
            (2, 6),
            "6 channels, num_groups 4",
        ),
        ('type: "GroupNorm" group_norm_param { num_groups: 0 }', (2, 6), "num_groups 0"),
        ('type: "GroupNorm"', (32,), "has no axis 1"),
        ('type: "GroupNorm"', (1, 32, 0), "no values to normalize"),
        ('type: "LayerNorm" layer_norm_param { axis: 2 }', (2, 3), "has no axis 2"),
        ('type: "LayerNorm"', (2, 0), "no values to normalize"),
        ('type: "LayerNorm" layer_norm_param { eps: -1 }', (2, 3), "eps of 0 or more"),
    ],
)
def test_refused(text: str, shape: tuple[int, ...], says: str) -> None:
    with pytest.raises(LayerError, match=says):
        OneLayer(text, np.zeros(shape))


def test_other_width_is_refused() -> None:
    one = OneLayer('type: "LayerNorm"', np.zeros((2, 3)))
    one.node.bottom[0].reshape(2, 4)
    with pytest.raises(LayerError, match="does not fit the weights"):
        one.net.reshape()

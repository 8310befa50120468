"""The layers of Caffe's forks against plain loops, by what the forks' own layers compute."""

from __future__ import annotations

import numpy as np
import pytest

from engine import TEST, LayerError
from tests.harness.one_layer import OneLayer, check

RNG = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


@pytest.mark.parametrize(
    ("stride", "shape"), [(2, (2, 8, 4, 2)), (1, (1, 2, 3, 2)), (3, (1, 9, 3, 6))]
)
@pytest.mark.parametrize("reverse", [False, True])
def test_reorg(stride: int, shape: tuple[int, ...], reverse: bool) -> None:
    x = normal(*shape)
    n, channels, height, width = shape
    few, flat, expected = channels // stride**2, x.reshape(-1), np.empty(x.size)
    # Position k of (N, C, H, W) goes with one of (N, C / s^2, s H, s W), C, H, W the bottom's.
    for k, (b, c, j, i) in enumerate(np.ndindex(*shape)):
        part, out = divmod(c, few)
        row, column = j * stride + part // stride, i * stride + part % stride
        other = ((b * few + out) * height * stride + row) * width * stride + column
        if reverse:
            expected[other] = flat[k]
        else:
            expected[k] = flat[other]
    wide = (n, few, height * stride, width * stride)
    narrow = (n, channels * stride**2, height // stride, width // stride)
    words = f"stride: {stride} reverse: {str(reverse).lower()}"
    one = OneLayer(f'type: "Reorg" reorg_param {{ {words} }}', x)
    check(one, expected.reshape(wide if reverse else narrow))


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("height: 5 width: 3", (5, 3)),
        ("height: 1 width: 9", (1, 9)),
        ("zoom_factor: 2", (7, 9)),
        ("shrink_factor: 2", (2, 3)),
        ("shrink_factor: 2 zoom_factor: 3", (4, 7)),
        ("height: 4 width: 4 pad_beg: -1 pad_end: -1", (4, 4)),
    ],
)
def test_interp(words: str, size: tuple[int, int]) -> None:
    x, cut = normal(2, 2, 4, 5), "pad" in words
    inner = x[:, :, 1:-1, 1:-1] if cut else x
    (h, w), expected = inner.shape[2:], np.empty((2, 2, *size))
    for i, j in np.ndindex(*size):
        y = i * (h - 1) / (size[0] - 1) if size[0] > 1 else 0.0
        z = j * (w - 1) / (size[1] - 1) if size[1] > 1 else 0.0
        above, left = min(int(y + 1e-9), h - 1), min(int(z + 1e-9), w - 1)
        below, right = min(above + 1, h - 1), min(left + 1, w - 1)
        expected[:, :, i, j] = (1 - y + above) * (
            (1 - z + left) * inner[:, :, above, left] + (z - left) * inner[:, :, above, right]
        ) + (y - above) * (
            (1 - z + left) * inner[:, :, below, left] + (z - left) * inner[:, :, below, right]
        )
    check(OneLayer(f'type: "Interp" interp_param {{ {words} }}', x), expected)


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("scale: 2", (4, 6)),
        ("pad_out_h: true", (3, 6)),
        ("scale: 3 upsample_h: 5 upsample_w: 4", (5, 4)),
    ],
)
def test_upsample_by_mask(words: str, size: tuple[int, int]) -> None:
    x, expected = normal(2, 2, 2, 3), np.zeros((2, 2, *size))
    mask = np.empty_like(x)
    for n, c in np.ndindex(2, 2):
        places = RNG.permutation(size[0] * size[1])[:6]
        for (i, j), place in zip(np.ndindex(2, 3), places, strict=True):
            mask[n, c, i, j] = place
            expected[n, c, place // size[1], place % size[1]] = x[n, c, i, j]
    check(OneLayer(f'type: "Upsample" upsample_param {{ {words} }}', x, mask), expected)


def test_upsample_by_repetition() -> None:
    x, expected = normal(2, 2, 2, 3), np.empty((2, 2, 6, 9))
    for i, j in np.ndindex(6, 9):
        expected[:, :, i, j] = x[:, :, i // 3, j // 3]
    check(OneLayer('type: "Upsample" upsample_param { scale: 3 }', x), expected)


@pytest.mark.parametrize(
    "words",
    ["scale_h: 2", "upsample_h: 4", "scale: 2 scale_h: 2 scale_w: 2", "scale: 3 pad_out_h: true"],
)
def test_upsample_refuses(words: str) -> None:
    with pytest.raises(LayerError):
        OneLayer(
            f'type: "Upsample" upsample_param {{ {words} }}',
            normal(1, 1, 2, 2),
            np.zeros((1, 1, 2, 2)),
        )


def test_axpy() -> None:
    a, x, b = normal(2, 3, 1, 1), normal(2, 3, 2, 4), normal(2, 3, 2, 4)
    expected = np.empty_like(x)
    for n, c, i, j in np.ndindex(*x.shape):
        expected[n, c, i, j] = a[n, c, 0, 0] * x[n, c, i, j] + b[n, c, i, j]
    check(OneLayer('type: "Axpy"', a, x, b), expected)
    np.testing.assert_allclose(OneLayer('type: "Axpy"', a[:, :, 0, 0], x, b).forward(), expected)


def test_spatial_dropout() -> None:
    x = 1 + RNG.random((40, 50, 2, 3))
    one = OneLayer('type: "SpatialDropout" spatial_dropout_param { dropout_ratio: 0.25 }', x)
    factors = one.forward() / x
    kept = np.isclose(factors, 4 / 3)
    assert (kept | (factors == 0)).all()
    assert (kept.all(axis=(2, 3)) == kept.any(axis=(2, 3))).all()  # a channel goes as a whole
    assert abs(kept.mean() - 0.75) < 0.03
    test = OneLayer('type: "SpatialDropout"', x, phase=TEST)
    np.testing.assert_array_equal(test.forward(), x)


def test_shuffle_channel() -> None:
    x, expected = normal(2, 6, 2, 3), np.empty((2, 6, 2, 3))
    for row in range(3):
        for column in range(2):
            expected[:, column * 3 + row] = x[:, row * 2 + column]
    check(OneLayer('type: "ShuffleChannel" shuffle_channel_param { group: 3 }', x), expected)


@pytest.mark.parametrize(
    "kind",
    [
        '"DepthwiseConvolution" convolution_param { num_output: 3 group: 3',
        '"ConvolutionDepthwise" convolution_param {',
    ],
)
def test_depthwise(kind: str) -> None:
    x = normal(2, 3, 5, 6)
    words = "kernel_h: 3 kernel_w: 2 stride: 2 pad: 1 dilation: 1 weight_filler { type: 'xavier' }"
    one = OneLayer(f"type: {kind} {words} }}", x)
    weights, bias = (blob.data for blob in one.layer.blobs)
    assert weights.shape == (3, 1, 3, 2) and bias.shape == (3,)
    bias[...] = normal(3)
    expected = np.empty((2, 3, 3, 4))
    for n, c, i, j in np.ndindex(*expected.shape):
        expected[n, c, i, j] = bias[c]
        for a, b in np.ndindex(3, 2):
            row, column = 2 * i + a - 1, 2 * j + b - 1
            if 0 <= row < 5 and 0 <= column < 6:
                expected[n, c, i, j] += weights[c, 0, a, b] * x[n, c, row, column]
    check(one, expected)


def test_permute() -> None:
    x = normal(2, 3, 4, 5)
    expected = np.empty((4, 2, 3, 5))
    for a, b, c, d in np.ndindex(*x.shape):
        expected[c, a, b, d] = x[a, b, c, d]
    check(OneLayer('type: "Permute" permute_param { order: 2 }', x), expected)


@pytest.mark.parametrize("bottoms", [2, 3, 4])
def test_smooth_l1_loss(bottoms: int) -> None:
    given = [normal(4, 3, 2) for _ in range(bottoms)]
    inside = given[2] if bottoms > 2 else np.ones((4, 3, 2))
    outside = given[3] if bottoms > 3 else np.ones((4, 3, 2))
    total = 0.0
    for place in np.ndindex(4, 3, 2):
        d = inside[place] * (given[0][place] - given[1][place])
        near = abs(d) < 1 / 4
        total += outside[place] * (0.5 * 4 * d * d if near else abs(d) - 0.5 / 4)
    one = OneLayer('type: "SmoothL1Loss" smooth_l1_loss_param { sigma: 2 }', *given)
    check(one, np.array(total / 4))


def test_l1_loss() -> None:
    a, b = normal(4, 3), normal(4, 3)
    check(OneLayer('type: "L1Loss"', a, b), np.array(sum(abs(a - b).reshape(-1)) / 4))


def test_relu6() -> None:
    x = np.array([-2.0, -0.5, 0, 0.5, 3, 5.5, 6, 7])
    one = OneLayer('type: "ReLU6"', x)
    np.testing.assert_array_equal(one.forward(), [0, 0, 0, 0.5, 3, 5.5, 6, 6])
    np.testing.assert_array_equal(one.backward(np.ones(8))[0], [0, 0, 0, 1, 1, 1, 0, 0])

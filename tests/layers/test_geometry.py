"""Sliding windows against brute force: lengths, columns, correlation, pooling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from layers.kernels.convolver import choose
from layers.kernels.geometry import Geometry, pooled
from layers.kernels.im2col import col2im, im2col
from layers.kernels.max_pool import max_pool, max_pool_back
from layers.kernels.pool import WindowAxis, spread, sum_pool, tap_indices
from layers.kernels.stochastic_pool import draw, weighted_mean


@st.composite
def geometries(draw: st.DrawFn, axes: int | None = None) -> tuple[Geometry, tuple[int, ...]]:
    """A geometry and spatial lengths into which at least one window fits."""
    axes = axes or draw(st.integers(1, 3))

    def numbers(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(least, most)) for _ in range(axes))

    geometry = Geometry(numbers(1, 3), numbers(1, 3), numbers(0, 2), numbers(1, 2))
    lengths = numbers(1, 7)
    assume(min(geometry.convolved(lengths)) >= 1)
    return geometry, lengths


def starts(length: int, extent: int, stride: int, pad: int) -> list[int]:
    """Where windows start that lie within the padded axis, found one by one."""
    return [s for s in range(-pad, length + pad, stride) if s + extent <= length + pad]


def naive_columns(x: np.ndarray, geometry: Geometry) -> np.ndarray:
    out = geometry.convolved(x.shape[2:])
    columns = np.zeros((*x.shape[:2], *geometry.kernel, *out))
    rule = list(zip(geometry.stride, geometry.dilation, geometry.pad, strict=True))
    for tap in np.ndindex(*geometry.kernel):
        for place in np.ndindex(*out):
            at = [s * i + d * t - p for i, t, (s, d, p) in zip(place, tap, rule, strict=True)]
            if all(0 <= a < n for a, n in zip(at, x.shape[2:], strict=True)):
                every = (slice(None), slice(None))
                columns[(*every, *tap, *place)] = x[(*every, *at)]
    return columns.reshape(x.shape[0], -1, *out)


def naive_correlation(x: np.ndarray, w: np.ndarray, group: int, geometry: Geometry) -> np.ndarray:
    columns = naive_columns(x, geometry)
    out, (n, maps) = columns.shape[2:], (len(x), len(w))
    parts = columns.reshape(n, group, -1, int(np.prod(out)))
    y = np.einsum("gok,ngkl->ngol", w.reshape(group, maps // group, -1), parts)
    return y.reshape(n, maps, *out)


@given(geometries())
def test_convolution_lengths(case: tuple[Geometry, tuple[int, ...]]) -> None:
    geometry, lengths = case
    rule = zip(lengths, geometry.extent, geometry.stride, geometry.pad, strict=True)
    assert geometry.convolved(lengths) == tuple(len(starts(*numbers)) for numbers in rule)


@given(geometries())
def test_deconvolution_undoes_convolution_lengths(
    case: tuple[Geometry, tuple[int, ...]],
) -> None:
    geometry, lengths = case
    back = geometry.deconvolved(geometry.convolved(lengths))
    for length, given_back, stride in zip(lengths, back, geometry.stride, strict=True):
        assert 0 <= length - given_back < stride


@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 4), st.integers(0, 3))
def test_pooling_lengths(length: int, kernel: int, stride: int, pad: int) -> None:
    assume(pad < kernel <= length + 2 * pad)
    found = [
        s
        for s in itertools.takewhile(
            # The first window past the end is kept, unless it holds nothing but padding.
            lambda s: s - stride + kernel < length + pad or s == -pad,
            range(-pad, length + 2 * pad + stride, stride),
        )
    ]
    if pad and found[-1] >= length:
        found.pop()
    assert pooled(length, kernel, stride, pad) == len(found)
    assert pooled(length, kernel, stride, pad, floor=True) <= len(found)


@given(geometries(), st.integers(0, 2**32 - 1))
def test_im2col_equals_loops(case: tuple[Geometry, tuple[int, ...]], seed: int) -> None:
    geometry, lengths = case
    x = np.random.default_rng(seed).normal(size=(2, 2, *lengths))
    np.testing.assert_array_equal(im2col(x, geometry), naive_columns(x, geometry))


@given(geometries(), st.integers(0, 2**32 - 1))
def test_col2im_is_the_adjoint(case: tuple[Geometry, tuple[int, ...]], seed: int) -> None:
    geometry, lengths = case
    rng = np.random.default_rng(seed)
    x, folded = rng.normal(size=(2, 2, *lengths)), np.empty((2, 2, *lengths))
    columns = im2col(x, geometry)
    others = rng.normal(size=columns.shape)
    col2im(others, geometry, folded)
    assert np.isclose((columns * others).sum(), (x * folded).sum())


@pytest.mark.parametrize("shape", [(1, 3, 4), (2, 2, 3), (3, 1, 2), (2, 1, 1)])
@given(geometries(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_convolver(
    shape: tuple[int, int, int], case: tuple[Geometry, tuple[int, ...]], seed: int
) -> None:
    group, channels, maps = shape
    geometry, lengths = case
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, group * channels, *lengths))
    w = rng.normal(size=(group * maps, channels, *geometry.kernel))
    y, bias = naive_correlation(x, w, group, geometry), rng.normal(size=len(w))
    dy, out = rng.normal(size=y.shape), np.empty_like(y)
    convolver = choose(x.shape, w.shape, group, geometry)
    convolver.forward(x, w, bias, out)
    np.testing.assert_allclose(out - bias.reshape(-1, *[1] * len(lengths)), y, atol=1e-12)
    dw, dx = np.ones_like(w), np.empty_like(x)
    convolver.weight_gradient(x, dy, dw)
    convolver.data_gradient(dy, w, dx)
    # Both gradients are adjoints of the correlation, which is linear in x and in w.
    assert np.isclose(((dw - 1) * w).sum(), (dy * y).sum())
    assert np.isclose((dx * x).sum(), (dy * y).sum())
    other = rng.normal(size=x.shape)
    assert np.isclose((dx * other).sum(), (dy * naive_correlation(other, w, group, geometry)).sum())


@given(
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(1, 4),
    st.integers(0, 2),
    st.integers(0, 2**32 - 1),
)
def test_pooling_equals_loops(
    lengths: tuple[int, int], kernel: tuple[int, int], stride: int, pad: int, seed: int
) -> None:
    assume(pad < min(kernel))
    rows, columns = (WindowAxis(n, k, stride, pad) for n, k in zip(lengths, kernel, strict=True))
    assume(min(rows.out, columns.out) >= 1)
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (2, 2, *lengths)).astype(float)  # with ties
    y = np.empty((2, 2, rows.out, columns.out))
    taps, sums = np.empty(y.shape, np.uint8), np.empty_like(y)
    max_pool(x, rows, columns, y, taps)
    plain = np.empty_like(y)
    max_pool(x, rows, columns, plain, None)
    np.testing.assert_array_equal(plain, y)
    sum_pool(x, rows, columns, sums)
    indices = tap_indices(taps, rows, columns)
    for i, j in np.ndindex(rows.out, columns.out):
        top, left = i * stride - pad, j * stride - pad
        window = x[:, :, max(top, 0) : top + kernel[0], max(left, 0) : left + kernel[1]]
        np.testing.assert_allclose(sums[:, :, i, j], window.sum(axis=(2, 3)))
        flat = window.reshape(2, 2, -1)
        if flat.shape[2] == 0:
            assert (indices[:, :, i, j] == -1).all()
            continue
        np.testing.assert_array_equal(y[:, :, i, j], flat.max(axis=2))
        first = np.unravel_index(flat.argmax(axis=2), window.shape[2:])
        expected = (first[0] + max(top, 0)) * lengths[1] + first[1] + max(left, 0)
        np.testing.assert_array_equal(indices[:, :, i, j], expected)
    dy, dx = rng.normal(size=y.shape), np.empty_like(x)
    spread(dy, rows, columns, dx)
    assert np.isclose((dx * x).sum(), (dy * sums).sum())
    max_pool_back(dy, taps, rows, columns, dx)
    assert np.isclose((dx * x).sum(), (dy * np.where(indices < 0, 0, y)).sum())


def test_stochastic_pooling_draws_in_proportion() -> None:
    rng = np.random.default_rng(4)
    rows = columns = WindowAxis(2, 2, 2, 0)
    window = np.array([[1.0, 0.0], [2.0, 5.0]])
    x = np.broadcast_to(window, (200, 100, 2, 2)).copy()
    y, taps = np.empty((200, 100, 1, 1)), np.empty((200, 100, 1, 1), np.uint8)
    draw(x, rows, columns, rng.random(y.shape), y, taps)
    np.testing.assert_array_equal(y.reshape(-1), window.reshape(-1)[taps.reshape(-1) - 1])
    shares = np.bincount(taps.reshape(-1), minlength=5)[1:] / y.size
    np.testing.assert_allclose(shares, window.reshape(-1) / window.sum(), atol=0.02)
    weighted_mean(x, rows, columns, y)
    np.testing.assert_allclose(y, (window**2).sum() / window.sum())

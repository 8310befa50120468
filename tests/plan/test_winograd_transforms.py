"""Winograd's formulas, and how exact they are in float32."""

from __future__ import annotations

import numpy as np
import pytest

from engine.kernels.loops import winograd_transforms as transforms
from engine.kernels.loops.winograd_shapes import Shape, WeightOrder
from engine.kernels.onednn.memory import Layout, Memory
from tests.harness.engines import needs_onednn

FORMS = (transforms.F43, transforms.F25)


def transformed(transform: transforms.Transform, tile: np.ndarray) -> np.ndarray:
    values = np.array(transforms.both_ways(transform, list(tile.reshape(-1))))
    side = round(values.size**0.5)
    return values.reshape(side, side)


def correlated(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijkl,kl->ij", windows, kernel)


@pytest.mark.parametrize("form", FORMS)
def test_the_formula_of_a_tile(form: transforms.Form) -> None:
    rng = np.random.default_rng(1)
    d, g = rng.normal(size=(6, 6)), rng.normal(size=(form.kernel, form.kernel))
    product = transformed(transforms.of_input, d) * transformed(form.of_weights, g)
    assert np.allclose(transformed(form.to_output, product), correlated(d, g), atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_the_formula_of_its_gradient_by_weights(form: transforms.Form) -> None:
    rng = np.random.default_rng(1)
    d, dy = rng.normal(size=(6, 6)), rng.normal(size=(form.tile, form.tile))
    product = transformed(transforms.of_input, d) * transformed(form.of_output_gradient, dy)
    found = transformed(form.to_weight_gradient, product)
    assert np.allclose(found, correlated(d, dy), atol=1e-12)


@needs_onednn
@pytest.mark.parametrize("maps", [False, True], ids=["tiles", "maps"])
@pytest.mark.parametrize("channels", [32, 512])
@pytest.mark.parametrize("kernel", [3, 5])
def test_how_exact_it_is(kernel: int, channels: int, maps: bool) -> None:
    """Against float64: the largest error is some 1e-5 of the largest value."""
    pytest.importorskip("numba")
    from engine.kernels.loops.winograd import Convolution, WeightGradient

    rng = np.random.default_rng(2)
    x = np.maximum(rng.normal(size=(1, 9, 17, channels)), 0).astype(np.float32)
    dy = rng.normal(size=(1, 9, 17, 32)).astype(np.float32)
    w = rng.normal(size=(32, channels, kernel, kernel)).astype(np.float32)
    pad = kernel // 2
    padded = np.pad(x.astype(np.float64), ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[2:], axis=(1, 2))
    exact_y = np.einsum("nhwcij,kcij->nhwk", windows, w)
    exact_dw = np.einsum("nhwcij,nhwk->kcij", windows, dy)

    shape = Shape.of((1, channels, 9, 17), (1, 32, 9, 17), (pad, pad), kernel)
    size = 4 * kernel**2
    forward = Convolution(shape, 2, maps, WeightOrder(0, size * channels, size, 4))
    backward = WeightGradient(shape, 2, maps)
    room = Memory(Layout.plain((max(forward.size, backward.size),)))
    room.store.fill(255)  # no numbers, whatever has used it before
    y, dw = np.empty_like(dy), np.empty_like(w)
    assert forward.call(room, memory(x), memory(w), None, memory(y))() == 0
    assert backward.call(room, memory(x), memory(dy), (memory(dw), False), None)() == 0
    for found, exact in ((y, exact_y), (dw, exact_dw)):
        assert np.abs(found - exact).max() < 3e-5 * np.abs(exact).max()


def memory(array: np.ndarray) -> Memory:
    return Memory(Layout.plain(array.shape), array)

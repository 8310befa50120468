"""Fillers: the distribution each one promises, and what each one refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.schema import FillerParameter
from layers.fillers import FILLERS, fan, fill


def filled(shape: tuple[int, ...], seed: int = 1, **fields: object) -> np.ndarray:
    array = np.full(shape, np.nan, np.float32)
    fill(array, FillerParameter(**fields), np.random.default_rng(seed))
    return array


def test_constant() -> None:
    assert np.all(filled((2, 3), type="constant", value=1.5) == 1.5)


def test_the_default_is_zeros() -> None:
    assert np.all(filled((2, 3)) == 0)


def test_uniform_covers_its_range() -> None:
    values = filled((100, 100), type="uniform", min=-2, max=3)
    assert values.min() >= -2 and values.max() < 3
    assert values.mean() == pytest.approx(0.5, abs=0.05)
    assert values.var() == pytest.approx(25 / 12, rel=0.03)


def test_gaussian_has_its_moments() -> None:
    values = filled((100, 100), type="gaussian", mean=2, std=0.5)
    assert values.mean() == pytest.approx(2, abs=0.02)
    assert values.std() == pytest.approx(0.5, rel=0.03)
    assert np.mean(np.abs(values - 2) < 0.5) == pytest.approx(0.683, abs=0.02)


def test_sparse_gaussian_keeps_so_many_weights_an_input() -> None:
    values = filled((200, 500), type="gaussian", sparse=10)
    assert np.count_nonzero(values) / 500 == pytest.approx(10, rel=0.05)


def test_sparse_zero_keeps_none() -> None:
    assert not filled((5, 5), type="gaussian", sparse=0).any()


def test_positive_unitball_sums_to_one_for_each_output() -> None:
    values = filled((4, 3, 5, 5), type="positive_unitball")
    assert values.min() >= 0
    np.testing.assert_allclose(values.reshape(4, -1).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("norm", "n"), [("FAN_IN", 75), ("FAN_OUT", 500), ("AVERAGE", (75 + 500) / 2)]
)
def test_xavier_is_uniform_with_variance_1_over_n(norm: str, n: float) -> None:
    values = filled((20, 3, 5, 5), type="xavier", variance_norm=norm)
    bound = math.sqrt(3 / n)
    assert np.abs(values).max() <= bound * (1 + 1e-6)
    assert np.abs(values).max() > 0.95 * bound
    assert values.var() == pytest.approx(1 / n, rel=0.1)


@pytest.mark.parametrize(
    ("norm", "n"), [("FAN_IN", 75), ("FAN_OUT", 500), ("AVERAGE", (75 + 500) / 2)]
)
def test_msra_is_normal_with_variance_2_over_n(norm: str, n: float) -> None:
    values = filled((20, 3, 5, 5), type="msra", variance_norm=norm)
    assert values.mean() == pytest.approx(0, abs=4 * math.sqrt(2 / n / values.size))
    assert values.var() == pytest.approx(2 / n, rel=0.15)
    assert np.abs(values).max() > 2.5 * math.sqrt(2 / n), "a normal has tails"


def test_bilinear_kernel_for_doubling() -> None:
    ramp = np.array([0.25, 0.75, 0.75, 0.25])
    values = filled((2, 3, 4, 4), type="bilinear")
    np.testing.assert_array_equal(values, np.broadcast_to(np.outer(ramp, ramp), (2, 3, 4, 4)))


@given(st.integers(1, 6))
def test_bilinear_keeps_a_flat_image_flat(factor: int) -> None:
    # Upsampling by `factor` with the kernel that belongs to it: what lands on an output pixel
    # are the taps `factor` apart, and they must sum to 1.
    size = 2 * factor - factor % 2
    kernel = filled((1, 1, size, size), type="bilinear")[0, 0]
    for row in range(factor):
        for column in range(factor):
            assert kernel[row::factor, column::factor].sum() == pytest.approx(1, rel=1e-5)


@given(st.lists(st.integers(1, 5), max_size=4), st.sampled_from(["FAN_IN", "FAN_OUT", "AVERAGE"]))
def test_fan_of_every_shape_is_positive(shape: list[int], norm: str) -> None:
    n = fan(tuple(shape), FillerParameter(variance_norm=norm))
    assert 0 < n <= max(1, math.prod(shape))


@pytest.mark.parametrize("name", sorted(set(FILLERS) - {"bilinear"}))
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 0), (2, 3, 4, 5)])
def test_every_filler_fills_every_shape(name: str, shape: tuple[int, ...]) -> None:
    values = filled(shape, type=name)
    assert values.shape == shape and values.dtype == np.float32
    assert np.isfinite(values).all()


@pytest.mark.parametrize("name", sorted(FILLERS))
def test_the_same_generator_gives_the_same_numbers(name: str) -> None:
    first, second = (filled((2, 3, 4, 4), seed=7, type=name) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    if name not in ("constant", "bilinear"):
        assert not np.array_equal(first, filled((2, 3, 4, 4), seed=8, type=name))


@pytest.mark.parametrize(
    ("shape", "fields", "words"),
    [
        ((2, 3), {"type": "gausian"}, 'did you mean "gaussian"'),
        ((2, 3), {"type": "Xavier"}, 'did you mean "xavier"'),
        ((2, 3), {"type": "zzz"}, "known are constant"),
        ((2, 3), {"type": "uniform", "min": 2}, "min 2.0 above max 1.0"),
        ((2, 3), {"type": "gaussian", "std": 0}, "std above 0"),
        ((2, 3), {"type": "gaussian", "std": -1}, "std above 0"),
        ((2, 3), {"type": "gaussian", "sparse": -2}, "0 or more"),
        ((2, 3), {"type": "xavier", "sparse": 3}, "cannot be sparse"),
        ((2, 3), {"type": "bilinear"}, r"\(N, C, K, K\)"),
        ((1, 1, 3, 4), {"type": "bilinear"}, r"\(1, 1, 3, 4\)"),
    ],
)
def test_refused(shape: tuple[int, ...], fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        filled(shape, **fields)

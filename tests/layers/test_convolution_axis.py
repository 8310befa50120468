"""Convolution and Deconvolution with their channels at another axis than 1."""

from __future__ import annotations

import numpy as np
import pytest

from tests.harness.gradient_check import GradientCheck
from tests.harness.one_layer import OneLayer

WORDS = "num_output: 4 kernel_size: 3 stride: 2 pad: 1 weight_filler { type: 'xavier' }"


@pytest.mark.parametrize("kind", ["Convolution", "Deconvolution"])
@pytest.mark.parametrize("group", [1, 2])
def test_leading_axes_are_all_images(kind: str, group: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 2, 5, 4))
    text = f'type: "{kind}" convolution_param {{ {WORDS} group: {group} %s }}'
    apart = OneLayer(text % "axis: 2", x)
    joined = OneLayer(text % "axis: 1", x.reshape(6, 2, 5, 4))
    y = joined.forward()
    np.testing.assert_allclose(apart.forward(), y.reshape(2, 3, *y.shape[1:]), atol=1e-12)
    GradientCheck(apart.net, apart.node).run()


def test_channels_first_of_all() -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 4))
    text = f'type: "Convolution" convolution_param {{ {WORDS} %s }}'
    alone = OneLayer(text % "axis: 0", x).forward()
    np.testing.assert_allclose(alone, OneLayer(text % "", x[None]).forward()[0], atol=1e-12)

"""Losses with a weight for each sample: their sum, and the gradients."""

from __future__ import annotations

import numpy as np
import pytest

from engine import TRAIN, LayerError, Net
from engine.spec import parse_net
from tests.harness.gradient_check import GradientCheck, spread

NET = """
layer {{ name: "in" type: "Input" top: "a" top: "b" top: "w"
        input_param {{ shape {{ dim: [4, 3] }} shape {{ dim: {second} }} shape {{ dim: 4 }} }} }}
layer {{ name: "loss" type: "{type}" bottom: "a" bottom: "b" {weights} top: "loss" {options} }}
"""
LOSSES = [
    ("EuclideanLoss", [4, 3], ""),
    ("L1Loss", [4, 3], ""),
    ("SigmoidCrossEntropyLoss", [4, 3], ""),
    ("HingeLoss", [4], ""),
    ("HingeLoss", [4], "hinge_loss_param { norm: L2 }"),
    ("SoftmaxWithLoss", [4], ""),
]
WEIGHTS = np.array([0.5, 0, 2, 1])


def build(type_name: str, second: list[int], options: str, weighed: bool) -> Net:
    weights = 'bottom: "w"' if weighed else ""
    text = NET.format(type=type_name, second=second, options=options, weights=weights)
    net = Net(parse_net(text), phase=TRAIN, dtype=np.float64)
    rng = np.random.default_rng(3)
    net.blobs["a"].data = spread((4, 3), rng)
    flat = len(second) == 1
    net.blobs["b"].data = [2, 0, 1, 1] if flat else spread((4, 3), rng)[::-1] / 3
    return net


@pytest.mark.parametrize("type_name, second, options", LOSSES)
def test_gradients(type_name: str, second: list[int], options: str) -> None:
    net = build(type_name, second, options, weighed=True)
    net.blobs["w"].data = WEIGHTS
    assert GradientCheck(net, net.nodes[-1]).run() >= 12


@pytest.mark.parametrize("type_name, second, options", LOSSES)
def test_a_weight_of_one_is_none_and_of_two_counts_twice(
    type_name: str, second: list[int], options: str
) -> None:
    plain = float(build(type_name, second, options, weighed=False).forward()["loss"])
    net = build(type_name, second, options, weighed=True)
    for factor in (1, 2):
        net.blobs["w"].data = np.full(4, factor)
        assert float(net.forward()["loss"]) == pytest.approx(factor * plain)


@pytest.mark.parametrize("type_name, second, options", LOSSES)
def test_a_weight_for_each_sample(type_name: str, second: list[int], options: str) -> None:
    net = build(type_name, second, options, weighed=True)
    net.blobs["w"].reshape(3)
    with pytest.raises(LayerError, match="a weight for each"):
        net.reshape()

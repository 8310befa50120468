"""Which layers a net has: state rules and Split insertion."""

from __future__ import annotations

from itertools import product

import pytest

from engine import TRAIN, DemitasseError, Net
from engine.schema import NetState, NetStateRule
from engine.spec import parse_net
from engine.spec.filter import filter_layers, meets
from engine.spec.splits import insert_splits


def layers(text: str) -> list[str]:
    return [layer.name for layer in filter_layers(parse_net(text).param).layer]


RULES = """
state {{ {state} }}
layer {{ name: "always" type: "Input" }}
layer {{ name: "ruled" type: "Input" {rules} }}
"""


@pytest.mark.parametrize(
    "state, rules, included",
    [
        ("phase: TRAIN", "include { phase: TRAIN }", True),
        ("phase: TEST", "include { phase: TRAIN }", False),
        ("phase: TEST", "exclude { phase: TRAIN }", True),
        ("phase: TEST", "include { phase: TRAIN } include { phase: TEST }", True),
        ("level: 2", "include { min_level: 2 max_level: 3 }", True),
        ("level: 4", "include { min_level: 2 max_level: 3 }", False),
        ('stage: ["a", "b"]', 'include { stage: ["a", "b"] }', True),
        ('stage: "a"', 'include { stage: ["a", "b"] }', False),
        ('stage: "a"', 'include { not_stage: "b" }', True),
        ('stage: ["a", "b"]', 'exclude { stage: "a" not_stage: "b" }', True),
    ],
)
def test_rules(state: str, rules: str, included: bool) -> None:
    expected = ["always", "ruled"] if included else ["always"]
    assert layers(RULES.format(state=state, rules=rules)) == expected


def test_an_empty_rule_meets_every_state() -> None:
    for phase, level in product((0, 1), (-1, 0, 5)):
        assert meets(NetState(phase=phase, level=level, stage=["x"]), NetStateRule())


def test_include_and_exclude_do_not_mix() -> None:
    with pytest.raises(DemitasseError, match="cannot be mixed"):
        layers(RULES.format(state="", rules="include { min_level: 1 } exclude { }"))


def test_a_net_that_is_empty_in_its_phase() -> None:
    with pytest.raises(DemitasseError, match="no layer of the net is included in TRAIN"):
        Net(parse_net('layer { name: "x" type: "Input" include { phase: TEST } }'), phase=TRAIN)


SHARED_BLOB = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2, 3] } } }
layer { name: "a" type: "Sigmoid" bottom: "x" top: "a" }
layer { name: "b" type: "Sigmoid" bottom: "x" top: "b" }
"""


def test_split_names_are_caffes() -> None:
    param = insert_splits(parse_net(SHARED_BLOB).param)
    assert [layer.name for layer in param.layer] == ["in", "x_in_0_split", "a", "b"]
    assert list(param.layer[1].top) == ["x_in_0_split_0", "x_in_0_split_1"]
    assert param.layer[2].bottom == ["x_in_0_split_0"]
    assert param.layer[3].bottom == ["x_in_0_split_1"]


def test_one_reader_needs_no_split() -> None:
    text = SHARED_BLOB.replace('bottom: "x" top: "b"', 'bottom: "a" top: "b"')
    assert len(insert_splits(parse_net(text).param).layer) == 3


def test_splits_of_splits_are_stable() -> None:
    once = insert_splits(parse_net(SHARED_BLOB).param)
    assert insert_splits(once) == once


def test_a_loss_that_is_read_keeps_its_weight_once() -> None:
    text = """
    layer { name: "in" type: "Input" top: "x" top: "t" input_param { shape { dim: [2, 3] } } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "x" bottom: "t" top: "loss" loss_weight: 3 }
    layer { name: "twice" type: "Power" bottom: "loss" top: "twice" power_param { scale: 2 } }
    """
    net = Net(parse_net("force_backward: true\n" + text), phase=TRAIN)
    net.blobs["x"].data[...] = 1
    total = net.forward_backward()
    assert total == pytest.approx(3 * float(net.blobs["loss"].data))
    assert net.blobs["loss"].diff == pytest.approx(3)


def test_in_place_layers_pass_on_the_newest_version() -> None:
    text = """
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, 2] } } }
    layer { name: "relu" type: "ReLU" bottom: "x" top: "x" }
    layer { name: "a" type: "Sigmoid" bottom: "x" top: "a" }
    layer { name: "b" type: "Sigmoid" bottom: "x" top: "b" }
    """
    names = [layer.name for layer in insert_splits(parse_net(text).param).layer]
    assert names == ["in", "relu", "x_relu_0_split", "a", "b"]

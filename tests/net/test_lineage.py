"""Errors about shapes: how they came about, in the names of the config."""

from __future__ import annotations

import numpy as np
import pytest

from engine import LayerError, Net
from engine.spec import parse_net

TEXT = """
layer { name: "a" type: "Input" top: "a" input_param { shape { dim: [2, 3] } } }
layer { name: "b" type: "Input" top: "b" input_param { shape { dim: [2, 3] } } }
layer { name: "relu" type: "ReLU" bottom: "a" top: "relu" }
layer { name: "tanh" type: "TanH" bottom: "relu" top: "relu" }
layer { name: "sum" type: "Eltwise" bottom: "relu" bottom: "b" top: "sum" }
layer { name: "product" type: "Eltwise" bottom: "relu" bottom: "b" top: "product" }
"""


def test_when_the_net_is_built() -> None:
    text = TEXT.replace("dim: [2, 3]", "dim: [4, 3]", 1)
    with pytest.raises(LayerError) as caught:
        Net(parse_net(text, "n.prototxt"))
    assert caught.value.chains == ("a (4, 3) -> relu (4, 3) -> tanh (4, 3)",)
    assert caught.value.where == (
        'n.prototxt:6:1, layer "sum" (Eltwise) [bottoms: "relu" (4, 3), "b" (2, 3)]'
    )
    assert caught.value.what == '"relu" and "b" must have the same shape'
    assert "_split_" not in str(caught.value)


def test_when_an_input_has_another_shape() -> None:
    net = Net(parse_net(TEXT, "n.prototxt"))
    with pytest.raises(LayerError) as caught:
        net.forward(a=np.zeros((4, 3)), b=np.zeros((2, 3)))
    assert '"relu" and "b"' in caught.value.what
    assert "_split_" not in str(caught.value)


def test_all_missing_bottoms_at_once() -> None:
    text = TEXT.replace('bottom: "b"', 'bottom: "c"')
    with pytest.raises(Exception, match="2 problems") as caught:
        Net(parse_net(text, "n.prototxt"))
    told = str(caught.value)
    assert told.count('no layer above makes its bottom "c"') == 2
    assert 'layer "sum"' in told and 'layer "product"' in told


def test_layers_of_one_name_in_two_phases_have_places_of_their_own() -> None:
    text = """
layer { name: "d" type: "Input" top: "d" include { phase: TRAIN } input_param { shape { dim: 2 } } }
layer { name: "d" type: "Input" top: "d" include { phase: TEST } bottom: "x" }
"""
    with pytest.raises(LayerError) as caught:
        Net(parse_net(text, "n.prototxt"), phase=1)
    assert caught.value.where.startswith("n.prototxt:3:1, ")

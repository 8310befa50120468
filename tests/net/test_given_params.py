"""Parameters that a config gives a layer as blobs, as Caffe takes them."""

from __future__ import annotations

import numpy as np
import pytest

from engine import LayerError, Net
from engine.spec import parse_net

CONFIG = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 2] } } }
layer {
  name: "y" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 }
  blobs { shape { dim: [1, 2] } data: [3, -2] }
  blobs { shape { dim: 1 } double_data: 0.5 }
}
"""


def test_taken_over() -> None:
    net = Net(parse_net(CONFIG), dtype=np.float64)
    np.testing.assert_array_equal(net.params["y"][0].data, [[3, -2]])
    assert net.forward(x=np.array([[1.0, 1.0]]))["y"].item() == 1.5


def test_another_shape() -> None:
    spec = parse_net(CONFIG.replace("shape { dim: [1, 2] } data", "shape { dim: [2, 1] } data"))
    with pytest.raises(LayerError, match="blob 0 in another shape"):
        Net(spec)


def test_oldest_form_of_a_shape() -> None:
    old = CONFIG.replace("shape { dim: [1, 2] } data", "num: 1 channels: 1 height: 1 width: 2 data")
    assert Net(parse_net(old)).params["y"][0].data.tolist() == [[3, -2]]


def test_other_number() -> None:
    text = CONFIG.replace("blobs { shape { dim: 1 } double_data: 0.5 }", "")
    with pytest.raises(LayerError, match="wrong number of blobs"):
        Net(parse_net(text))

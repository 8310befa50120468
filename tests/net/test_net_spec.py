"""Nets written in Python as with pycaffe's NetSpec."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format

import engine.net_spec
from engine import TEST, ConfigError, DemitasseError, Net, NetSpec
from engine import layers as L
from engine import params as P
from engine.schema import NetParameter
from engine.spec import read_net, to_prototxt
from tests.harness.places import ROOT


def lenet(batch: int) -> NetSpec:
    """As in Caffe's "Learning LeNet" notebook, with made-up data."""
    n = NetSpec()
    shapes = [dict(dim=[batch, 1, 28, 28]), dict(dim=[batch])]
    n.data, n.label = L.DummyData(shape=shapes, ntop=2)
    n.conv1 = L.Convolution(
        n.data, kernel_size=5, num_output=20, weight_filler=dict(type="xavier"),
        param=[dict(lr_mult=1), dict(lr_mult=2)],
    )  # fmt: skip
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.conv2 = L.Convolution(
        n.pool1, kernel_size=5, num_output=50, weight_filler=dict(type="xavier")
    )
    n.pool2 = L.Pooling(n.conv2, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.fc1 = L.InnerProduct(n.pool2, num_output=500, weight_filler=dict(type="xavier"))
    n.relu1 = L.ReLU(n.fc1, in_place=True)
    n.score = L.InnerProduct(n.relu1, num_output=10, weight_filler=dict(type="xavier"))
    n.accuracy = L.Accuracy(n.score, n.label, include=dict(phase=TEST))
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return n


LENET = """
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 4 dim: 1 dim: 28 dim: 28 } shape { dim: 4 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 20 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 50 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "fc1" type: "InnerProduct" bottom: "pool2" top: "fc1"
  inner_product_param { num_output: 500 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "fc1" top: "fc1" }
layer { name: "score" type: "InnerProduct" bottom: "fc1" top: "score"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "accuracy"
  include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
"""


def test_lenet() -> None:
    assert lenet(4).to_proto() == text_format.Parse(LENET, NetParameter())


def test_net_takes_a_spec() -> None:
    spec = lenet(4)
    net = Net(spec, phase=TEST)
    assert set(net.forward()) == {"accuracy", "loss"}
    assert net.params["conv1"][0].data.shape == (20, 1, 5, 5)
    assert "accuracy" not in Net(spec.to_proto(), phase=0).blobs


def test_text_is_prototxt(tmp_path) -> None:
    file = tmp_path / "net.prototxt"
    file.write_text(str(lenet(4).to_proto()))
    assert read_net(file).param == lenet(4).to_proto()
    file.write_text(to_prototxt(lenet(4).to_proto()))
    assert read_net(file).param == lenet(4).to_proto()


def test_names_of_what_is_not_named() -> None:
    n = NetSpec()
    n.data = L.Input(input_param=dict(shape=dict(dim=[1, 2])))
    n.out = L.Sigmoid(L.Sigmoid(L.ReLU(n.data)))
    rows = [(x.name, list(x.bottom), list(x.top)) for x in n.to_proto().layer]
    assert rows == [
        ("data", [], ["data"]),
        ("ReLU1", ["data"], ["ReLU1"]),
        ("Sigmoid1", ["ReLU1"], ["Sigmoid1"]),
        ("out", ["Sigmoid1"], ["out"]),
    ]


def test_loose_tops() -> None:
    data, label = L.DummyData(shape=dict(dim=[2]), ntop=2)
    net = engine.net_spec.to_proto(L.EuclideanLoss(data, label))
    assert [x.name for x in net.layer] == ["DummyData1", "EuclideanLoss1"]
    assert list(net.layer[0].top) == ["DummyData1", "DummyData2"]
    assert list(L.ReLU(data).to_proto().layer[1].bottom) == ["DummyData1"]


def test_items_tops_without_top_and_values() -> None:
    n = NetSpec()
    n["conv1/data"] = L.Input(shape=dict(dim=[np.int64(1), 3, 8, 8]))
    n.up = L.Deconvolution(
        n["conv1/data"], num_output=2, kernel_size=[2, 3], bias_term=np.bool_(False),
        name="up/conv", propagate_down=[False], loss_weight=np.float32(0.5),
    )  # fmt: skip
    n.python = L.Python(n.up, module="m", layer="Y", param_str="{}")
    n.silence = L.Silence(n.python, ntop=0)
    first, up, python, silence = n.to_proto().layer
    assert list(first.input_param.shape[0].dim) == [1, 3, 8, 8]
    assert up.name == "up/conv" and list(up.top) == ["up"] and list(up.loss_weight) == [0.5]
    assert list(up.convolution_param.kernel_size) == [2, 3]
    assert python.python_param.layer == "Y"
    assert silence.name == "silence" and not silence.top
    assert "conv1/data" in n
    del n["conv1/data"], n.up
    assert "up" not in n


def test_deep_nets_do_not_exhaust_the_stack() -> None:
    top = L.Input(shape=dict(dim=[1]))
    for _ in range(5000):
        top = L.ReLU(top)
    assert len(top.to_proto().layer) == 5001


def test_mistakes_are_told_together_with_their_lines() -> None:
    n = NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 8, 8]))
    n.conv = L.Convolution(n.data, num_ouptut=2)
    n.pool = L.Pooling(n.conv, pool="MXA", kernel_size=2.5)
    with pytest.raises(ConfigError) as caught:
        n.to_proto()
    said = str(caught.value)
    assert f"{__file__}:" in said
    assert 'unknown field "num_ouptut" in convolution_param of layer "conv"' in said
    assert 'did you mean "num_output"?' in said and 'did you mean "MAX"?' in said
    assert 'wrong type for "kernel_size" in pooling_param of layer "pool"' in said


def test_what_is_no_top() -> None:
    n = NetSpec()
    with pytest.raises(DemitasseError, match=r"bottom 1 of L\.ReLU is not the top of a layer"):
        L.ReLU("data")
    with pytest.raises(DemitasseError, match="is to be a layer's top"):
        n.data = 3
    with pytest.raises(DemitasseError) as caught:
        n.data = L.DummyData(shape=dict(dim=[1]), ntop=2)
    assert caught.value.hint == "n.a, n.b = ... names 2 tops"
    with pytest.raises(DemitasseError, match="cannot run in place"):
        L.ReLU(in_place=True)
    n.data = L.Input(shape=dict(dim=[1]), other=object())
    with pytest.raises(DemitasseError, match="cannot be a layer's parameter"):
        n.to_proto()


def test_missing_names_have_near_ones() -> None:
    n = NetSpec()
    n.conv1 = L.Input(shape=dict(dim=[1]))
    with pytest.raises(AttributeError, match='no "conv2" yet. did you mean "conv1"?'):
        _ = n.conv2
    with pytest.raises(AttributeError, match='did you mean "Pooling"?'):
        _ = P.Poling.MAX
    assert (P.Pooling.AVE, P.Eltwise.SUM) == (1, 1)


def test_the_package_layers_is_another_thing() -> None:
    import layers

    assert layers is not L and (ROOT / "layers" / "__init__.py").samefile(str(layers.__file__))

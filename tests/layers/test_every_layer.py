"""Every registered layer, by the example in its docstring: registering it enrols it here."""

from __future__ import annotations

import numpy as np
import pytest

from engine import TRAIN, LayerError, Net
from engine.net.gradient_flow import Node
from engine.spec import parse_net, to_prototxt, to_yaml
from layers import find_layer, layer_types
from layers.example import example
from tests.harness.gradient_check import GradientCheck, fill_bottoms, has_backward

# Their examples name files that are not there, or write one.
FILE_SOURCES = {
    "ArrayData", "CSVData", "Data", "HDF5Data", "HDF5Output", "ImageData", "ImageFolder",
    "WindowData",
}  # fmt: skip
COMPUTING = [name for name in layer_types() if name not in FILE_SOURCES]


def build(type_name: str, **options: object) -> tuple[Net, Node]:
    cls = find_layer(type_name)
    assert cls is not None
    net = Net(parse_net(example(cls)), phase=TRAIN, seed=5, allow_code=True, **options)
    return net, next(node for node in reversed(net.nodes) if node.layer.type == type_name)


def feed(net: Net, node: Node) -> None:
    fill_bottoms(node, np.random.default_rng(2))


@pytest.mark.parametrize("type_name", layer_types())
def test_docstring_tells_all(type_name: str) -> None:
    cls = find_layer(type_name)
    assert cls is not None and cls.__doc__
    assert f'type: "{type_name}"' in example(cls), "the Example:: must use the layer"
    for section in ("Formula:", "Shapes:", "Source:"):
        assert section in cls.__doc__, f"no {section} in the docstring"


@pytest.mark.parametrize("type_name", layer_types())
def test_config_round_trip(type_name: str) -> None:
    cls = find_layer(type_name)
    assert cls is not None
    param = parse_net(example(cls)).param
    assert parse_net(to_prototxt(param), "net.prototxt").param == param
    assert parse_net(to_yaml(param), "net.yaml").param == param


@pytest.mark.parametrize("type_name", COMPUTING)
def test_gradient(type_name: str) -> None:
    net, node = build(type_name, dtype=np.float64)
    if not has_backward(node.layer) or not node.bottom:
        assert not node.layer.blobs or not node.bottom, "parameters without a gradient"
        return
    feed(net, node)
    assert GradientCheck(net, node).run() > 0 or not node.top


@pytest.mark.parametrize("type_name", COMPUTING)
def test_shapes_survive_a_change_of_batch_size(type_name: str) -> None:
    net, node = build(type_name)
    if not net.inputs or not node.bottom:
        return
    feed(net, node)
    bottoms = [blob.data.copy() for blob in node.bottom]
    state = net.rng.bit_generator.state
    node.layer.forward(node.bottom, node.top)
    before = [blob.data.copy() for blob in node.top]
    params = [blob.data.copy() for blob in node.layer.blobs]
    shapes = {name: net.blobs[name].shape for name in net.inputs}
    try:
        for name, shape in shapes.items():
            net.blobs[name].reshape(shape[0] + 1, *shape[1:])
        net.reshape()
    except LayerError:
        pass  # a layer may be bound to its batch size; it must only say so
    for name, shape in shapes.items():
        net.blobs[name].reshape(*shape)
    net.reshape()
    if not node.layer.get_state():
        for blob, values in zip(node.bottom, bottoms, strict=True):
            blob.data = values
        net.rng.bit_generator.state = state
        if not getattr(node.layer, "frozen_params", False):
            for blob, values in zip(node.layer.blobs, params, strict=True):
                blob.data = values
        node.layer.forward(node.bottom, node.top)
        for blob, values in zip(node.top, before, strict=True):
            np.testing.assert_array_equal(blob.data, values)
    for blob in (*node.top, *node.bottom, *node.layer.blobs):
        assert blob.diff.shape == blob.data.shape


@pytest.mark.parametrize("type_name", COMPUTING)
def test_save_and_load(type_name: str, tmp_path: object) -> None:
    net, node = build(type_name)
    if not node.layer.blobs:
        return
    path = f"{tmp_path}/net.caffemodel"
    for blob in node.layer.blobs:
        blob.data = np.random.default_rng(9).random(blob.shape)
    net.save(path)
    other, other_node = build(type_name)
    other.copy_from(path)
    for mine, theirs in zip(node.layer.blobs, other_node.layer.blobs, strict=True):
        np.testing.assert_array_equal(mine.data, theirs.data)

"""forward_all and its like: any number of samples, batch by batch; HDF5; lists of names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import TEST, DemitasseError, Net
from engine.spec import parse_net

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 3 } } }
layer { name: "target" type: "Input" top: "target" input_param { shape { dim: 4 dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param {
  num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "target" top: "loss" }
force_backward: true
"""
SAMPLES = np.random.default_rng(0).random((10, 3), np.float32)
TARGETS = np.random.default_rng(1).random((10, 2), np.float32)


@pytest.fixture
def net() -> Net:
    return Net(parse_net(NET), phase=TEST, seed=1)


def test_forward_all(net: Net) -> None:
    found = net.forward_all(blobs=["ip"], data=SAMPLES, target=TARGETS)
    weight, bias = (blob.data for blob in net.params["ip"])
    np.testing.assert_allclose(found["ip"], SAMPLES @ weight.T + bias, rtol=1e-5)
    assert found["loss"].shape == (3,)  # one a batch
    assert net.blobs["data"].shape == (4, 3)


def test_forward_backward_all(net: Net) -> None:
    values, gradients = net.forward_backward_all(
        blobs=["ip"], diffs=["ip"], data=SAMPLES, target=TARGETS
    )
    np.testing.assert_allclose(gradients["ip"], (values["ip"] - TARGETS) / 4, rtol=1e-4, atol=1e-7)
    weight = net.params["ip"][0].data
    np.testing.assert_allclose(gradients["data"], gradients["ip"] @ weight, rtol=1e-4, atol=1e-7)


def test_a_gradient_from_above() -> None:
    text = NET[: NET.index('layer { name: "loss"')] + "force_backward: true"
    net = Net(parse_net(text.replace("target", "other")), phase=TEST, seed=1)
    above = np.ones((10, 2), np.float32)
    other = np.zeros((10, 2), np.float32)
    _, gradients = net.forward_backward_all(data=SAMPLES, other=other, ip=above)
    np.testing.assert_allclose(gradients["data"], above @ net.params["ip"][0].data, rtol=1e-5)


def test_arrays_that_do_not_suit(net: Net) -> None:
    with pytest.raises(DemitasseError) as caught:
        net.forward_all(data=SAMPLES.T, target=TARGETS)
    assert caught.value.expected == "(any number, 3)"
    with pytest.raises(DemitasseError, match="different numbers of samples\n  got: 10 for data, 9"):
        net.forward_all(data=SAMPLES, target=TARGETS[:9])
    with pytest.raises(DemitasseError) as caught:
        net.forward_all(dat=SAMPLES, target=TARGETS)
    assert caught.value.hint == 'did you mean "data"?'


def test_hdf5(net: Net, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    net.save_hdf5(tmp_path / "weights")  # whatever its name
    other = Net(parse_net(NET), phase=TEST, seed=2)
    other.load_hdf5(tmp_path / "weights")
    np.testing.assert_array_equal(other.params["ip"][0].data, net.params["ip"][0].data)
    assert (tmp_path / "weights").read_bytes().startswith(b"\x89HDF")


def test_names_and_weights(net: Net) -> None:
    assert net._layer_names == net.layer_names
    assert net._blob_names == list(net.blobs)
    assert [net._blob_names[i] for i in net._inputs] == ["data", "target"]
    assert [net._blob_names[i] for i in net._outputs] == ["loss"]
    assert net.blob_loss_weights["loss"] == 1 and net.blob_loss_weights["ip"] == 0

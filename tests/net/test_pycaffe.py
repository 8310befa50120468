"""Names that scripts written for pycaffe reach for."""

from __future__ import annotations

import numpy as np
import pytest

import engine as caffe
from engine.spec import parse_net
from tests.harness.places import ROOT

MEMORY = """
layer { name: "data" type: "MemoryData" top: "data" top: "label"
        memory_data_param { batch_size: 2 channels: 1 height: 2 width: 3 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
"""


def test_the_lines_that_every_script_begins_with(caplog: pytest.LogCaptureFixture) -> None:
    caffe.set_mode_cpu()
    caffe.set_device(0)
    caffe.set_mode_gpu()
    assert "CPU" in caplog.text
    assert "Convolution" in caffe.layer_type_list()


def test_a_seed_for_all_nets_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.net.seeds._default", None)
    nets = []
    for _ in range(2):
        caffe.set_random_seed(7)
        nets.append([caffe.Net(parse_net(MEMORY)) for _ in range(2)])
    (first, second), (again, _) = nets
    assert (first.arena.data == again.arena.data).all()
    assert (first.arena.data != second.arena.data).any()


def test_memory_data_is_fed_through_the_net() -> None:
    net = caffe.Net(parse_net(MEMORY), phase=caffe.TEST)
    images = np.arange(12, dtype=np.float32).reshape(2, 1, 2, 3)
    net.set_input_arrays(images, np.zeros(2, np.float32))
    net.forward()
    np.testing.assert_array_equal(net.blobs["data"].data, images)


def test_get_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    solver = caffe.get_solver("configs/mnist/lenet_solver.prototxt")
    assert solver.iter == 0 and solver.net.phase == caffe.TRAIN

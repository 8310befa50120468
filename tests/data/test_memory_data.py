"""MemoryData: arrays in, batches out, round and round."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from engine import TEST, LayerError, Net
from engine.spec import parse_net

NET = """
layer {
  name: "data" type: "MemoryData" top: "data" top: "label"
  memory_data_param { batch_size: 2 channels: 3 height: 2 width: 4 }
}
"""


def make() -> tuple[Net, Any]:
    net = Net(parse_net(NET), phase=TEST)
    return net, net.layer_dict["data"]


def arrays(count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.random((count, 3, 2, 4), np.float32), np.arange(count, dtype=np.float32)


def labels_of(net: Net) -> list[float]:
    return net.forward()["label"].reshape(-1).tolist()


def test_batches_come_in_turn_and_begin_again() -> None:
    net, layer = make()
    data, labels = arrays()
    layer.set_input_arrays(data, labels)
    for begin in (0, 2, 4, 0, 2):
        out = net.forward()
        np.testing.assert_array_equal(out["data"], data[begin : begin + 2])
        np.testing.assert_array_equal(out["label"].reshape(-1), labels[begin : begin + 2])


def test_shapes_are_known_before_data_comes() -> None:
    net, _ = make()
    assert net.blobs["data"].shape == (2, 3, 2, 4)
    assert net.blobs["label"].shape == (2, 1, 1, 1)


def test_labels_may_have_four_axes() -> None:
    net, layer = make()
    data, labels = arrays()
    layer.set_input_arrays(data, labels.reshape(-1, 1, 1, 1))
    assert labels_of(net) == [0, 1]


def test_new_arrays_start_from_the_front() -> None:
    net, layer = make()
    layer.set_input_arrays(*arrays())
    net.forward()
    layer.set_input_arrays(*arrays(4))
    assert labels_of(net) == [0, 1]


def test_what_the_net_does_leaves_the_arrays_alone() -> None:
    net, layer = make()
    data, labels = arrays()
    layer.set_input_arrays(data, labels)
    net.forward()
    net.blobs["data"].data[...] = 0
    np.testing.assert_array_equal(data, arrays()[0])


@pytest.mark.parametrize("arrays_first", [True, False])
def test_the_cursor_is_state(arrays_first: bool) -> None:
    net, layer = make()
    layer.set_input_arrays(*arrays())
    net.forward()
    state = layer.get_state()
    other_net, other = make()
    if arrays_first:
        other.set_input_arrays(*arrays())
    other.set_state(state)
    if not arrays_first:
        other.set_input_arrays(*arrays())
    assert labels_of(other_net) == labels_of(net) == [2, 3]


def with_options(text: str) -> tuple[Net, Any]:
    net = Net(parse_net(NET.replace("memory_data", f"source_param {{ {text} }} memory_data", 1)))
    return net, net.layer_dict["data"]


def epoch(net: Net, batches: int) -> list[float]:
    return [label for _ in range(batches) for label in labels_of(net)]


def test_shuffled_epochs_hold_each_sample_once_with_its_label() -> None:
    net, layer = with_options("shuffle: true seed: 3")
    data, labels = arrays(5)
    layer.set_input_arrays(data, labels)
    seen = []
    for _ in range(5):
        out = net.forward()
        seen += out["label"].reshape(-1).astype(int).tolist()
        np.testing.assert_array_equal(out["data"], data[seen[-2:]])
    assert sorted(seen[:5]) == sorted(seen[5:]) == [0, 1, 2, 3, 4] and seen[:5] != seen[5:]
    state = layer.get_state()
    other, resumed = with_options("shuffle: true seed: 3")
    resumed.set_state(state)
    resumed.set_input_arrays(data, labels)
    assert epoch(other, 5) == epoch(net, 5)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("last_batch: 'wrap'", [0, 1, 2, 3, 4, 0, 1, 2]),
        ("last_batch: 'drop'", [0, 1, 2, 3, 0, 1, 2, 3]),
        ("last_batch: 'keep'", [0, 1, 2, 3, 4, 0, 1]),
    ],
)
def test_samples_that_are_no_whole_batches(options: str, expected: list[float]) -> None:
    net, layer = with_options(options)
    layer.set_input_arrays(*arrays(5))
    assert epoch(net, 4) == expected


def test_samples_are_skipped_at_the_start() -> None:
    starts = set()
    for seed in range(20):
        net, layer = with_options(f"rand_skip: 3 seed: {seed}")
        layer.set_input_arrays(*arrays())
        starts.add(labels_of(net)[0])
    assert starts == {0, 1, 2}


def test_options_that_do_not_fit() -> None:
    with pytest.raises(LayerError, match='unknown source_param.last_batch\n(.|\n)*"drop"'):
        with_options("last_batch: 'drip'")
    _, layer = with_options("last_batch: 'drop'")
    with pytest.raises(LayerError, match="needs whole batches\n  got: 1 samples"):
        layer.set_input_arrays(*arrays(1))


def test_forward_without_data_says_what_to_do() -> None:
    net, _ = make()
    with pytest.raises(LayerError, match="call set_input_arrays") as caught:
        net.forward()
    assert 'layer "data"' in caught.value.where


DATA, LABELS = arrays()


@pytest.mark.parametrize(
    ("data", "labels", "words"),
    [
        (DATA.astype(np.float64), LABELS, "data of float32"),
        (DATA, LABELS.astype(np.int64), "labels of float32"),
        (DATA.tolist(), LABELS, "data of float32"),
        (DATA[:, :, 0], LABELS, r"\(N, 3, 2, 4\)"),
        (DATA[:, :2], LABELS, r"\(N, 3, 2, 4\)"),
        (DATA.transpose(0, 1, 3, 2), LABELS, r"\(N, 3, 2, 4\)"),
        (DATA[:, :, ::-1], LABELS, "C-contiguous data"),
        (DATA, np.zeros((6, 2), np.float32), r"\(N, 1, 1, 1\)"),
        (DATA, LABELS[:4], "as many labels"),
        (DATA[:3], LABELS[:3], "a multiple of 2"),
        (DATA[:0], LABELS[:0], "whole batches"),
    ],
)
def test_refused(data: Any, labels: Any, words: str) -> None:
    _, layer = make()
    with pytest.raises(LayerError, match=words):
        layer.set_input_arrays(data, labels)


@pytest.mark.parametrize("field", ["batch_size", "channels", "height", "width"])
def test_every_size_is_needed(field: str) -> None:
    with pytest.raises(LayerError, match="above 0"):
        Net(parse_net(re.sub(rf"{field}: \d", "", NET)), phase=TEST)


def test_a_transform_that_does_nothing_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    Net(parse_net(NET.replace("memory_data", "transform_param { scale: 2 } memory_data", 1)))
    assert "transform_param does nothing" in caplog.text

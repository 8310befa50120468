"""The ImageNet configs expand to the published nets, layer by layer."""

from __future__ import annotations

import pytest

from engine import TEST, TRAIN, Net
from engine.spec import read_net
from tests.harness.places import ROOT
from tests.harness.published_nets import PUBLISHED, row_of

FOLDER = ROOT / "configs" / "imagenet"
NAMES = ["caffenet", "googlenet", "mobilenet", "resnet18", "resnet50"]


@pytest.mark.parametrize("name", NAMES)
def test_expands_to_the_published_layers(name: str) -> None:
    net = read_net(FOLDER / f"{name}.yaml").param
    rows = [row_of(layer) for layer in net.layer if layer.name != "data"]
    assert rows == list(PUBLISHED[name]())


def learned(net: Net) -> int:
    """The weights, biases, scales and shifts: all that is learned, without BatchNorm's averages."""
    return sum(
        blob.data.size
        for node in net.nodes
        for blob in node.layer.blobs
        if node.layer.type != "BatchNorm"
    )


# As published. ResNet-50's 25,557,032 are without a bias in conv1; the published prototxt has one
# there, of 64. BatchNorm's averages are not counted, Scale's scale and shift are.
COUNTS = {
    "caffenet": 60_965_224,
    "googlenet": 13_378_280,
    "mobilenet": 4_231_976,
    "resnet18": 11_689_512,
    "resnet50": 25_557_032 + 64,
}
SHAPES = {
    "caffenet": {"pool5": (1, 256, 6, 6), "conv1": (1, 96, 55, 55), "fc8": (1, 1000)},
    "googlenet": {
        "inception_3a/output": (1, 256, 28, 28),
        "inception_4e/output": (1, 832, 14, 14),
        "loss1/ave_pool": (1, 512, 4, 4),
        "pool5/7x7_s1": (1, 1024, 1, 1),
    },
    "mobilenet": {"conv2_2/sep": (1, 128, 56, 56), "conv6/sep": (1, 1024, 7, 7)},
    "resnet18": {"res2b": (1, 64, 56, 56), "res5b": (1, 512, 7, 7)},
    "resnet50": {"res2c": (1, 256, 56, 56), "res5c": (1, 2048, 7, 7), "pool5": (1, 2048, 1, 1)},
}


@pytest.mark.parametrize("name", NAMES)
def test_counts_and_shapes(name: str) -> None:
    path = FOLDER / f"{name}.yaml"
    net = Net(path, phase=TRAIN, stages=["deploy"], overrides=["vars.batch=1"])
    assert learned(net) == COUNTS[name]
    assert {blob: net.blobs[blob].data.shape for blob in SHAPES[name]} == SHAPES[name]


def test_googlenet_deployed() -> None:
    path = FOLDER / "googlenet.yaml"
    net = Net(path, phase=TEST, stages=["deploy"], overrides=["vars.batch=1"])
    beside = [node.layer for node in net.nodes if node.layer.name.startswith(("loss1", "loss2"))]
    without = sum(blob.data.size for layer in beside for blob in layer.blobs)
    assert learned(net) - without == 6_998_552
    assert net.outputs.count("loss3/top-5") == 1
    weights = {node.layer.name: list(node.layer.layer_param.loss_weight) for node in net.nodes}
    assert [weights[f"loss{n}"] for n in ("1/loss", "2/loss", "3/loss3")] == [
        pytest.approx([0.3]),
        pytest.approx([0.3]),
        [1.0],
    ]


def test_resnet50_is_a_page() -> None:
    lines = (FOLDER / "resnet50.yaml").read_text().splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100
    text = (FOLDER / "googlenet.yaml").read_text()
    assert text.count("type: Concat") == 1


@pytest.mark.parametrize("name", NAMES)
def test_phases_and_sources(name: str) -> None:
    overrides = ["vars.batch=8", "vars.lmdb=/data/imagenet"]
    net = read_net(FOLDER / f"{name}.yaml", overrides).param
    train, test, deploy = (layer for layer in net.layer if layer.name == "data")
    assert train.data_param.source == "/data/imagenet/ilsvrc12_train_lmdb"
    assert (train.data_param.batch_size, test.data_param.batch_size) == (8, 50)
    assert deploy.type == "Input" and not deploy.bottom
    assert list(deploy.input_param.shape[0].dim)[:2] == [8, 3]
    assert not train.bottom and not test.bottom

"""Each operation of a plan computes what the layers it stands for compute."""

from __future__ import annotations

import numpy as np
import pytest

from engine import TEST, TRAIN
from tests.harness.engines import compared, kinds, needs_onednn, pair

pytestmark = needs_onednn

INPUT = 'layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: [{}] }} }} }}\n'
LOSS = """
layer { name: "end" type: "InnerProduct" bottom: "TOP" top: "end"
        inner_product_param { num_output: 3 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "t" type: "DummyData" top: "t"
        dummy_data_param { shape { dim: [4, 3] } data_filler { type: "constant" value: 0.3 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "end" bottom: "t" top: "loss" }
"""
FILLER = 'weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0.1 }'


def conv(settings: str) -> str:
    return (
        'layer { name: "c" type: "Convolution" bottom: "x" top: "y" '
        f"convolution_param {{ {FILLER} {settings} }} }}\n"
    )


def deconv(settings: str) -> str:
    return conv(settings).replace("Convolution", "Deconvolution").replace('"c"', '"d"')


def layer(kind: str, settings: str = "", bottom: str = "x", top: str = "y") -> str:
    name = f"{kind}-{top}".lower()
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top}" {settings} }}\n'


RELU = layer("ReLU", bottom="y", top="y")
NORM = layer("BatchNorm", "batch_norm_param { moving_average_fraction: 0.9 }")
SCALE = layer("Scale", "scale_param { bias_term: true }", "y", "y")

PRELU = layer("PReLU", bottom="y", top="y")
STEEP = "prelu_param { filler { value: 2 } }"
PRELU_AGAIN = PRELU.replace("prelu-y", "again").replace(" }", f" {STEEP} }}")

SOFTMAX = layer("Softmax", bottom="y", top="y")

CASES = {
    "convolution": (conv("num_output: 5 kernel_size: 3"), "Convolution"),
    "convolution with everything": (
        conv("num_output: 6 kernel_h: 3 kernel_w: 2 pad: 2 stride: 2 dilation: 2 group: 2"),
        "Convolution",
    ),
    "convolution without bias": (
        conv("num_output: 20 kernel_size: 1 bias_term: false"),
        "Convolution",
    ),
    "convolution and ReLU": (conv("num_output: 5 kernel_size: 3 pad: 1") + RELU, "Convolution"),
    "one group for each channel": (
        conv("num_output: 8 group: 4 kernel_size: 3 pad: 1"),
        "Convolution",
    ),
    "depthwise": (
        layer("ConvolutionDepthwise", f"convolution_param {{ kernel_size: 3 {FILLER} }}"),
        "Convolution",
    ),
    "fixed weights": (
        conv("num_output: 5 kernel_size: 3").replace(
            "bottom", "param { lr_mult: 0 } param { lr_mult: 1 } bottom", 1
        ),
        "Convolution",
    ),
    "maxima": (layer("Pooling", "pooling_param { kernel_size: 3 stride: 2 }"), "Pooling"),
    "maxima, padded": (
        layer("Pooling", "pooling_param { kernel_size: 3 stride: 2 pad: 1 }"),
        "Pooling",
    ),
    "means": (layer("Pooling", "pooling_param { pool: AVE kernel_size: 2 stride: 2 }"), "Pooling"),
    "means, clipped": (
        layer("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 }"),
        "Pooling",
    ),
    "means, padded": (
        layer("Pooling", "pooling_param { pool: AVE kernel_size: 3 pad: 1 }"),
        "Pooling",
    ),
    "mean of the image": (
        layer("Pooling", "pooling_param { pool: AVE global_pooling: true }"),
        "Pooling",
    ),
    "LRN": (layer("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 }"), "LRN"),
    "LRN with k": (layer("LRN", "lrn_param { local_size: 5 alpha: 0.1 k: 2 }"), "LRN"),
    "ReLU": (layer("ReLU"), "Activation"),
    "leaky ReLU": (layer("ReLU", "relu_param { negative_slope: 0.1 }"), "Activation"),
    "Sigmoid": (layer("Sigmoid"), "Activation"),
    "TanH in place": (layer("TanH", top="y") + layer("TanH", bottom="y", top="y"), "Activation"),
    "PReLU": (layer("PReLU"), "PReLU"),
    "PReLU in place": (conv("num_output: 5 kernel_size: 3") + PRELU, "PReLU"),
    "PReLU in place, twice": (conv("num_output: 5 kernel_size: 3") + PRELU + PRELU_AGAIN, "PReLU"),
    "PReLU that does not learn": (
        layer("PReLU", "param { lr_mult: 0 } prelu_param { filler { value: -0.4 } }"),
        "PReLU",
    ),
    "PReLU of vectors": (
        layer("InnerProduct", f"inner_product_param {{ num_output: 7 {FILLER} }}") + PRELU,
        "PReLU",
    ),
    "PReLU of channels in blocks": (
        conv("num_output: 16 kernel_size: 3 pad: 1") + PRELU,
        "PReLU",
    ),
    "Softmax of channels": (layer("Softmax"), "Softmax"),
    "Softmax of channels in blocks": (
        conv("num_output: 16 kernel_size: 3 pad: 1") + SOFTMAX,
        "Softmax",
    ),
    "Softmax along the last axis": (layer("Softmax", "softmax_param { axis: -1 }"), "Softmax"),
    "Softmax in place": (
        layer("InnerProduct", f"inner_product_param {{ num_output: 7 {FILLER} }}") + SOFTMAX,
        "Softmax",
    ),
    "deconvolution": (deconv("num_output: 5 kernel_size: 3 stride: 2 pad: 1"), "Deconvolution"),
    "deconvolution with everything": (
        deconv("num_output: 6 kernel_h: 3 kernel_w: 2 pad: 1 stride: 2 dilation: 2 group: 2"),
        "Deconvolution",
    ),
    "deconvolution without bias": (
        deconv("num_output: 20 kernel_size: 1 bias_term: false") + RELU,
        "Deconvolution",
    ),
    "enlarging": (
        deconv("num_output: 4 group: 4 kernel_size: 4 stride: 2 pad: 1 bias_term: false").replace(
            '"xavier"', '"bilinear"'
        ),
        "Deconvolution",
    ),
    "deconvolution with fixed weights": (
        deconv("num_output: 5 kernel_size: 3").replace(
            "bottom", "param { lr_mult: 0 } param { lr_mult: 1 } bottom", 1
        ),
        "Deconvolution",
    ),
    "deconvolution between convolutions": (
        conv("num_output: 16 kernel_size: 3").replace('"y"', '"a"')
        + deconv("num_output: 16 kernel_size: 5").replace('"x"', '"a"').replace('"y"', '"b"')
        + conv("num_output: 4 kernel_size: 3").replace('"x"', '"b"').replace('"c"', '"e"'),
        "Deconvolution",
    ),
    "BatchNorm": (NORM, "BatchNorm"),
    "BatchNorm and Scale": (NORM + SCALE, "BatchNorm"),
    "BatchNorm, Scale and ReLU": (NORM + SCALE + RELU, "BatchNorm"),
    "Scale without shift": (NORM + SCALE.replace("true", "false") + RELU, "BatchNorm"),
    "running statistics": (
        layer("BatchNorm", "batch_norm_param { use_global_stats: true }") + SCALE,
        "BatchNorm",
    ),
    "sum": (layer("ReLU", top="a") + layer("Eltwise", 'bottom: "a"', top="y") + RELU, "Eltwise"),
    "sum of three": (
        layer("ReLU", top="a")
        + layer("TanH", top="b")
        + layer("Eltwise", 'bottom: "a" bottom: "b"', top="y"),
        "Eltwise",
    ),
    "concat": (
        layer("ReLU", top="a") + layer("Concat", 'bottom: "a" bottom: "x"', top="y"),
        "Concat",
    ),
    "inner product": (
        layer("InnerProduct", f"inner_product_param {{ num_output: 7 {FILLER} }}"),
        "InnerProduct",
    ),
    "inner product and Sigmoid": (
        layer("InnerProduct", f"inner_product_param {{ num_output: 7 {FILLER} }}")
        + layer("Sigmoid", bottom="y", top="y"),
        "InnerProduct",
    ),
    "inner product along the last axis": (
        layer("InnerProduct", f"inner_product_param {{ num_output: 7 axis: -1 {FILLER} }}")
        + layer("TanH", bottom="y", top="y"),
        "InnerProduct",
    ),
    "inner product of each channel": (
        layer("InnerProduct", f"inner_product_param {{ num_output: 7 axis: 2 {FILLER} }}"),
        "InnerProduct",
    ),
    "inner product of a convolution": (
        layer("ReLU", top="z")
        + conv("num_output: 5 kernel_size: 3").replace('bottom: "x"', 'bottom: "z"'),
        "InnerProduct",
    ),
}  # fmt: skip


def net(text: str) -> str:
    return "force_backward: true\n" + INPUT.format("4, 4, 7, 9") + text + LOSS.replace("TOP", "y")


@pytest.mark.parametrize("phase", [TRAIN, TEST], ids=["TRAIN", "TEST"])
@pytest.mark.parametrize("name", CASES)
def test_equals_the_layers(monkeypatch: pytest.MonkeyPatch, name: str, phase: int) -> None:
    text, operation = CASES[name]
    reference, fast = pair(monkeypatch, net(text), phase)
    for fresh in (True, False, True):
        losses = [each.forward_backward(fresh) for each in (reference, fast)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
        assert not compared(reference, fast)
    assert operation in kinds(fast)


@pytest.mark.parametrize("channels", [7, 16, 17, 40, 48])
@pytest.mark.parametrize("size", [3, 5, 7, 9, 15])
def test_a_window_of_any_size(monkeypatch: pytest.MonkeyPatch, size: int, channels: int) -> None:
    images = INPUT.format(f"2, {channels}, 3, 4")
    lrn = layer("LRN", f"lrn_param {{ local_size: {size} alpha: 0.5 beta: 0.75 }}")
    nets = reference, fast = pair(monkeypatch, "force_backward: true\n" + images + lrn)
    for each in nets:
        each.forward()
        each.blobs["y"].diff = np.random.default_rng(1).normal(size=(2, channels, 3, 4))
        each.backward()
    assert not compared(reference, fast)


@pytest.mark.parametrize(
    "text",
    [
        layer("Pooling", "pooling_param { pool: AVE kernel_size: 4 stride: 3 pad: 1 }"),
        layer("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }").replace('"x"', '"x"'),
        layer("LRN", "lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 }"),
        layer("LRN", "lrn_param { local_size: 3 beta: 0.5 }"),
        layer("LRN", "lrn_param { local_size: 1 }"),
        layer("ReLU", "relu_param { negative_slope: -0.2 }"),
        layer("PReLU", "prelu_param { channel_shared: true }"),
        layer("PReLU", top="x") + layer("TanH"),
        layer("Softmax", top="x") + layer("TanH"),
        layer("Softmax", "softmax_param { axis: 2 }"),
        layer("TanH", top="x") + layer("BatchNorm", bottom="x", top="x") + layer("TanH"),
        conv("num_output: 5 kernel_size: 3 engine: NUMPY"),
        layer("Eltwise", 'bottom: "x" eltwise_param { operation: PROD }'),
    ],
    ids=[
        "clipped padding",
        "stochastic",
        "within",
        "beta",
        "one channel",
        "negative slope",
        "one slope for all",
        "PReLU of an input in place",
        "Softmax of an input in place",
        "Softmax along an axis in the middle",
        "BatchNorm of an input in place",
        "engine: NUMPY",
        "product",
    ],
)
def test_what_the_library_has_not_is_left_to_the_layer(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    reference, fast = pair(monkeypatch, net(text))
    for name in ("x",):
        for each in (reference, fast):
            each.blobs[name].data = abs(each.blobs[name].data)
    for _ in range(2):
        assert reference.forward_backward() == pytest.approx(fast.forward_backward(), rel=1e-5)
    assert not compared(reference, fast)
    assert "Reference" in kinds(fast)[1:-3]

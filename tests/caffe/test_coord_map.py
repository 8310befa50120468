"""Crops that align blobs: the offsets of the published fully convolutional nets."""

from __future__ import annotations

from typing import Any

import pytest

from engine import Net
from engine.caffe import TEST, NetSpec
from engine.caffe import layers as L
from engine.caffe import params as P
from engine.caffe.coord_map import coord_map_from_to, crop
from engine.errors import DemitasseError


def conv_relu(bottom: Any, pad: int = 1) -> Any:
    conv = L.Convolution(bottom, kernel_size=3, stride=1, num_output=2, pad=pad)
    return L.ReLU(conv, in_place=True)


def max_pool(bottom: Any) -> Any:
    return L.Pooling(bottom, pool=P.Pooling.MAX, kernel_size=2, stride=2)


def up(bottom: Any, kernel: int, stride: int) -> Any:
    options = dict(num_output=2, kernel_size=kernel, stride=stride, bias_term=False)
    return L.Deconvolution(bottom, convolution_param=options)


def trunk() -> NetSpec:
    """FCN's VGG-16, thin: five stages of convolutions, the first of which pads by 100."""
    n = NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 45, 60]))
    blob = n.data
    for stage in range(1, 6):
        blob = conv_relu(blob, 100 if stage == 1 else 1)
        blob = conv_relu(blob)
        blob = n[f"pool{stage}"] = max_pool(blob)
    n.fc6 = L.Convolution(blob, kernel_size=7, num_output=2)
    n.score_fr = L.Convolution(L.Dropout(n.fc6, in_place=True), kernel_size=1, num_output=2)
    return n


def offset(top: Any) -> list[int]:
    return top.made_by.options["crop_param"]["offset"]


def test_fcn_32s() -> None:
    n = trunk()
    n.score = crop(up(n.score_fr, 64, 32), n.data)
    assert offset(n.score) == [19]
    assert Net(n, phase=TEST).blobs["score"].shape == (1, 2, 45, 60)


def test_fcn_8s() -> None:
    n = trunk()
    score4 = L.Convolution(n.pool4, num_output=2, kernel_size=1)
    upscore2 = up(n.score_fr, 4, 2)
    score4c = crop(score4, upscore2)
    fuse4 = L.Eltwise(upscore2, score4c, operation=P.Eltwise.SUM)
    upscore4 = up(fuse4, 4, 2)
    score3c = crop(L.Convolution(n.pool3, num_output=2, kernel_size=1), upscore4)
    fuse3 = L.Eltwise(upscore4, score3c, operation=P.Eltwise.SUM)
    n.score = crop(up(fuse3, 16, 8), n.data)
    assert [offset(score4c), offset(score3c), offset(n.score)] == [[5], [9], [31]]
    assert Net(n, phase=TEST).blobs["score"].shape == (1, 2, 45, 60)


def test_axes_of_their_own() -> None:
    n = NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 1, 9, 9]))
    n.small = L.Convolution(n.data, kernel_h=3, kernel_w=5, num_output=1)
    n.crop = crop(n.data, n.small)
    assert offset(n.crop) == [1, 2]
    n.same = crop(n.data, L.Convolution(n.data, kernel_size=[3, 3], dilation=2, num_output=1))
    assert offset(n.same) == [2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda data: (data, max_pool(data)), "a scale of 2 between them"),
        (lambda data: (conv_relu(data, 0), data), "an offset of -1"),
        (lambda data: (data, L.Convolution(data, kernel_size=2)), "an offset of 0.5"),
        (lambda data: (data, L.InnerProduct(data)), "cannot be related"),
        (lambda data: (data, L.Input()), "cannot be related"),
    ],
)
def test_what_no_crop_aligns(make: Any, message: str) -> None:
    with pytest.raises(DemitasseError, match=message):
        crop(*make(L.Input()))


def test_maps_are_exact() -> None:
    data = L.Input()
    line, _ = coord_map_from_to(data, L.Pooling(data, kernel_size=2, stride=2))
    assert (line.scale, line.shift) == (2, 0.5)


def test_a_script_imports_it() -> None:
    n = NetSpec()
    n.update({"data": L.Input(shape=dict(dim=[1, 2]))}, relu=L.ReLU(L.Input()))
    assert list(n.tops) == ["data", "relu"]
    assert (n.data.fn.type_name, n.data.n) == ("Input", 0)
    assert n.data.fn.params == {"shape": {"dim": [1, 2]}}

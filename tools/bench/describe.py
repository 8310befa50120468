"""A net in plain words, from which another library can build the same one.

``python -m tools.bench.describe NET FOLDER`` writes ``net.json`` (the layers in order, what they
read and write, their numbers) and ``arrays.npz`` (inputs and initial weights), and prints the
loss of a first pass without dropout, and the operations of a step.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine import Net
from engine.net.gradient_flow import Node
from engine.net.work import work_of
from tools.bench.nets import make_solver

Description = dict[str, Any]


def main(name: str, folder: Path) -> None:
    """Describes a net of the benchmark."""
    net = make_solver(name, drop=False).net
    weights = {
        f"{layer}.{index}": blob.data
        for layer, blobs in net.params.items()
        for index, blob in enumerate(blobs)
    }
    inputs = {f"input.{blob}": net.blobs[blob].data for blob in net.inputs}
    np.savez(folder / "arrays.npz", **weights, **inputs)  # type: ignore[arg-type]
    # Dropout is off here, so its ratios come from the config as it is.
    dropout = {
        layer.name: layer.layer_param.dropout_param.dropout_ratio
        for layer in make_solver(name).net.layers
        if layer.type == "Dropout"
    }
    (folder / "net.json").write_text(json.dumps(list(describe(net, dropout)), indent=1))
    loss = net.forward_from_to(0, len(net.nodes) - 1)
    work = [work_of(node) for node in net.nodes]
    flops = sum(item.forward + item.backward for item in work)
    print(json.dumps({"loss": loss, "flops": flops}))


def describe(net: Net, dropout: dict[str, float]) -> Iterator[Description]:
    """The layers that compute something, in order; blobs go by the names they have before Split."""
    names: dict[str, str] = {}
    for node in net.nodes:
        bottoms = [names.get(blob.name, blob.name) for blob in node.bottom]
        if node.layer.type == "Split":
            names.update((blob.name, bottoms[0]) for blob in node.top)
        elif node.layer.type not in ("Input", "Accuracy", "Silence"):
            if node.layer.type not in _FIELDS:
                raise node.layer.error("is of a type that the benchmark cannot hand over")
            yield {
                "type": node.layer.type,
                "name": node.layer.name,
                "bottom": bottoms,
                "top": [blob.name for blob in node.top],
                "loss_weight": node.loss_weights[0],
                "params": len(node.layer.blobs),
                **_FIELDS[node.layer.type](node),
                **({"ratio": dropout[node.layer.name]} if node.layer.name in dropout else {}),
            }


def _convolution(node: Node) -> Description:
    layer: Any = node.layer
    g = layer.geometry
    return {"stride": g.stride, "pad": g.pad, "dilation": g.dilation, "group": layer.group}


def _pooling(node: Node) -> Description:
    p = node.layer.layer_param.pooling_param
    layer: Any = node.layer
    axes = (layer.rows, layer.columns)
    return {
        "mode": "max" if p.pool == p.MAX else "average",
        "kernel": [axis.kernel for axis in axes],
        "stride": [axis.stride for axis in axes],
        "pad": [axis.pad for axis in axes],
        "whole": bool(p.global_pooling),
    }


def _lrn(node: Node) -> Description:
    p = node.layer.layer_param.lrn_param
    return {"size": p.local_size, "alpha": p.alpha, "beta": p.beta, "k": p.k}


def _slice(node: Node) -> Description:
    axis = node.layer.layer_param.slice_param.axis
    return {"axis": axis, "lengths": [blob.shape[axis] for blob in node.top]}


def _nothing(node: Node) -> Description:
    return {}


_FIELDS: dict[str, Callable[[Node], Description]] = {
    "BatchNorm": lambda node: {"eps": node.layer.layer_param.batch_norm_param.eps},
    "Concat": lambda node: {"axis": node.layer.layer_param.concat_param.axis},
    "Convolution": _convolution,
    "ConvolutionDepthwise": _convolution,
    "DepthwiseConvolution": _convolution,
    "Dropout": _nothing,
    "Eltwise": _nothing,
    "InnerProduct": _nothing,
    "LRN": _lrn,
    "LSTM": _nothing,
    "Pooling": _pooling,
    "ReLU": _nothing,
    "Scale": _nothing,
    "Sigmoid": _nothing,
    "SigmoidCrossEntropyLoss": _nothing,
    "Slice": _slice,
    "SoftmaxWithLoss": lambda node: {"axis": node.layer.layer_param.softmax_param.axis},
}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

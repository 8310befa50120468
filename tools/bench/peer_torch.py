"""PyTorch's side: builds the net that describe.py wrote, and trains it on command.

It runs under the Python that has PyTorch, as ``python -m tools.bench.peer_torch FOLDER VARIANT
PRECISION THREADS``; the rest of this project need not be installed there. VARIANT is the layout
of the images and the kind of SGD: ``nchw-foreach``, ``nchw-fused`` or ``channels_last-fused``;
PRECISION is ``fp32``, or ``bf16`` for autocast; with ``check`` in place of THREADS it prints the
loss of a first pass without dropout.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tools.bench.loop import answer, serve
from tools.bench.peer_layers import make_layer

Tensors = dict[str, Any]


class Peer(torch.nn.Module):
    """The net: its layers in order, between named tensors.

    A BatchNorm and the Scale after it are one module here, as is usual in PyTorch.
    """

    def __init__(self, layers: list[dict[str, Any]], weights: Tensors):
        super().__init__()
        self.plan: list[tuple[dict[str, Any], Any]] = []
        self.steps = torch.nn.ModuleList()
        for position, layer in enumerate(layers):
            if layer["type"] == "Scale":
                continue
            blobs = [weights[f"{layer['name']}.{i}"] for i in range(layer["params"])]
            after = layers[position + 1] if position + 1 < len(layers) else {}
            if layer["type"] == "BatchNorm" and after.get("type") == "Scale":
                blobs += [weights[f"{after['name']}.{i}"] for i in range(after["params"])]
                layer = {**layer, "top": after["top"]}
            module = make_layer(layer, blobs)
            self.steps.append(module)
            self.plan.append((layer, module))
        self.last_use = {
            name: position
            for position, (layer, _) in enumerate(self.plan)
            for name in [*layer["bottom"], *layer["top"]]
        }

    def forward(self, inputs: Tensors) -> Any:
        tensors, loss = dict(inputs), 0.0
        for position, (layer, module) in enumerate(self.plan):
            results = module(*[tensors[name] for name in layer["bottom"]])
            results = results if isinstance(results, tuple) else (results,)
            if layer["loss_weight"]:
                loss = loss + layer["loss_weight"] * results[0]
                continue
            tensors.update(zip(layer["top"], results, strict=True))
            # Let go of what nobody reads any more, as local variables of a forward would.
            for name in {*layer["bottom"], *layer["top"]}:
                if self.last_use[name] == position and name not in inputs:
                    del tensors[name]
        return loss


def main(folder: Path, variant: str, precision: str, threads: str) -> None:
    """Builds and trains, or only checks."""
    layout, _, kind = variant.partition("-")
    arrays = np.load(folder / "arrays.npz")
    inputs = {
        name.removeprefix("input."): torch.from_numpy(arrays[name])
        for name in arrays
        if name.startswith("input.")
    }
    net = Peer(json.loads((folder / "net.json").read_text()), arrays).train()
    if layout == "channels_last":
        net = net.to(memory_format=torch.channels_last)
        for name, value in inputs.items():
            if value.dim() == 4:
                inputs[name] = value.contiguous(memory_format=torch.channels_last)
    cast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
    if threads == "check":
        for module in net.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        with cast:
            answer(loss=net(inputs).item())
        return
    torch.set_num_threads(int(threads))
    optimizer = torch.optim.SGD(
        net.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4, **{kind: True}
    )

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with cast:
            loss = net(inputs)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    serve(step)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:5])

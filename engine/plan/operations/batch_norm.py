"""BatchNorm, with a Scale and a ReLU that follow in place."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import numpy as np

from engine.kernels.onednn.constants import (
    BACKWARD,
    BACKWARD_DATA,
    FORWARD_TRAINING,
    FUSE_RELU,
    GLOBAL_STATS,
    USE_SCALE,
    USE_SHIFT,
    WORKSPACE_MD,
)
from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.activation import relu_of
from engine.plan.operations.base import (
    Operation,
    changes_an_input,
    next_in_place,
    operation,
    same_backward,
    take_place,
)
from engine.plan.tensor import LateCopy
from layers.blob import Array, Blob


def _scale_of(nodes: Sequence[Node], index: int) -> Node | None:
    """The Scale by channels that follows in place; else None."""
    node = next_in_place(nodes, index)
    if node is None or node.layer.type != "Scale" or not same_backward(nodes[index], node):
        return None
    layer = node.layer
    channels = (node.bottom[0].shape[1],)
    by_channel = layer.layer_param.scale_param.axis == 1 and layer.blobs[0].shape == channels
    return node if by_channel and all(layer.param_propagate_down) else None


@operation("BatchNorm")
class BatchNorm(Operation):
    """Normalization over the batch, scaled and shifted in the same pass."""

    limits = "only images, and no input changed in place"
    wants_bottom = True

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        if node.bottom[0].num_axes != 4 or not node.bottom[0].count:
            return []
        if changes_an_input(nodes, index):
            return []
        group = [node]
        for follower in (_scale_of, relu_of):
            found = follower(nodes, nodes.index(group[-1]))
            if found is not None:
                group.append(found)
        return group

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        self.layer = self.node.layer
        kinds = [node.layer.type for node in nodes]
        self.scale = nodes[kinds.index("Scale")].layer if "Scale" in kinds else None
        self.factor = None if self.scale is None else np.empty_like(self.scale.blobs[0].data)
        self.relu = "ReLU" in kinds
        (bottom,), (top,) = self.node.bottom, self.node.top
        self.source = compiler.tensor(bottom)
        self.layout = compiler.like(self.source, bottom.shape)
        self.by_channel = Layout.plain((bottom.shape[1],))
        self.mean, self.variance = Memory(self.by_channel), Memory(self.by_channel)
        self._describe()
        self.workspace = self.forward.own_memory(WORKSPACE_MD)
        self.x = self.kept_bottom(compiler, self.layout)
        memory = compiler.top_memory(top, self.layout)
        self.affine = self._affine(compiler)
        if self.layer.global_stats:  # type: ignore[attr-defined]
            compiler.emit(self._take_running())
        compiler.run(self.forward, src=self.x, dst=memory, mean=self.mean,
                     variance=self.variance, workspace=self.workspace, **self.affine)  # fmt: skip
        if not self.layer.global_stats:  # type: ignore[attr-defined]
            compiler.emit(self._move_running(bottom.count // bottom.shape[1]))
        self.top = compiler.make(top, memory)

    def _describe(self) -> None:
        p = self.layer.layer_param.batch_norm_param
        flags = GLOBAL_STATS if self.layer.global_stats else 0  # type: ignore[attr-defined]
        if self.scale is not None:
            flags |= USE_SCALE | (USE_SHIFT if len(self.scale.blobs) > 1 else 0)
        flags |= FUSE_RELU if self.relu else 0
        handle, eps = self.layout.handle, ctypes.c_float(p.eps)
        self.forward = describe("batch_normalization_forward", FORWARD_TRAINING, handle, handle,
                                eps, flags, attributes())  # fmt: skip
        if self.node.need_backward:
            wanted = BACKWARD if self.scale is not None else BACKWARD_DATA
            self.back = describe("batch_normalization_backward", wanted, handle, handle, handle,
                                 eps, flags, self.forward.handle, attributes())  # fmt: skip

    def _affine(self, compiler: Compiler) -> dict[str, Memory]:
        if self.scale is None:
            return {}
        blobs = zip(("scale", "shift"), self.scale.blobs, strict=False)
        return {name: compiler.parameter(blob, self.by_channel) for name, blob in blobs}

    def _take_running(self) -> Callable[[], None]:
        layer, mean, variance = self.layer, self.mean.array(), self.variance.array()

        def take() -> None:
            total = layer.blobs[2].data[0]
            share = np.float32(1 / total if total else 0)
            np.multiply(layer.blobs[0].data, share, out=mean)
            np.multiply(layer.blobs[1].data, share, out=variance)

        return take

    def _move_running(self, m: int) -> Callable[[], None]:
        mean, variance = self.mean.array(), self.variance.array()
        update = self.layer.update_statistics  # type: ignore[attr-defined]
        return lambda: update(mean, variance, m)

    def _revise(self, compiler: Compiler) -> Callable[[Array], None]:
        """Takes a gradient from behind the Scale and the ReLU to before them, as they would."""
        y, relu = Blob(self.layout.shape), self.relu
        copy = LateCopy(self.top.memory, out=True)
        factor, scale = self.factor, self.scale
        if factor is not None and scale is not None:
            # Who looks after an update sees the gradient that there was before it.
            compiler.emit(lambda: np.copyto(factor, scale.blobs[0].data))

        def revise(diff: Array) -> None:
            share = np.ones(y.shape, np.float32)
            if relu:
                copy(y, 0)
                share *= y.data > 0
            if factor is not None:
                share *= factor[:, None, None]
            # The blob may have been reshaped since, and show fewer elements, or more.
            flat = diff.reshape(-1)[: share.size]
            flat *= share.reshape(-1)[: flat.size]

        return revise

    def backward(self, compiler: Compiler) -> None:
        if len(self.nodes) > 1 and self.top.blob is not self.source.blob:
            compiler.when_looked_at(self.top, self._revise(compiler))
        dy = compiler.gradient(self.top, self.layout)
        take_place(self.source, self.top, dy)
        memories = {"src": self.x, "mean": self.mean, "variance": self.variance, "diff_dst": dy,
                    "workspace": self.workspace, "scale": self.affine.get("scale")}  # fmt: skip
        parts = {}
        if self.scale is not None:
            names = zip(("diff_scale", "diff_shift"), self.scale.blobs, strict=False)
            parts = {name: (blob, self.by_channel, True) for name, blob in names}
        compiler.give(
            self.source,
            self.layout,
            lambda dx: compiler.parameter_gradients(self.back, parts, diff_src=dx, **memories),
        )

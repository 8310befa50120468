"""Analytic against numerical gradients of layers and nets, in float64."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from engine.net.derivatives import (
    ROUND_OFF,
    TOLERANCE,
    Comparison,
    Variable,
    choose_places,
    compare_variable,
)
from engine.net.gradient_ends import end_at_steps, has_backward, reach
from engine.net.gradient_flow import Node
from engine.net.net import Net
from engine.net.params import Param
from layers import Blob
from layers.blob import Array

# Caffe's gradient of ContrastiveLoss divides by the distance plus this, its loss does not.
CONTRASTIVE = 1e-4
# As in Caffe, no gradient flows back from the states that these expose as further tops.
ONLY_FIRST_TOP = {"LSTM", "RNN"}
WHOLE = 1e-4  # the tolerance on derivatives through a whole net


class LayerCheck:
    """One layer of a float64 net, differentiated by every bottom and every parameter.

    The scalar that is differentiated is the sum of all tops, each element times a random
    weight (a loss: times its loss weight).

    Args:
        node: the layer, its bottoms filled.
        rng: the net's random generator, put back before each run of the layer.
        seed: of the random weights.
    """

    def __init__(self, node: Node, rng: np.random.Generator, seed: int = 3):
        self.node, self.layer, self.rng = node, node.layer, rng
        self.bottoms = [blob.data.copy() for blob in node.bottom]
        self.params = [blob.data.copy() for blob in self.layer.blobs]
        self.state = dict(self.layer.get_state())
        self.generator = rng.bit_generator.state
        self.run_forward()
        self.tops = [blob.data.copy() for blob in node.top]
        self.top_weights = self._choose_weights(np.random.default_rng(seed))
        self.seconds = 0.0  # of one forward and backward

    def _choose_weights(self, rng: np.random.Generator) -> list[Array]:
        weights = [
            np.full(blob.shape, weight) if weight else rng.uniform(0.5, 1.5, blob.shape)
            for blob, weight in zip(self.node.top, self.node.loss_weights, strict=True)
        ]
        if self.layer.type in ONLY_FIRST_TOP:
            weights[1:] = [np.zeros_like(values) for values in weights[1:]]
        if any(self.node.loss_weights):
            # Of a loss layer only the loss is differentiated, not what it also shows.
            weights = [
                values if weight else np.zeros_like(values)
                for values, weight in zip(weights, self.node.loss_weights, strict=True)
            ]
        return weights

    def run_forward(self) -> None:
        """The layer's forward from the kept bottoms, parameters and random state."""
        for blob, values in zip(self.node.bottom, self.bottoms, strict=True):
            blob.data[...] = values
        for blob, values in zip(self.layer.blobs, self.params, strict=True):
            blob.data[...] = values
        self.layer.set_state(self.state)
        self.rng.bit_generator.state = self.generator
        self.layer.forward(self.node.bottom, self.node.top)

    def objective(self) -> float:
        """How far the weighted sum of the tops has moved from where it was.

        The difference is taken before the sum: what has not moved adds no round-off.
        """
        self.run_forward()
        kept = zip(self.node.top, self.tops, self.top_weights, strict=True)
        return sum(float(((blob.data - top) * weights).sum()) for blob, top, weights in kept)

    def variables(self) -> list[Variable]:
        """What the layer can be differentiated by, with the gradients of its backward."""
        node, layer = self.node, self.layer
        propagate = [layer.allow_force_backward(index) for index in range(len(node.bottom))]
        learning = layer.param_propagate_down
        layer.param_propagate_down = [True] * len(layer.blobs)
        kept = [blob.diff.copy() for blob in layer.blobs]
        start = time.perf_counter()
        self.run_forward()
        for blob in layer.blobs:
            blob.diff[...] = 0
        for blob, weights in zip(node.top, self.top_weights, strict=True):
            blob.diff[...] = weights
        layer.backward(node.top, propagate, node.bottom)
        self.seconds = time.perf_counter() - start
        found = [
            Variable(f'bottom "{blob.name}"', self.bottoms[index], blob.diff.copy())
            for index, blob in enumerate(node.bottom)
            if propagate[index]
        ]
        if not getattr(layer, "frozen_params", False):
            found += [
                Variable(f"param {index}", self.params[index], blob.diff.copy())
                for index, blob in enumerate(layer.blobs)
            ]
        for blob, gradient in zip(layer.blobs, kept, strict=True):
            blob.diff = gradient
        layer.param_propagate_down = learning
        return found

    def compare(self, most: int | None = None, excuse_kinks: bool = True) -> list[Comparison]:
        """The comparison for every bottom and parameter.

        Args:
            most: elements of one variable to compare at most, drawn at random; None for all.
            excuse_kinks: whether a slope between those of the two sides of a kink is right.
        """
        tolerance = max(TOLERANCE, _looseness(self.node))
        sizes = zip(self.tops, self.top_weights, strict=True)
        size = max([1.0, *(float(np.abs(top * w).max(initial=0)) for top, w in sizes)])
        result = []
        for variable in self.variables():
            places = choose_places(variable.values.size, most)
            found = compare_variable(self.objective, variable, places, tolerance, size * ROUND_OFF)
            found.layer, found.type = self.layer.name, self.layer.type
            if not excuse_kinks:
                found.kinks[:] = False
            result.append(found)
        self.run_forward()
        return result


def _looseness(node: Node) -> float:
    """By which share a gradient that is Caffe's is off the derivative of the loss."""
    param = node.layer.layer_param.contrastive_loss_param
    if node.layer.type != "ContrastiveLoss" or param.legacy_version:
        return 0.0
    a, b = (blob.data.reshape(blob.shape[0], -1) for blob in node.bottom[:2])
    return min(0.5, CONTRASTIVE / max(float(np.linalg.norm(a - b, axis=1).min()), CONTRASTIVE))


def check_layers(
    net: Net, wanted: set[str] | None = None, most: int | None = None
) -> Iterator[tuple[LayerCheck, list[Comparison]]]:
    """Runs a net forward and checks its layers on the way, each where it stands.

    Args:
        net: a net with dtype float64.
        wanted: names of the layers to check; None for all.
        most: elements of one variable to compare at most.
    """
    for index, node in enumerate(net.nodes):
        checked = wanted is None or node.layer.name in wanted
        if checked and has_backward(node.layer) and (node.bottom or node.layer.blobs):
            check = LayerCheck(node, net.rng)
            yield check, check.compare(most)
        else:
            net.forward_from_to(index, index)


class NetCheck:
    """The loss of a whole float64 net, differentiated by its parameters and its inputs.

    The sources run once: every evaluation sees the same data and the same random numbers.

    Args:
        net: a net with dtype float64, built with force_backward for gradients of its inputs.
    """

    def __init__(self, net: Net):
        self.net = net
        self.states = [dict(node.layer.get_state()) for node in net.nodes]
        self.generator = net.rng.bit_generator.state
        self.params = net.arena.data.copy()
        self.sources = [node for node in net.nodes if not node.bottom and not node.layer.blobs]
        self.fixed: list[tuple[Node, list[Array]]] = []
        for index, node in enumerate(net.nodes):
            net.forward_from_to(index, index)
            if node in self.sources:
                self.fixed.append((node, [blob.data.copy() for blob in node.top]))
        self.loss = self.objective()
        self.ended_at = end_at_steps(net.nodes)  # layers without a derivative
        self.seconds = 0.0  # of one forward and backward

    def objective(self) -> float:
        """The loss at the kept parameters, on the kept data."""
        net = self.net
        net.arena.data[...] = self.params
        net.rng.bit_generator.state = self.generator
        for node, tops in self.fixed:
            for blob, values in zip(node.top, tops, strict=True):
                blob.data[...] = values
        loss = 0.0
        for index, (node, state) in enumerate(zip(net.nodes, self.states, strict=True)):
            if node.bottom or node.layer.blobs:
                node.layer.set_state(state)
                loss += net.forward_from_to(index, index)
        return loss

    def variables(self) -> list[Variable]:
        """The inputs that have a gradient and the parameters, each with its gradient."""
        net = self.net
        start = time.perf_counter()
        self.objective()
        net.clear_param_diffs()
        net.backward()
        self.seconds = time.perf_counter() - start
        seen = reach(net.nodes)
        found = [
            Variable(f'input "{blob.name}"', tops[index], blob.diff.copy())
            for node, tops in self.fixed
            for index, blob in enumerate(node.top)
            if id(blob) in seen.whole
        ]
        views = net.arena.views(self.params, net.learnable)
        for param, values in zip(net.learnable, views, strict=True):
            owner = net.layer_dict[param.layer]
            users = {node.layer.name for node in net.nodes if _uses(node, param)}
            if not users & seen.broken and not getattr(owner, "frozen_params", False):
                name = f"{param.layer} param {param.index}"
                found.append(Variable(name, values, param.blob.diff.copy()))
        return found

    def compare(self, most: int | None = None) -> list[Comparison]:
        """The comparison for every input and parameter, of ``most`` elements each."""
        noise = ROUND_OFF * max(1.0, abs(self.loss))
        # What one layer's gradient is off by may weigh more where those of others cancel out.
        tolerance = max(WHOLE, *(10 * _looseness(node) for node in self.net.nodes))
        result = []
        for variable in self.variables():
            places = choose_places(variable.values.size, most)
            # A step here moves many units, and some over a kink: the slope is that much off.
            result.append(compare_variable(self._moved, variable, places, tolerance, noise, True))
        self.objective()
        return result

    def _moved(self) -> float:
        return self.objective() - self.loss


def _uses(node: Node, param: Param) -> bool:
    """Whether the parameter is the layer's own, or shared with it by name."""
    names = {spec.name for spec in node.layer.layer_param.param} - {""}
    return node.layer.name == param.layer or param.name in names


def differentiable(net: Net, blob: Blob) -> bool:
    """Whether a gradient of the loss arrives at a blob: no reader takes it as label or index."""
    readers = [
        (node, index)
        for node in net.nodes
        for index, bottom in enumerate(node.bottom)
        if bottom is blob
    ]
    return bool(readers) and all(
        has_backward(node.layer)
        and node.layer.allow_force_backward(index)
        and (node.layer.type != "Split" or all(differentiable(net, top) for top in node.top))
        for node, index in readers
    )

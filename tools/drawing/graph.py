"""A net as boxes and arrows: in-place layers join the box below, automatic splits vanish."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import Net
from engine.net.gradient_flow import Node
from layers import Blob
from tools.drawing.values import edge_values, gate_lines
from tools.drawing.words import details, gate_symbol, loss_weights


@dataclass
class Box:
    """One box of the picture.

    Args:
        lines: the text in it; the first one is its title.
        kind: "source", "weights", "plain", "loss" or "end", which decide its colour.
        shared: whether it has parameters that another box has too; its border is dashed.
    """

    lines: list[str]
    kind: str = "plain"
    shared: bool = False


@dataclass
class Arrow:
    """From one box to another.

    Args:
        source, target: which boxes, by index.
        above: the text above it, or beside it where it points down.
        below: the text below it.
    """

    source: int
    target: int
    above: str = ""
    below: str = ""


@dataclass
class Graph:
    """The picture before it is laid out."""

    title: str
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)


def net_graph(net: Net, values: bool = False) -> Graph:
    """The graph of a net.

    Args:
        net: the net; with values, after its forward and backward.
        values: whether to write values and gradients at the arrows, instead of shapes.
    """
    return _Builder(net, values).graph


class _Builder:
    def __init__(self, net: Net, values: bool):
        self.net, self.values = net, values
        self.owners = {param.name: param.layer for param in net.learnable if param.name}
        self.borrowers = _borrowers(net, self.owners)
        self.makers: dict[int, int] = {}  # a blob -> the box that wrote it last
        self.shown: dict[int, Blob] = {}  # the copy that a split makes -> the blob it copies
        # What a source makes beside its first top, such as labels.
        self.labels = {id(top) for node in net.nodes if not node.bottom for top in node.top[1:]}
        self.graph = Graph(_values_title(net) if values else _title(net))
        for node in net.nodes:
            self._add(node)
        if values:
            self._add_ends()

    def _add(self, node: Node) -> None:
        boxes = self.graph.boxes
        if automatic_split(node) and not self.values:
            for top in node.top:
                self.makers[id(top)] = self.makers[id(node.bottom[0])]
                self.shown[id(top)] = node.bottom[0]
            return
        in_place = bool(node.bottom) and bool(node.top) and node.top[0] is node.bottom[0]
        if in_place and not self.values:
            index = self.makers[id(node.bottom[0])]
            box = boxes[index]
            box.lines.append(", ".join([_one_line(node), *self._parameters(node)]))
            box.shared = box.shared or self._shares(node)
            if box.kind == "plain" and node.layer.blobs:
                box.kind = "weights"
            read = node.bottom[1:]
        else:
            index = len(boxes)
            boxes.append(self._box(node))
            read = node.bottom
        for blob in read:
            self._arrow(blob, index, node)
        for top in node.top:
            self.makers[id(top)] = index

    def _box(self, node: Node) -> Box:
        if self.values:
            lines = [gate_symbol(node), *gate_lines(self.net, node)]
        else:
            lines = [node.layer.name, _one_line(node, named=False), *self._parameters(node)]
        return Box(lines, _kind(node), self._shares(node))

    def _parameters(self, node: Node) -> list[str]:
        """How many parameters a layer owns, who shares them, and whose it shares."""
        layer = node.layer
        indices = range(len(layer.blobs))
        shared = [index for index in indices if (layer.name, index) in self.net.shared_params]
        own = sum(layer.blobs[index].count for index in indices if index not in shared)
        lines = [f"{own:,} parameters"] if own and not is_frozen(node) else []
        borrowers = self.borrowers.get(layer.name, [])
        if lines and borrowers:
            lines[0] += f", shared with {_few(borrowers)}"
        lenders = [self.owners[layer.layer_param.param[index].name] for index in shared]
        return lines + [f"shares parameters of {name}" for name in dict.fromkeys(lenders)]

    def _shares(self, node: Node) -> bool:
        name = node.layer.name
        return name in self.borrowers or any(layer == name for layer, _ in self.net.shared_params)

    def _arrow(self, blob: Blob, target: int, node: Node) -> None:
        source = self.makers[id(blob)]
        if self.values:
            wanted = node.propagate_down[node.bottom.index(blob)]
            self.graph.arrows.append(Arrow(source, target, *edge_values(blob, wanted)))
            return
        shown = self.shown.get(id(blob), blob)
        if id(shown) in self.labels and blob is not node.bottom[0]:
            # Arrows that run past the whole net would tell no more.
            self.graph.boxes[target].lines.append(f"with {shown.name} {_shape(shown)}".rstrip())
            return
        title = self.graph.boxes[source].lines[0]
        label = _shape(shown) if shown.name == title else f"{shown.name} {_shape(shown)}"
        self.graph.arrows.append(Arrow(source, target, label.rstrip()))

    def _add_ends(self) -> None:
        """An arrow out of the net for every output: where backward begins."""
        running = {id(top) for node in self.net.nodes if node.need_backward for top in node.top}
        for name in self.net.outputs:
            blob = self.net.blobs[name]
            self.graph.boxes.append(Box([name], "end"))
            arrow = Arrow(self.makers[id(blob)], len(self.graph.boxes) - 1)
            arrow.above, arrow.below = edge_values(blob, id(blob) in running)
            self.graph.arrows.append(arrow)


def _borrowers(net: Net, owners: dict[str, str]) -> dict[str, list[str]]:
    """For each layer that others share parameters of, these others."""
    found: dict[str, list[str]] = {}
    for node in net.nodes:
        for index, param in enumerate(node.layer.layer_param.param):
            if (node.layer.name, index) in net.shared_params:
                names = found.setdefault(owners[param.name], [])
                if node.layer.name not in names:
                    names.append(node.layer.name)
    return found


def _few(names: list[str]) -> str:
    """The name, or how many there are: a box is no place for a list."""
    return names[0] if len(names) == 1 else f"{len(names)} layers"


def _title(net: Net) -> str:
    frozen = {node.layer.name for node in net.nodes if is_frozen(node)}
    count = sum(param.blob.count for param in net.learnable if param.layer not in frozen)
    layers = sum(not automatic_split(node) for node in net.nodes)
    phase = ("TRAIN", "TEST")[net.phase]
    name = f"{net.name}, " if net.name else ""
    many = "layer" if layers == 1 else "layers"
    return f"{name}{phase}: {layers} {many}, {count:,} parameters"


def _values_title(net: Net) -> str:
    name = f"{net.name}: " if net.name else ""
    return f"{name}values above the arrows, gradients below"


def automatic_split(node: Node) -> bool:
    """Whether the layer is a Split that no config names."""
    return node.layer.type == "Split" and node.layer.name.endswith("_split")


def _kind(node: Node) -> str:
    if not node.bottom:
        return "source"
    if any(node.loss_weights):
        return "loss"
    return "weights" if node.layer.blobs else "plain"


def _one_line(node: Node, named: bool = True) -> str:
    """``Convolution 3x3, stride 2``; of an in-place layer ``relu1: ReLU``."""
    settings, weight = details(node), loss_weights(node)
    text = ", ".join(filter(None, [f"{node.layer.type} {settings}".rstrip(), weight]))
    return f"{node.layer.name}: {text}" if named else text


def is_frozen(node: Node) -> bool:
    """Whether the layer's blobs are statistics that it keeps itself, not learnt."""
    return bool(getattr(node.layer, "frozen_params", False))


def _shape(blob: Blob) -> str:
    return "x".join(map(str, blob.shape))

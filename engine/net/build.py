"""From a specification to layers: filter, split, create, infer shapes, place parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.net import gradient_flow
from engine.net.given_params import take_given
from engine.net.gradient_flow import Node
from engine.net.params import Arena, ParamRegistry
from engine.schema import LayerParameter, NetParameter
from engine.spec import NetSpec
from engine.spec.filter import filter_layers, is_included, state_words
from engine.spec.splits import insert_splits
from layers import Blob, DemitasseError, Layer, LayerContext, LayerError, create_layer

Locate = Callable[[str], str]


class NetBuilder:
    """Builds the nodes of a net, one layer after the other.

    Args:
        spec: the specification, its state already set.
        context: what every layer gets to know.

    Raises:
        DemitasseError: the net does not hold together; the message names the layer, its
            place in the file, and its bottoms with their shapes.
    """

    def __init__(self, spec: NetSpec, context: LayerContext):
        self.context = context
        self.locate = locator(spec)
        filtered = filter_layers(spec.param)
        if spec.param.layer and not filtered.layer:
            raise DemitasseError(
                f"no layer of the net is included in {state_words(spec.param.state)}",
                str(spec.path or ""),
            )
        with located(self.locate):
            self.param: NetParameter = insert_splits(filtered, _made_elsewhere(spec.param))
        self.nodes: list[Node] = []
        self.blobs: dict[str, Blob] = {}
        self.params = ParamRegistry()
        self._unread: dict[str, None] = {}
        self._learning: set[str] = set()
        for layer_param in self.param.layer:
            self.nodes.append(self._add(layer_param))
        gradient_flow.prune(self.nodes)
        if self.param.force_backward:
            gradient_flow.force(self.nodes)
        self.arena: Arena = self.params.pack(context.dtype)

    @property
    def outputs(self) -> list[str]:
        """Names of the blobs that no layer reads."""
        return list(self._unread)

    def _add(self, layer_param: LayerParameter) -> Node:
        with located(self.locate, layer_param.name):
            layer = create_layer(layer_param, self.context)
            node = Node(layer)
            self._connect(node)
            with describing_bottoms(node):
                layer.setup(node.bottom, node.top)
                take_given(layer)
                node.loss_weights = loss_weights(node)
                reshape(node)
                self.params.add_layer(layer)
                gradient_flow.gradient_reaches(node, self._learning)
        return node

    def _connect(self, node: Node) -> None:
        """Finds the bottoms, makes the tops, and checks how many of each there are."""
        layer, param = node.layer, node.layer.layer_param
        if param.propagate_down and len(param.propagate_down) != len(param.bottom):
            raise layer.error(
                "propagate_down must be given for every bottom or not at all",
                f"{len(param.propagate_down)} for {len(param.bottom)} bottoms",
            )
        for name in param.bottom:
            node.bottom.append(self.blobs[name])
            self._unread.pop(name, None)
        for index, name in enumerate(param.top):
            in_place = index < len(param.bottom) and param.bottom[index] == name
            node.top.append(self.blobs[name] if in_place else self._new_blob(layer, name))
            self._unread[name] = None
        if layer.auto_top:
            wanted = max(layer.min_top or 0, layer.exact_num_top or 0)
            dtype = self.context.dtype
            node.top += [Blob((), "(automatic)", dtype) for _ in range(wanted - len(node.top))]
        layer.check_blob_counts(len(node.bottom), len(node.top))
        if not layer.runs_in_place:
            layer.refuse_in_place(node.bottom, node.top)

    def _new_blob(self, layer: Layer, name: str) -> Blob:
        if name in self.blobs:
            raise layer.error(
                f'makes blob "{name}", which another layer already makes',
                hint="give the top another name, or read and write it in place",
            )
        blob = self.blobs[name] = Blob((), name, self.context.dtype)
        return blob


def _made_elsewhere(net: NetParameter) -> dict[str, str]:
    """What to say of blobs that only excluded layers make."""
    state = state_words(net.state)
    return {
        blob: f'layer "{layer.name}" makes it, but is not included in {state}'
        for layer in net.layer
        if not is_included(layer, net.state)
        for blob in layer.top
    }


def loss_weights(node: Node) -> list[float]:
    """The loss weight of each top: as the config says, or the layer's own defaults.

    Raises:
        LayerError: the config gives another number of weights than there are tops.
    """
    given = list(node.layer.layer_param.loss_weight)
    if given and len(given) != len(node.top):
        raise node.layer.error(
            "loss_weight must be given for every top or not at all",
            f"{len(given)} for {len(node.top)} tops",
        )
    return given or [node.layer.default_loss_weight(i) for i in range(len(node.top))]


def reshape(node: Node) -> None:
    """Gives the tops the shapes that follow from the bottoms'.

    Backward starts at the losses: the gradient of the total by each of them is its weight.
    """
    node.layer.reshape(node.bottom, node.top)
    node.shapes = [blob.shape for blob in node.bottom]
    for blob, weight in zip(node.top, node.loss_weights, strict=True):
        if weight:
            blob.diff[...] = weight


def locator(spec: NetSpec) -> Locate:
    """A function from a layer's name to the place in a file that defines it."""

    def locate(layer_name: str) -> str:
        place = spec.origins.layer(layer_name)
        return str(place or spec.path or "")

    return locate


@contextmanager
def located(locate: Locate, layer_name: str = "") -> Iterator[None]:
    """Adds the place in the config to an error that a layer raises, or that is about a layer."""
    try:
        yield
    except LayerError as error:
        place = locate(layer_name or error.layer_name)
        if place and place not in error.where:
            error.where = f"{place}, {error.where}"
        raise


@contextmanager
def describing_bottoms(node: Node) -> Iterator[None]:
    """Adds the bottoms' shapes to an error that a layer raises."""
    try:
        yield
    except LayerError as error:
        bottoms = ", ".join(f'"{blob.name}" {blob.shape}' for blob in node.bottom)
        if bottoms and "bottoms:" not in error.where:
            error.where += f" [bottoms: {bottoms}]"
        raise

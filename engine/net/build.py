"""From a specification to layers: filter, split, create, infer shapes, place parameters."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.errors import ConfigError, identified
from engine.net import gradient_flow
from engine.net.given_params import take_given
from engine.net.gradient_flow import Node
from engine.net.lineage import Lineage
from engine.net.params import Arena, ParamRegistry
from engine.schema import LayerParameter, NetParameter
from engine.spec import NetSpec
from engine.spec.filter import filter_layers, is_included, state_words
from engine.spec.splits import insert_splits, missing_bottoms
from layers import Blob, DemitasseError, Layer, LayerContext, LayerError, create_layer

Locate = Callable[..., str]  # of a layer's name, and of what is wrong with it
_FIELD = re.compile(r"\b\w+_param(?:\.\w+)+")


class NetBuilder:
    """Builds the nodes of a net, one layer after the other.

    Args:
        spec: the specification, its state already set.
        context: what every layer gets to know.
    """

    def __init__(self, spec: NetSpec, context: LayerContext):
        self.spec, self.context = spec, context
        self.locate = locator(spec)
        self.nodes: list[Node] = []
        self.blobs: dict[str, Blob] = {}
        self.lineage = Lineage(layer.name for layer in spec.param.layer)
        self.params = ParamRegistry()
        self._unread: dict[str, None] = {}
        self._learning: set[str] = set()

    def build(self) -> Arena:
        """Makes all layers and infers their shapes; returns their parameters.

        Raises:
            DemitasseError: the net does not hold together; the message names the layer, its
                place in the file, and its bottoms with their shapes.
        """
        included = self.included()
        missing = list(self.missing(included))
        if missing:
            raise ConfigError(missing) if len(missing) > 1 else missing[0]
        for layer_param in insert_splits(included).layer:
            self.nodes.append(self.add(layer_param))
        self.find_gradients()
        return self.params.pack(self.context.dtype)

    def included(self) -> NetParameter:
        """The net without the layers that its state excludes.

        Raises:
            DemitasseError: none is left, or a layer both includes and excludes.
        """
        param = self.spec.param
        filtered = filter_layers(param)
        if param.layer and not filtered.layer:
            what = f"no layer of the net is included in {state_words(param.state)}"
            raise DemitasseError(what, str(self.spec.path or ""), id="DM208")
        return filtered

    def missing(self, included: NetParameter) -> Iterator[LayerError]:
        """An error for each bottom that no earlier layer makes."""
        for problem in missing_bottoms(included, _made_elsewhere(self.spec.param)):
            yield place(problem, self.locate)

    def find_gradients(self) -> None:
        """Decides which layers run backward, and into which of their bottoms."""
        gradient_flow.prune(self.nodes)
        if self.spec.param.force_backward:
            gradient_flow.force(self.nodes)

    @property
    def outputs(self) -> list[str]:
        """Names of the blobs that no layer reads."""
        return list(self._unread)

    def add(self, layer_param: LayerParameter) -> Node:
        """Makes a layer, and the shapes of its tops.

        Raises:
            DemitasseError: it does not fit what is below it, or its own parameters.
        """
        with located(self.locate, layer_param.name):
            layer = create_layer(layer_param, self.context)
            node = Node(layer)
            self._connect(node)
            with describing_bottoms(node, self.lineage):
                with identified("DM301"):
                    layer.setup(node.bottom, node.top)
                take_given(layer)
                node.loss_weights = loss_weights(node)
                reshape(node)
                self.params.add_layer(layer)
                gradient_flow.gradient_reaches(node, self._learning)
        self.lineage.add(node)
        return node

    def _connect(self, node: Node) -> None:
        """Finds the bottoms, makes the tops, and checks how many of each there are."""
        layer, param = node.layer, node.layer.layer_param
        if param.propagate_down and len(param.propagate_down) != len(param.bottom):
            raise layer.error(
                "propagate_down must be given for every bottom or not at all",
                f"{len(param.propagate_down)} for {len(param.bottom)} bottoms",
                id="DM210",
            )
        for name in param.bottom:
            node.bottom.append(self.blobs[name])
            self._unread.pop(name, None)
        for index, name in enumerate(param.top):
            in_place = index < len(param.bottom) and param.bottom[index] == name
            if not in_place and index < len(param.bottom):
                self._refuse_early_readers(layer, param.bottom[index], name)
            node.top.append(self.blobs[name] if in_place else self._new_blob(layer, name))
            self._unread[name] = None
        if layer.auto_top:
            wanted = max(layer.min_top or 0, layer.exact_num_top or 0)
            dtype = self.context.dtype
            node.top += [Blob((), "(automatic)", dtype) for _ in range(wanted - len(node.top))]
        layer.check_blob_counts(len(node.bottom), len(node.top))
        if not layer.runs_in_place:
            layer.refuse_in_place(node.bottom, node.top)

    def _refuse_early_readers(self, layer: Layer, bottom: str, top: str) -> None:
        """Raises a LayerError for a layer in place on a blob that a layer above it reads."""
        if bottom != top and self.lineage.name(bottom) == top:
            raise layer.error(
                f'cannot run in place on "{top}", which a layer above it reads as well',
                hint="give its top another name, or let the other one read further down",
                id="DM206",
            )

    def _new_blob(self, layer: Layer, name: str) -> Blob:
        if name in self.blobs:
            raise layer.error(
                f'makes blob "{name}", which another layer already makes',
                hint="give the top another name, or read and write it in place",
                id="DM202",
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
        LayerError: the config gives another number of weights than there are tops, or NaN.
    """
    given = list(node.layer.layer_param.loss_weight)
    if given and len(given) != len(node.top):
        raise node.layer.error(
            "loss_weight must be given for every top or not at all",
            f"{len(given)} for {len(node.top)} tops",
            id="DM210",
        )
    for weight in given:
        if not math.isfinite(weight):
            raise node.layer.error("loss_weight is no finite number", f"{weight:g}", id="DM210")
    return given or [node.layer.default_loss_weight(i) for i in range(len(node.top))]


def reshape(node: Node) -> None:
    """Gives the tops the shapes that follow from the bottoms'.

    Backward starts at the losses: the gradient of the total by each of them is its weight.
    """
    with identified("DM302"):
        node.layer.reshape(node.bottom, node.top)
    node.shapes = [blob.shape for blob in node.bottom]
    for blob, weight in zip(node.top, node.loss_weights, strict=True):
        if weight:
            blob.diff[...] = weight


def locator(spec: NetSpec) -> Locate:
    """A function from a layer's name to the place in a file that defines it.

    Of layers with one name, in different phases, the one that the spec's state includes is meant.
    Given a message, too, that names a field as ``pooling_param.pad``, it gives that field's place,
    where the config has it.
    """
    before: Counter[str] = Counter()
    numbers: dict[str, int] = {}
    for layer in spec.param.layer:
        if is_included(layer, spec.param.state, strict=False):
            numbers.setdefault(layer.name, before[layer.name])
        before[layer.name] += 1

    def locate(layer_name: str, what: str = "") -> str:
        number = numbers.get(layer_name, 0)
        named = _FIELD.search(what)
        field = spec.origins.layer_field(layer_name, named[0], number) if named else None
        return str(field or spec.origins.layer(layer_name, number) or spec.path or "")

    return locate


def place(problem: LayerError, locate: Locate, layer_name: str = "") -> LayerError:
    """The error with the place of its layer in the config."""
    name = layer_name or problem.layer_name
    found = locate(name, problem.what)
    if found and found not in problem.where and locate(name) not in problem.where:
        problem.where = f"{found}, {problem.where}"
    return problem


@contextmanager
def located(locate: Locate, layer_name: str) -> Iterator[None]:
    """Adds the place in the config to an error that a layer raises."""
    try:
        yield
    except LayerError as error:
        place(error, locate, layer_name)
        raise
    except DemitasseError as error:  # of what a layer uses, such as a blob too large
        error.where = error.where or locate(layer_name) or f'layer "{layer_name}"'
        raise


@contextmanager
def describing_bottoms(node: Node, lineage: Lineage) -> Iterator[None]:
    """Adds the bottoms' shapes, and how they came about, to an error that a layer raises."""
    try:
        yield
    except LayerError as error:
        if error.id in ("DM203", "DM303"):
            raise  # no shape has to do with it
        bottoms = ", ".join(f'"{blob.name}" {blob.shape}' for blob in node.bottom)
        if bottoms and "bottoms:" not in error.where:
            error.where += f" [bottoms: {bottoms}]"
            error.chains = lineage.chains(node)
        lineage.use_written_names(error, node)
        raise

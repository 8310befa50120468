"""Building a net as far as it goes: what is broken is noted, and the rest is still looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.check.assumed import assumed_source
from engine.check.graph import Graph
from engine.check.report import CheckedNet
from engine.errors import DemitasseError
from engine.net.arguments import read_array
from engine.net.build import NetBuilder, located, place
from engine.schema import TRAIN, LayerParameter, NetParameter
from engine.spec import NetSpec, find_file
from engine.spec.filter import is_included, state_words
from engine.spec.splits import insert_splits
from layers import Layer, LayerContext, LayerError, create_layer, find_layer


class NetChecker(NetBuilder):
    """Builds the layers that hold together; those that read what a broken one makes are left out.

    Args:
        spec: the net, its state set.
        context: what every layer gets to know.
        problems: gets what is wrong.
    """

    def __init__(self, spec: NetSpec, context: LayerContext, problems: list[DemitasseError]):
        super().__init__(spec, context)
        self.problems = problems
        self.assumed: list[str] = []
        self._unknown: set[str] = set()  # blobs whose makers are broken
        self._broken: set[str] = set()

    def check(self, trains: bool) -> CheckedNet:
        """The net as far as it goes."""
        included = self.included()
        missing = list(self.missing(included))
        self.problems += missing
        self._broken = self.spec.origins.flawed | {problem.layer_name for problem in missing}
        self._broken |= self._of_unknown_type(included)
        for layer_param in insert_splits(self._readable(included)).layer:
            self._try(layer_param)
        self.find_gradients()
        names = {node.layer.name for node in self.nodes}
        return CheckedNet(
            self.spec,
            state_words(self.spec.param.state),
            Graph(included.layer),
            self.nodes,
            self.params.learnable,
            self.outputs,
            self.blobs,
            whole=all(layer.name in names for layer in included.layer),
            trains=trains,
            locate=self.locate,
            assumed=self.assumed,
        )

    def included(self) -> NetParameter:
        """As for any net; a layer that both includes and excludes goes by what it includes."""
        for layer in self.spec.param.layer:
            try:
                is_included(layer, self.spec.param.state)
            except DemitasseError as problem:
                found = LayerError(problem.what, problem.where, problem.got, problem.expected)
                found.id = problem.id
                self.problems.append(place(found, self.locate, layer.name))
                del layer.exclude[:]
        return super().included()

    def _of_unknown_type(self, included: NetParameter) -> set[str]:
        """Names of the layers that no class is there for, each noted as a problem."""
        unknown = set()
        for layer in included.layer:
            if layer.name not in self._broken and find_layer(layer.type) is None:
                unknown.add(layer.name)
                with self._noting(layer):
                    create_layer(layer, self.context)
        return unknown

    @contextmanager
    def _noting(self, layer: LayerParameter) -> Iterator[None]:
        """Adds a layer's error to the problems, with the place of the layer."""
        try:
            with located(self.locate, layer.name):
                yield
        except DemitasseError as problem:
            problem.where = problem.where or self.locate(layer.name)
            self.problems.append(problem)

    def _readable(self, included: NetParameter) -> NetParameter:
        """The net without the layers that cannot be built, as far as can be seen before."""
        readable, unknown = NetParameter(), set[str]()
        readable.CopyFrom(included)
        del readable.layer[:]
        for layer in included.layer:
            if layer.name in self._broken or unknown & set(layer.bottom):
                unknown.update(layer.top)
            else:
                unknown.difference_update(layer.top)
                readable.layer.append(layer)
        return readable

    def _try(self, layer_param: LayerParameter) -> None:
        """Builds a layer, or notes why it cannot be; a missing source may be imagined."""
        if self._unknown & set(layer_param.bottom):
            self._unknown.update(layer_param.top)
            return
        try:
            self.nodes.append(self.add(layer_param))
        except DemitasseError as problem:
            problem.where = problem.where or self.locate(layer_param.name)
            self.problems.append(problem)
            for top in layer_param.top:
                self.blobs.pop(top, None)
            if problem.id in ("DM001", "DM502"):
                self._go_on_without_files(layer_param)
            else:
                self._unknown.update(layer_param.top)

    def _go_on_without_files(self, layer_param: LayerParameter) -> None:
        """After a missing file: notes a second one, and goes on with the shapes as far as known."""
        if layer_param.transform_param.mean_file:
            without = LayerParameter()
            without.CopyFrom(layer_param)
            without.transform_param.ClearField("mean_file")
            self._try(without)
            return
        imagined = assumed_source(layer_param)
        if imagined is None:
            self._unknown.update(layer_param.top)
            return
        self.nodes.append(self.add(imagined))
        self.assumed += [f"{blob.name} {blob.shape}" for blob in self.nodes[-1].top]


def context_of(spec: NetSpec, allow_code: bool) -> LayerContext:
    """What the layers get to know: as in training, but that no values are drawn."""
    return LayerContext(
        spec.param.state.phase,
        find_file=lambda name: find_file(name, spec.base),
        allow_code=allow_code,
        read_blob=lambda name: read_array(name, spec.base),
        folder=spec.base,
        draws=False,
    )


def may_be_loss(layer: LayerParameter) -> bool:
    """Whether a top of the layer may be a loss; of an unknown type nothing is sure."""
    cls = find_layer(layer.type)
    own = cls is None or cls.default_loss_weight is not Layer.default_loss_weight
    return any(layer.loss_weight) or (own and not layer.loss_weight)


def loss_problem(checked: CheckedNet) -> DemitasseError | None:
    """The problem that a net which is to learn has no loss."""
    spec = checked.spec
    if spec.param.state.phase != TRAIN or any(map(may_be_loss, checked.graph.layers)):
        return None
    if not spec.param.layer and "layer" in spec.origins.refused:
        return None  # its layers could not be read, which has been said
    excluded = [layer for layer in spec.param.layer if may_be_loss(layer)]
    hint = "add a loss layer that the TRAIN phase includes, or give a top a loss_weight"
    where = str(spec.path or spec.param.name or "the net")
    if excluded:
        name = excluded[0].name
        where = f'{checked.locate(name)}, layer "{name}" ({excluded[0].type})'
        hint = "its include or exclude rules keep it out of the TRAIN phase: remove them"
    what = "the net has no loss when it trains, so it would learn nothing"
    return DemitasseError(what, where, hint=hint, id="DM209")

"""What a check found, and the nets it could build."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.check.graph import Graph
from engine.check.rules import is_warning
from engine.errors import ConfigError, DemitasseError
from engine.net.gradient_flow import Node
from engine.net.params import Param
from engine.schema import TRAIN, LayerParameter
from engine.spec import NetSpec
from layers import Blob


@dataclass
class CheckedNet:
    """As much of a net as holds together, in one of its states.

    Args:
        spec: the net, its state set.
        title: the state in words, such as "TRAIN".
        graph: the included layers, and who reads what.
        nodes: those that could be built, in order, the net's own Splits among them.
        params: their learnable parameters.
        outputs: names of the blobs that no layer reads.
        blobs: by name.
        whole: whether all layers could be built.
        trains: whether this is a net to be trained, and not one to be used as it is.
        locate: the place of a layer in the config, by its name.
        assumed: what was taken for the tops of sources that are missing, as text.
        iterations: batches in a test, where a solver tests this net.
    """

    spec: NetSpec
    title: str
    graph: Graph
    nodes: list[Node]
    params: list[Param]
    outputs: list[str]
    blobs: dict[str, Blob]
    whole: bool
    trains: bool
    locate: Callable[[str], str]
    assumed: list[str] = field(default_factory=list)
    iterations: int | None = None

    @property
    def written(self) -> list[Node]:
        """The built layers that the config has, without the net's own Splits."""
        names = {layer.name for layer in self.graph.layers}
        return [node for node in self.nodes if node.layer.name in names]

    @property
    def in_training(self) -> bool:
        """Whether this is the net that learns."""
        return self.trains and self.spec.param.state.phase == TRAIN

    def node(self, layer: LayerParameter) -> Node | None:
        """A layer as it was built."""
        return next((node for node in self.nodes if node.layer.name == layer.name), None)

    def problem(self, id: str, layer: LayerParameter, what: str, **details: str) -> DemitasseError:
        """A problem with a layer; ``details`` are got, expected and hint."""
        place = self.locate(layer.name)
        where = f'{place}{", " if place else ""}layer "{layer.name}" ({layer.type})'
        return DemitasseError(what, where, id=id, **details)


@dataclass
class Report:
    """Everything found in a config.

    Args:
        path: the config.
        problems: in the order they were found.
        nets: in the states that were looked at.
    """

    path: str
    problems: list[DemitasseError] = field(default_factory=list)
    nets: list[CheckedNet] = field(default_factory=list)

    @property
    def errors(self) -> list[DemitasseError]:
        """What keeps the config from being used."""
        return [problem for problem in self.distinct if not is_warning(problem.id)]

    @property
    def warnings(self) -> list[DemitasseError]:
        """What is allowed, but seldom meant."""
        return [problem for problem in self.distinct if is_warning(problem.id)]

    @property
    def distinct(self) -> list[DemitasseError]:
        """Each problem once, from the first line to the last of each file.

        The phases share most layers, and differ in the size of a batch.
        """
        found: dict[tuple[str, str, str], DemitasseError] = {}
        for problem in _flat(self.problems):
            where = problem.where.partition(" [bottoms")[0]
            key = (problem.id, where, re.sub(r"\d+", "#", problem.what))
            found.setdefault(key, problem)
        files: dict[str, int] = {}
        return sorted(found.values(), key=lambda problem: _position(problem.where, files))


def _position(where: str, files: dict[str, int]) -> tuple[int, int, int]:
    """File, line and column of a place; files are numbered as they come."""
    spot = re.match(r"(.*?):(\d+):(\d+)", where)
    file, line, column = spot.groups() if spot else (where.partition(",")[0], 0, 0)
    return files.setdefault(file, len(files)), int(line), int(column)


def _flat(problems: Sequence[DemitasseError]) -> list[DemitasseError]:
    flat: list[DemitasseError] = []
    for problem in problems:
        flat += problem.problems if isinstance(problem, ConfigError) else [problem]
    return flat

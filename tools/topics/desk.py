"""Where a topic of the course finds its configs and puts its pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from engine import DemitasseError, Net, Solver
from engine.errors import MissingDependency
from engine.solver import Listener
from engine.spec import read_net, read_solver
from tools.commands.draw import flow, picture
from tools.drawing.graph import net_graph
from tools.plotting import figures
from tools.plotting.figures import write_picture

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs" / "course"


class Desk:
    """One topic at work.

    Args:
        number: of the topic.
        folder: gets the pictures.
    """

    def __init__(self, number: int, folder: Path):
        self.number, self.folder = number, folder
        self.pictures: list[Path] = []
        self.missing: MissingDependency | None = None  # what pictures could not be drawn without

    def config(self, name: str) -> Path:
        """The path of ``configs/course/NN_name.yaml``.

        Raises:
            DemitasseError: it is not there, because only the packages were installed.
        """
        path = CONFIGS / f"{self.number:02}_{name}.yaml"
        if not path.is_file():
            raise DemitasseError(
                "this config of the course is not here", str(path),
                hint="the course runs from a clone of the repository: pip install -e .",
            )  # fmt: skip
        return path

    def say(self, text: str = "") -> None:
        """Prints a line, or a table."""
        sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def picture(self, name: str) -> Path:
        """Where to put a picture, ``NN_name``; it is told of at the end."""
        path = self.folder / f"{self.number:02}_{name}"
        self.pictures.append(path)
        return path

    def figure(self, name: str, make: Callable[[], Any]) -> None:
        """Draws a picture with matplotlib; without it the topic goes on, and says so at the end.

        Args:
            name: of the file.
            make: makes the figure.
        """
        try:
            figures.figure_class()
        except MissingDependency as problem:
            self.missing = problem
            return
        figures.save(make(), self.picture(name))

    def net(self, name: str, overrides: Iterable[str] = (), seed: int = 1) -> Net:
        """The net of a config in float64, with gradients for its inputs too."""
        spec = read_net(self.config(name), overrides)
        spec.param.force_backward = True
        return Net(spec, phase=0, dtype=np.float64, seed=seed, allow_code=True)

    def drawn(self, name: str) -> Net:
        """A net after forward and backward, drawn with its values."""
        net = self.net(name)
        flow(net)
        graph = net_graph(net, values=True)
        write_picture(self.picture(f"{name}.svg"), picture(graph, "svg", True, own=True))
        return net


def gradients(net: Net, names: Iterable[str]) -> dict[str, float]:
    """The gradients of blobs of one number each, by name."""
    return {name: float(net.blobs[name].diff.reshape(-1)[0]) for name in names}


def trained(desk: Desk, name: str, settings: Iterable[str] = ()) -> Solver:
    """The solver of a config after all its iterations."""
    solver = quiet_solver(desk, name, settings)
    solver.step(solver.param.max_iter)
    return solver


def quiet_solver(desk: Desk, name: str, settings: Iterable[str] = ()) -> Solver:
    """The solver of a config; what it displays is for those who train with `train`."""
    return Solver(read_solver(desk.config(name), settings), listener=Listener())


def held_out_accuracy(solver: Solver) -> float:
    """The share of the held-out digits that the first test net gets right, in its test batches."""
    net = solver.test_nets[0]
    net.share_with(solver.net)
    batches = solver.param.test_iter[0]
    return sum(net.forward(["accuracy"])["accuracy"].item() for _ in range(batches)) / batches

"""A small net and solver whose runs take milliseconds, for tests of the solver."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine import LogListener, Solver, Step

NET = """
name: "tiny"
layer {{
  name: "train" type: "ArrayData" top: "data" top: "label" include {{ phase: TRAIN }}
  array_data_param {{
    source: "{folder}/x.npy" label_source: "{folder}/y.npy" batch_size: 4 shuffle: true seed: 3
  }}
}}
layer {{
  name: "held_out" type: "ArrayData" top: "data" top: "label" include {{ phase: TEST }}
  array_data_param {{ source: "{folder}/tx.npy" label_source: "{folder}/ty.npy" batch_size: 3 }}
}}
layer {{
  name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1" param {{ lr_mult: 1 }}
  param {{ lr_mult: 2 decay_mult: 0 }}
  inner_product_param {{ num_output: 6 weight_filler {{ type: "xavier" }} }}
}}
layer {{ name: "drop" type: "Dropout" bottom: "ip1" top: "ip1" }}
layer {{
  name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param {{ num_output: 3 weight_filler {{ type: "gaussian" std: 0.1 }} }}
}}
layer {{
  name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy"
  include {{ phase: TEST }}
}}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }}
"""

SOLVER = """
net: "{folder}/net.prototxt" base_lr: 0.05 weight_decay: 0.01 average_loss: 3 random_seed: 11
snapshot_prefix: "{folder}/snap"
"""

TESTED = 'test_iter: 2 test_interval: 1 max_iter: 9 lr_policy: "fixed" momentum: 0.9 '


class Recorder(LogListener):
    """Keeps what it hears, and leaves the rest to the log."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.rates: list[float] = []
        self.scores: list[dict[str, float]] = []

    def stepped(self, step: Step) -> None:
        self.losses.append(step.loss)
        self.rates.append(step.lr)

    def tested(self, iteration: int, net: int, scores: Mapping[str, float]) -> None:
        self.scores.append({"iteration": iteration, "net": net, **scores})


def write_data(folder: Path) -> None:
    """The net, 10 training samples and 7 to test."""
    rng = np.random.default_rng(0)
    for prefix, count in (("", 10), ("t", 7)):
        np.save(folder / f"{prefix}x.npy", rng.normal(size=(count, 5)).astype(np.float32))
        np.save(folder / f"{prefix}y.npy", rng.integers(0, 3, count).astype(np.float32))
    (folder / "net.prototxt").write_text(NET.format(folder=folder))


def make(folder: Path, settings: str) -> Solver:
    """A solver of the net in the folder, with its own recorder as listener."""
    path = folder / "solver.prototxt"
    path.write_text(SOLVER.format(folder=folder) + settings)
    return Solver(path, listener=Recorder())


def recorder(solver: Solver) -> Recorder:
    assert isinstance(solver.listener, Recorder)
    return solver.listener

"""What exact resume has to hold for: every solver, schedule, and what else a run may do.

To add to the matrix is to add a line to SOLVERS, SCHEDULES or FEATURES.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine import Listener, Solver
from engine.spec import SolverSpec, parse_solver

END = 6
SOLVERS = {
    "SGD": "momentum: 0.9",
    "SGD, clipped, L1": 'type: "SGD" momentum: 0.9 clip_gradients: 0.5 regularization_type: "L1"',
    "Nesterov": 'type: "Nesterov" momentum: 0.9',
    "AdaGrad": 'type: "AdaGrad"',
    "RMSProp": 'type: "RMSProp" rms_decay: 0.9',
    "AdaDelta": 'type: "AdaDelta" momentum: 0.9 delta: 1e-6',
    "Adam": 'type: "Adam" momentum: 0.9',
    "AdamW": 'type: "AdamW" momentum: 0.9',
    "AMSGrad": 'type: "AMSGrad" momentum: 0.9',
    "LARS": 'type: "LARS" momentum: 0.9',
}
SCHEDULES = {
    "fixed": 'lr_policy: "fixed"',
    "step": 'lr_policy: "step" gamma: 0.5 stepsize: 2',
    "exp": 'lr_policy: "exp" gamma: 0.9',
    "inv": 'lr_policy: "inv" gamma: 0.1 power: 0.75',
    "multistep": 'lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 5',
    "poly": 'lr_policy: "poly" power: 1.5',
    "sigmoid": 'lr_policy: "sigmoid" gamma: 0.9 stepsize: 3',
    "cosine": 'lr_policy: "cosine" min_lr: 0.001',
    "onecycle": 'lr_policy: "onecycle"',
    "plateau": 'lr_policy: "plateau" gamma: 0.5 patience: 2 min_delta: 0.5 monitor: "loss"',
    "plateau of the loss": (
        'lr_policy: "plateau" gamma: 0.5 plateau_winsize: 1 plateau_winsize: 2 plateau_winsize: 1'
    ),
}
FEATURES = (
    "dropout", "stochastic pooling", "augmentation", "shuffle", "iter_size 2", "average",
    "warm-up", "HDF5",
)  # fmt: skip
# The rate's way up and the form of the file: what the others do is the same with and without.
DRAWN = frozenset(["warm-up", "HDF5"])

NET = """
name: "small"
layer {{
  name: "train" type: "ArrayData" top: "data" top: "label" include {{ phase: TRAIN }}
  transform_param {{ scale: 0.00390625 {augmentation} }}
  array_data_param {{ source: "x.npy" label_source: "y.npy" batch_size: 4 seed: 3 {shuffle} }}
}}
layer {{
  name: "test" type: "ArrayData" top: "data" top: "label" include {{ phase: TEST }}
  transform_param {{ scale: 0.00390625 {crop} }}
  array_data_param {{ source: "x.npy" label_source: "y.npy" batch_size: 3 }}
}}
layer {{
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {{ num_output: 3 kernel_size: 3 weight_filler {{ type: "xavier" }} }}
}}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
layer {{
  name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param {{ kernel_size: 2 stride: 2 {pooling} }}
}}
{dropout}
layer {{
  name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param {{ num_output: 3 weight_filler {{ type: "gaussian" std: 0.1 }} }}
}}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }}
"""
IN_NET = {
    "dropout": ("dropout", 'layer { name: "drop" type: "Dropout" bottom: "pool" top: "pool" }'),
    "stochastic pooling": ("pooling", "pool: STOCHASTIC"),
    "shuffle": ("shuffle", "shuffle: true"),
    "augmentation": (
        "augmentation",
        "mirror: true crop_size: 6 augment { color_jitter { brightness: 0.4 contrast: 0.4 } } "
        "augment { rotation { degrees: 20 } } augment { cutout { size: 2 } }",
    ),
}
IN_SOLVER = {
    "iter_size 2": "iter_size: 2",
    "average": "ema_decay: 0.8",
    "warm-up": "warmup_iter: 3 warmup_start_lr: 0.001",
    "HDF5": "snapshot_format: HDF5",
}
SOLVER = """
net_param {{ {net} }} base_lr: 0.02 weight_decay: 0.01 average_loss: 3 random_seed: {seed}
max_iter: {end} test_iter: 2 test_interval: 2 snapshot_prefix: "s"
"""


class Case(NamedTuple):
    """A point of the matrix."""

    solver: str
    schedule: str
    features: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return ", ".join([self.solver, self.schedule, *sorted(self.features)])


def cases(subsets: list[frozenset[str]]) -> list[Case]:
    """Every solver with every schedule and each of these sets of features."""
    return [Case(*choices) for choices in itertools.product(SOLVERS, SCHEDULES, subsets)]


def alone_and_together() -> list[Case]:
    """No feature, each of them alone, and all of them."""
    alone = [frozenset([name]) for name in FEATURES]
    return cases([frozenset(), *alone, frozenset(FEATURES)])


def every_subset() -> list[Case]:
    """Every set of features."""
    sizes = range(len(FEATURES) + 1)
    sets = [frozenset(few) for size in sizes for few in itertools.combinations(FEATURES, size)]
    return cases(sets)


def every_subset_drawn() -> list[Case]:
    """Every set of the features without DRAWN, which come to each as a draw has it."""
    groups: dict[Case, list[Case]] = {}
    for case in every_subset():
        groups.setdefault(case._replace(features=case.features - DRAWN), []).append(case)
    rng = np.random.default_rng(0)
    return [group[rng.integers(len(group))] for group in groups.values()]


def sample() -> list[Case]:
    """Every solver with every schedule once, each with half of the features at random."""
    rng = np.random.default_rng(4)
    sets = list(dict.fromkeys(case.features for case in every_subset()))
    return [
        Case(solver, schedule, sets[rng.integers(len(sets))])
        for solver, schedule in itertools.product(SOLVERS, SCHEDULES)
    ]


def pairs(case: Case) -> set[tuple[tuple[str, object], tuple[str, object]]]:
    """Every two choices that the case makes together."""
    choices: list[tuple[str, object]] = [("solver", case.solver), ("schedule", case.schedule)]
    choices += [(feature, feature in case.features) for feature in FEATURES]
    return set(itertools.combinations(choices, 2))


def write_samples() -> None:
    """Ten small colour images in the working directory."""
    rng = np.random.default_rng(0)
    np.save("x.npy", rng.integers(0, 256, (10, 3, 8, 8)).astype(np.uint8))
    np.save("y.npy", rng.integers(0, 3, 10).astype(np.float32))


def make_solver(case: Case, more: str = "", seed: int = 5) -> Solver:
    """The solver of a case, in the working directory."""
    places = dict.fromkeys(("dropout", "pooling", "shuffle", "augmentation", "crop"), "")
    places |= {place: text for name, (place, text) in IN_NET.items() if name in case.features}
    if "augmentation" in case.features:
        places["crop"] = "crop_size: 6"
    settings = [SOLVERS[case.solver], SCHEDULES[case.schedule], more]
    settings += [text for name, text in IN_SOLVER.items() if name in case.features]
    net = NET.format(**places)
    text = SOLVER.format(net=net, end=END, seed=seed) + " ".join(settings)
    return Solver(_read(text), listener=Listener())


@lru_cache(maxsize=1)
def _read(text: str) -> SolverSpec:
    """The solver of a text, which all the resumes of a case share."""
    return parse_solver(text)


def last_files() -> dict[str, bytes]:
    """The last snapshot, all of it."""
    return {path.name: path.read_bytes() for path in Path().glob(f"s_iter_{END}.*")}


def remove(pattern: str) -> None:
    for path in Path().glob(pattern):
        path.unlink()


def check_every_iteration(case: Case) -> None:
    """Asserts that a run stopped at any iteration ends in the files of one that was not."""
    remove("s_*")
    whole = make_solver(case)
    states = []
    for _ in range(END - 1):
        whole.step(1)
        states.append(whole.snapshot())
    whole.solve()
    expected = last_files()
    assert len(expected) == 2 + ("average" in case.features)
    states.append(next(Path().glob(f"s_iter_{END}.solverstate*")))
    for state in states:
        resumed = make_solver(case)
        resumed.restore(state)
        remove(f"s_iter_{END}.*")
        if resumed.iter < END:
            resumed.solve()
        else:
            resumed.snapshot()
        assert last_files() == expected, f"{case}: resumed from {state}"

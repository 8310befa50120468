"""A resume at any iteration gives the files of a run that was never interrupted, bit for bit.

To add to the matrix is to add a line to SOLVERS or NETS.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine import Listener, Solver
from engine.schema import SolverProgress
from engine.snapshot.state_file import StoredState
from engine.snapshot.store import Snapshot, read_snapshot

END = 7
SOLVERS = {
    "SGD": 'type: "SGD" momentum: 0.9',
    "SGD, clipped and stepped": (
        'type: "SGD" momentum: 0.9 clip_gradients: 0.5 lr_policy: "multistep" stepvalue: 2 '
        'stepvalue: 5 gamma: 0.5 regularization_type: "L1"'
    ),
    "Nesterov": 'type: "Nesterov" momentum: 0.9',
    "AdaGrad": 'type: "AdaGrad"',
    "RMSProp": 'type: "RMSProp" rms_decay: 0.9',
    "AdaDelta": 'type: "AdaDelta" momentum: 0.9 delta: 1e-6',
    "Adam": 'type: "Adam" momentum: 0.9',
    "AdamW": 'type: "AdamW" momentum: 0.9',
    "AMSGrad": 'type: "AMSGrad" momentum: 0.9',
    "LARS": 'type: "LARS" momentum: 0.9',
    "averaged": 'type: "SGD" momentum: 0.9 ema_decay: 0.8',
    "plateau": (
        'type: "SGD" momentum: 0.9 lr_policy: "plateau" monitor: "loss" patience: 1 gamma: 0.5'
    ),
    "HDF5": 'type: "Adam" momentum: 0.9 snapshot_format: HDF5',
}
NETS = {
    "plain": {},
    "dropout": {"dropout": True},
    "shuffle": {"shuffle": True},
    "iter_size 2": {"iter_size": 2},
    "stochastic pooling": {"pool": "STOCHASTIC"},
    "all together": {"dropout": True, "shuffle": True, "iter_size": 2, "pool": "STOCHASTIC"},
}

NET = """
name: "small"
layer {{
  name: "train" type: "ArrayData" top: "data" top: "label" include {{ phase: TRAIN }}
  array_data_param {{
    source: "x.npy" label_source: "y.npy" batch_size: 4 shuffle: {shuffle} seed: 3
  }}
}}
layer {{
  name: "test" type: "ArrayData" top: "data" top: "label" include {{ phase: TEST }}
  array_data_param {{ source: "x.npy" label_source: "y.npy" batch_size: 3 }}
}}
layer {{
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {{ num_output: 3 kernel_size: 3 weight_filler {{ type: "xavier" }} }}
}}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
layer {{
  name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param {{ pool: {pool} kernel_size: 2 stride: 2 }}
}}
{dropout}
layer {{
  name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param {{ num_output: 3 weight_filler {{ type: "gaussian" std: 0.1 }} }}
}}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }}
"""
DROPOUT = 'layer { name: "drop" type: "Dropout" bottom: "pool" top: "pool" }'
SOLVER = """
net: "net.prototxt" base_lr: 0.02 weight_decay: 0.01 average_loss: 3 random_seed: 5
max_iter: {end} test_iter: 2 test_interval: 3 snapshot_prefix: "s" iter_size: {iter_size} {solver}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(10, 1, 6, 6)).astype(np.float32))
    np.save(tmp_path / "y.npy", rng.integers(0, 3, 10).astype(np.float32))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def solver(settings: str, net: dict[str, object]) -> Solver:
    text = NET.format(
        shuffle=str(net.get("shuffle", False)).lower(),
        pool=net.get("pool", "MAX"),
        dropout=DROPOUT if net.get("dropout") else "",
    )
    Path("net.prototxt").write_text(text)
    policy = "" if "lr_policy" in settings else 'lr_policy: "fixed" '
    Path("solver.prototxt").write_text(
        SOLVER.format(end=END, iter_size=net.get("iter_size", 1), solver=policy + settings)
    )
    return Solver("solver.prototxt", listener=Listener())


def files() -> dict[str, bytes]:
    """The last snapshot, all of it."""
    return {path.name: path.read_bytes() for path in Path().glob(f"s_iter_{END}.*")}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("name", SOLVERS)
def test_at_every_iteration(folder: Path, name: str, net: str) -> None:
    whole = solver(SOLVERS[name], NETS[net])
    states = []
    for _ in range(END - 1):
        whole.step(1)
        states.append(whole.snapshot())
    whole.solve()
    expected = files()
    assert len(expected) >= 2
    for state in states:
        resumed = solver(SOLVERS[name], NETS[net])
        resumed.solve(state)
        assert files() == expected, state.name


def clear_net(progress: SolverProgress) -> None:
    del progress.net[:]


def drop_layer_states(progress: SolverProgress) -> None:
    del progress.net[0].layer[:]


def drop_test_states(progress: SolverProgress) -> None:
    del progress.net[1].layer[:]


def drop_parts(progress: SolverProgress) -> None:
    del progress.part[:]


def drop_losses(progress: SolverProgress) -> None:
    del progress.recent_loss[:]


def drop_loss_steps(progress: SolverProgress) -> None:
    progress.ClearField("loss_steps")


PARTS: dict[str, Callable[[SolverProgress], None]] = {
    "nets": clear_net,
    "data positions": drop_layer_states,
    "positions of the test data": drop_test_states,
    "averaged weights": drop_parts,
    "losses": drop_losses,
    "steps of the loss window": drop_loss_steps,
}


def outcome(resumed: Solver) -> tuple[object, ...]:
    """All that a run says and leaves."""
    heard: list[object] = []

    class Ear(Listener):
        def stepped(self, step: object) -> None:
            heard.append(step)

        def tested(self, iteration: int, net: int, scores: object) -> None:
            heard.append((iteration, net, scores))

    resumed.listener = Ear()
    resumed.solve()
    return heard, files()


def stopped() -> Snapshot:
    first = solver(SOLVERS["averaged"], NETS["all together"])
    first.step(4)
    return read_snapshot(first.snapshot())


def resume(snapshot: Snapshot) -> tuple[object, ...]:
    resumed = solver(SOLVERS["averaged"], NETS["all together"])
    resumed._restore(snapshot)
    return outcome(resumed)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_needed(folder: Path, part: str) -> None:
    expected = resume(stopped())
    assert resume(stopped()) == expected
    without = stopped()
    assert without.state.progress is not None
    PARTS[part](without.state.progress)
    assert resume(without) != expected


def test_random_state_history_weights_and_iteration_are_needed(folder: Path) -> None:
    expected = resume(stopped())
    changed: list[Callable[[StoredState, Snapshot], object]] = [
        lambda state, _: setattr(state.progress.net[0], "rng", state.progress.net[1].rng),  # type: ignore[union-attr]
        lambda state, _: [array.fill(0) for array in state.history],
        lambda state, _: setattr(state, "iteration", 3),
        lambda _, snapshot: snapshot.model.params["ip"][0].fill(0),  # type: ignore[union-attr]
    ]
    for change in changed:
        snapshot = stopped()
        change(snapshot.state, snapshot)
        assert resume(snapshot) != expected

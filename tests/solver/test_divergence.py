"""Training that leaves the numbers: named, stopped, and never saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import DemitasseError, Listener, Solver
from engine.errors import DivergedError
from engine.spec import parse_solver
from tests.harness.tiny_run import make
from tools.commands import train

SETTINGS = 'lr_policy: "fixed" max_iter: 9 snapshot: 1 '


def stop_with(folder: Path, iteration: int) -> tuple[DivergedError, set[str]]:
    """Trains until it diverges; gives the error and the snapshots that there are then."""
    solver = make(folder, SETTINGS)
    with pytest.raises(DivergedError) as caught:
        solver.solve()
    assert solver.iter == iteration
    assert caught.value.exit_code == 2 and isinstance(caught.value, DemitasseError)
    return caught.value, {path.name for path in folder.glob("snap*")}


def test_data_that_is_no_number(tiny: Path) -> None:
    data = np.load(tiny / "x.npy")
    data[3, 2] = np.nan
    np.save(tiny / "x.npy", data)
    solver = make(tiny, SETTINGS)
    with pytest.raises(DivergedError) as caught:
        solver.solve()
    message = str(caught.value)
    assert f"the loss of iteration {solver.iter} is nan" in message
    assert 'top "data" of layer "train"' in message
    assert "base_lr" in message and "clip_gradients" in message
    states = {path.name for path in tiny.glob("*.solverstate")}
    assert states == {f"snap_iter_{n}.solverstate" for n in range(1, solver.iter + 1)}


def test_the_first_layer_is_named(tiny: Path) -> None:
    solver = make(tiny, SETTINGS + "iter_size: 3")
    solver.step(2)
    solver.net.params["ip2"][0].data[1, 2] = np.inf
    with pytest.raises(DivergedError) as caught:
        solver.step(1)
    message = str(caught.value)
    assert "iteration 2" in message and 'top "ip2" of layer "ip2"' in message
    assert "whose parameters are not finite" in message


def test_a_gradient_where_all_tops_are_numbers(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solver = make(tiny, SETTINGS)
    forward_backward = solver.net.forward_backward

    def with_bad_gradient(fresh: bool) -> float:
        forward_backward(fresh)
        solver.net.params["ip1"][0].diff[0, 0] = np.nan
        return float("inf")

    monkeypatch.setattr(solver.net, "forward_backward", with_bad_gradient)
    with pytest.raises(DivergedError, match='gradient of layer "ip1"'):
        solver.step(1)


def test_a_state_that_is_no_number_is_not_saved(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gradient overflowed in an iteration whose loss was a number still."""
    solver = make(tiny, SETTINGS)
    solver.step(2)
    before = {path.name: path.read_bytes() for path in tiny.glob("snap*")}
    forward_backward = solver.net.forward_backward

    def overflowing(fresh: bool) -> float:
        loss = forward_backward(fresh)
        solver.net.params["ip2"][0].diff[0, 0] = np.inf
        return loss

    monkeypatch.setattr(solver.net, "forward_backward", overflowing)
    with pytest.raises(DivergedError) as caught:
        solver.step(1)
    message = str(caught.value)
    assert "after 3 iterations" in message and 'layer "ip2"' in message
    assert {path.name: path.read_bytes() for path in tiny.glob("snap*")} == before


SWALLOWED = """
base_lr: 0.01 lr_policy: "fixed" max_iter: 9 random_seed: 1 snapshot_after_train: false
net_param {
  layer {
    name: "data" type: "DummyData" top: "data" top: "wanted"
    dummy_data_param {
      shape { dim: 4 dim: 3 dim: 6 dim: 6 } shape { dim: 4 }
      data_filler { type: "gaussian" } data_filler { value: 1 }
    }
  }
  layer { name: "log" type: "Log" bottom: "data" top: "log" }
  layer {
    name: "conv" type: "Convolution" bottom: "log" top: "conv"
    convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }
  }
  layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
  layer {
    name: "pool" type: "Pooling" bottom: "conv" top: "pool"
    pooling_param { kernel_size: 2 stride: 2 }
  }
  layer {
    name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
    inner_product_param { num_output: 2 weight_filler { type: "xavier" } }
  }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "wanted" top: "loss" }
}
"""


def test_a_loss_that_stays_finite_hides_nothing() -> None:
    """ReLUs and maxima may take NaN for a small number, but the gradient does not."""
    solver = Solver(parse_solver(SWALLOWED), listener=Listener())
    with pytest.raises(DivergedError) as caught:
        solver.solve()
    assert solver.iter == 0 and 'top "log" of layer "log"' in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_parameter_that_is_no_number_ends_training(tiny: Path, value: float) -> None:
    solver = make(tiny, SETTINGS.replace("snapshot: 1", ""))
    solver.step(2)
    forward_backward = solver.net.forward_backward

    def overflowing(fresh: bool) -> float:
        loss = forward_backward(fresh)
        solver.net.params["ip1"][1].data[3] = value
        return loss

    solver.net.forward_backward = overflowing  # type: ignore[method-assign]
    with pytest.raises(DivergedError, match="after 3 iterations.*diverged") as caught:
        solver.step(1)
    assert 'layer "ip1", parameter 1' in str(caught.value)


def test_large_parameters_are_finite(tiny: Path) -> None:
    """Their squares are not."""
    solver = make(tiny, SETTINGS)
    solver.net.arena.data[0] = 1e30
    assert solver.optimizer.update(0.0, 0)
    solver.net.arena.data[1] = np.inf
    assert not solver.optimizer.update(0.0, 0)


def test_a_history_that_is_no_number_is_not_saved(tiny: Path) -> None:
    solver = make(tiny, SETTINGS)
    solver.step(1)
    solver.optimizer.state[0][0] = np.nan
    with pytest.raises(DivergedError, match="not finite"):
        solver.snapshot()


def test_on_the_command_line(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tiny / "x.npy", np.full((10, 5), np.inf, np.float32))
    make(tiny, SETTINGS)
    assert train.main(["--config", str(tiny / "solver.prototxt")]) == 2
    err = capsys.readouterr().err
    assert "error: " in err and "iteration 0" in err and "Traceback" not in err
    assert not list(tiny.glob("snap_iter*"))

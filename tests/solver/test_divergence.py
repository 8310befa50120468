"""Training that leaves the numbers: named, stopped, and never saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import DemitasseError
from engine.errors import DivergedError
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

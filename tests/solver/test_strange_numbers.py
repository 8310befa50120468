"""Numbers that are none: settings are refused before training, not blamed on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import DemitasseError, Net, Solver
from engine.solver.checks import setting_problems
from engine.spec import parse_net, parse_solver
from engine.spec.files import decode_text
from tests.harness.tiny_run import TESTED, make, write_data
from tools.commands import train


@pytest.mark.parametrize("field", ["momentum", "weight_decay", "power", "clip_gradients", "gamma"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_settings(field: str, value: str) -> None:
    text = f'base_lr: 0.1 lr_policy: "inv" max_iter: 2 {field}: {value}'
    (problem,) = setting_problems(parse_solver(text))
    assert f"{field} is no finite number" in str(problem) and problem.got == value


@pytest.mark.parametrize(
    "layer", ["param { lr_mult: nan }", "param { decay_mult: inf }", "loss_weight: nan"]
)
def test_multipliers(layer: str) -> None:
    net = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [2, 3] } } }'
    ip = 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"'
    net += ip + f" inner_product_param {{ num_output: 1 }} {layer} }}"
    with pytest.raises(DemitasseError, match='layer "ip".*no finite number'):
        Net(parse_net(net))


def test_no_iterations_are_not_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_data(tmp_path)
    make(tmp_path, TESTED)
    config = str(tmp_path / "solver.prototxt")
    assert train.main(["--config", config, "--set", "solver.max_iter=0"]) == 2
    assert "--set solver.max_iter=0: max_iter is 0" in capsys.readouterr().err


def test_gradients_that_are_gone_hide_no_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A net compiled without its blobs' gradients still tells which parameter went wrong."""
    text = """
      base_lr: 0.1 lr_policy: "fixed" max_iter: 2 snapshot_after_train: false net_param {
      layer { name: "x" type: "DummyData" top: "x" top: "y" dummy_data_param {
        shape { dim: [2, 2, 6, 6] } shape { dim: 2 }
        data_filler { type: "gaussian" } data_filler { value: 1 } } }
      layer { name: "c1" type: "Convolution" bottom: "x" top: "c1"
        convolution_param { num_output: 3 kernel_size: 3 weight_filler { type: "xavier" } } }
      layer { name: "c2" type: "Convolution" bottom: "c1" top: "c2"
        convolution_param { num_output: 3 kernel_size: 3 weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "s" bottom: "y" top: "loss" }
      }"""
    ip = 'layer { name: "s" type: "InnerProduct" bottom: "c2" top: "s" '
    ip += "inner_product_param { num_output: 2 } }\n"
    solver = Solver(parse_solver(text.replace('layer { name: "loss"', ip + 'layer { name: "loss"')))
    solver.net.keep_gradients = False
    update = solver.optimizer.update

    def spoilt(rate: float, iteration: int) -> bool:
        solver.net.params["c1"][1].data[0] = float("nan")
        return update(rate, iteration)

    monkeypatch.setattr(solver.optimizer, "update", spoilt)
    with pytest.raises(DemitasseError, match="diverged"):
        solver.step(1)


def test_utf_16_is_named() -> None:
    with pytest.raises(DemitasseError, match="UTF-16"):
        decode_text("name: x".encode("utf-16"), "net.yaml")

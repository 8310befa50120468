"""Epochs in place of iterations, and tests of the whole test set."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine import DemitasseError, Net, Solver
from engine.solver.epochs import Interval
from engine.solver.scores import mean_outputs
from tests.harness.tiny_run import TESTED, make, recorder

PLAIN = 'lr_policy: "fixed" '


@pytest.mark.parametrize(
    ("settings", "iterations"),
    [
        ("max_epoch: 2", 5),  # 10 samples in batches of 4
        ("max_epoch: 1", 3),
        ("max_epoch: 1 iter_size: 2", 2),
        ("max_epoch: 0.4", 1),
        ("max_epoch: 0.01", 1),
        ("max_epoch: 40.4", 101),  # 40.4 as a float32 is above 40.4
    ],
)
def test_max_epoch(tiny: Path, settings: str, iterations: int) -> None:
    assert make(tiny, PLAIN + settings).param.max_iter == iterations


def test_epochs_of_tests_and_snapshots(tiny: Path) -> None:
    solver = make(
        tiny,
        PLAIN + "test_iter: 1 max_epoch: 4 test_epoch: 1 snapshot_epoch: 2",
    )
    solver.solve()
    assert (solver.iter, solver.param.test_interval, solver.param.snapshot) == (10, 3, 5)
    # An epoch is two and a half iterations; the tests stay with the epochs to the end.
    assert [score["iteration"] for score in recorder(solver).scores] == [0, 3, 5, 8, 10]
    states = sorted(path.name for path in tiny.glob("*.solverstate"))
    assert states == ["snap_iter_10.solverstate", "snap_iter_5.solverstate"]


@pytest.mark.parametrize("length", [Fraction(5, 2), Fraction(1, 3), Fraction(3), Fraction(99, 98)])
def test_intervals(length: Fraction) -> None:
    interval = Interval(length)
    wanted = {math.ceil(k * length) for k in range(600)}
    assert {i for i in range(200) if interval.ends_at(i)} == {i for i in wanted if i < 200}
    assert not any(Interval(Fraction(0)).ends_at(i) for i in range(3))


def test_a_policy_may_need_max_epoch(tiny: Path) -> None:
    solver = make(tiny, 'lr_policy: "cosine" max_epoch: 4')
    solver.step(10)
    rates = recorder(solver).rates
    assert rates[0] == pytest.approx(0.05) and rates[5] == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("max_epoch: 2 max_iter: 5", "max_epoch and max_iter say the same"),
        ("max_iter: 2 test_iter: 1 test_epoch: 1 test_interval: 5", "test_epoch and test_interval"),
        ("max_iter: 2 snapshot_epoch: 1 snapshot: 5", "snapshot_epoch and snapshot"),
        ("max_epoch: 0", "max_epoch must be above 0"),
        ("max_epoch: -1", "max_epoch must be above 0"),
        ("max_iter: 2 test_iter: 1", "test_interval \\(or test_epoch\\)"),
        ("max_iter: 2 test_iter: -1 test_interval: 1", "test_iter must be 0"),
    ],
)
def test_lengths_that_do_not_go(tiny: Path, settings: str, words: str) -> None:
    with pytest.raises(DemitasseError, match=words):
        make(tiny, PLAIN + settings)


UNCOUNTED = """
layer {
  name: "noise" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 4 dim: 5 } shape { dim: 4 } }
}
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 3 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


def test_a_source_that_does_not_count(tiny: Path) -> None:
    (tiny / "net.prototxt").write_text(UNCOUNTED)
    with pytest.raises(DemitasseError, match="max_epoch needs a source") as caught:
        make(tiny, PLAIN + "max_epoch: 2")
    assert "DummyData" in str(caught.value) and "max_iter" in str(caught.value)
    with pytest.raises(DemitasseError, match="test_iter: 0 means every sample once"):
        make(tiny, PLAIN + "max_iter: 2 test_iter: 0 test_interval: 1")


WHOLE = PLAIN + "max_iter: 4 test_iter: 0 test_interval: 1"


def by_sample(solver: Solver, folder: Path) -> dict[str, float]:
    """The scores of the 7 held-out samples, one at a time."""
    text = (folder / "net.prototxt").read_text().replace("batch_size: 3", "batch_size: 1")
    (folder / "single.prototxt").write_text(text)
    net = Net(folder / "single.prototxt", phase=1)
    net.share_with(solver.net)
    return mean_outputs(net, 7)


def test_every_sample_once(tiny: Path) -> None:
    solver = make(tiny, WHOLE)
    for _ in range(3):
        solver.step(1)
        wanted = by_sample(solver, tiny)
        for _ in range(2):
            (found,) = solver.test_all()
            assert found == pytest.approx(wanted, rel=1e-5)
    # Caffe's mean of batch means would differ: the last batch holds one sample of seven.
    three = mean_outputs(solver.test_nets[0], 3)
    assert three["loss"] != pytest.approx(wanted["loss"], rel=1e-5)


def test_the_net_is_whole_again_afterwards(tiny: Path) -> None:
    solver = make(tiny, WHOLE)
    net = solver.test_nets[0]
    solver.test_all()
    assert net.blobs["data"].shape == (3, 5)
    assert net.layer_dict["held_out"].position == 0  # type: ignore[attr-defined]
    first = net.forward()["loss"].item()
    fresh = Net(tiny / "net.prototxt", phase=1)
    fresh.share_with(solver.net)
    assert fresh.forward()["loss"].item() == first
    assert net.blobs["ip2"].shape == (3, 3)


@pytest.mark.parametrize("batch", [1, 2, 6, 7, 8, 20])
def test_any_batch_size(tiny: Path, batch: int) -> None:
    wanted = by_sample(make(tiny, WHOLE), tiny)
    text = (tiny / "net.prototxt").read_text().replace("batch_size: 3", f"batch_size: {batch}")
    (tiny / "net.prototxt").write_text(text)
    (found,) = make(tiny, WHOLE).test_all()
    assert found == pytest.approx(wanted, rel=1e-5)


def test_outputs_with_a_row_for_each_sample(tiny: Path) -> None:
    text = (tiny / "net.prototxt").read_text()
    more = 'layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }'
    (tiny / "net.prototxt").write_text(text + more)
    solver = make(tiny, WHOLE)
    (found,) = solver.test_all()
    net = Net(tiny / "net.prototxt", phase=1)
    net.share_with(solver.net)
    rows = np.concatenate([net.forward()["prob"].copy() for _ in range(3)])[:7]
    # Place 0 saw samples 0, 3 and 6, in batches of 3, 3 and 1.
    assert found["prob[0]"] == pytest.approx(np.dot([3, 3, 1], rows[[0, 3, 6], 0]) / 7, rel=1e-5)
    assert found["prob[3]"] == pytest.approx(rows[[1, 4], 0].mean(), rel=1e-5)


def test_a_fault_in_the_last_batch_leaves_the_net_whole(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    solver = make(tiny, WHOLE)
    net = solver.test_nets[0]
    layer = net.layer_dict["ip2"]
    forward = layer.forward

    def faulty(bottom: list, top: list) -> None:
        if bottom[0].shape[0] == 1:
            raise DemitasseError("too small")
        forward(bottom, top)

    monkeypatch.setattr(layer, "forward", faulty)
    with pytest.raises(DemitasseError, match="too small"):
        solver.test_all()
    assert net.blobs["data"].shape == (3, 5)


@pytest.mark.parametrize("test_iter", [2, 0])
def test_the_loss_of_a_test(tiny: Path, test_iter: int) -> None:
    """All losses of the test net with their weights, as Caffe's test_compute_loss."""
    text = (tiny / "net.prototxt").read_text()
    half = 'name: "half" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "half"'
    (tiny / "net.prototxt").write_text(text + f"layer {{ {half} loss_weight: 0.5 }}")
    settings = TESTED.replace("test_iter: 2", f"test_iter: {test_iter}") + "ema_decay: 0.5 "
    solver = make(tiny, settings + 'test_compute_loss: true monitor: "ema/test_loss"')
    solver.step(3)
    (scores,) = solver.test_all()
    for prefix in ("", "ema/"):
        wanted = scores[f"{prefix}loss"] + 0.5 * scores[f"{prefix}half"]
        assert scores[f"{prefix}test_loss"] == pytest.approx(wanted, rel=1e-6)
    assert scores["test_loss"] != scores["ema/test_loss"]
    assert "test_loss" not in make(tiny, settings).test_all()[0]

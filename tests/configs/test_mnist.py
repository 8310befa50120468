"""The nets of configs/mnist: each trains at once on the digits beside it, and on all of MNIST."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import Solver
from engine.solver.scores import score_net
from engine.spec import read_solver

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs" / "mnist"
MNIST = ROOT.parent / "shared" / "data" / "mnist"
NAMES = ["logistic", "mlp", "autoencoder", "siamese"]


def solver(name: str, folder: Path, *overrides: str) -> Solver:
    prefix = f"solver.snapshot_prefix={folder / name}"
    return Solver(read_solver(CONFIGS / f"{name}.yaml", [prefix, *overrides]))


def all_of_mnist() -> str:
    if not (MNIST / "train-images-idx3-ubyte.gz").is_file():
        pytest.skip("all of MNIST is not here")
    return f"vars.data={MNIST}"


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_on_the_digits(name: str, tmp_path: Path) -> None:
    mine = solver(name, tmp_path, "solver.test_iter=1")
    before = mine.test_all()[0]
    mine.step(10)
    after = mine.test_all()[0]
    loss = "cross_entropy" if name == "autoencoder" else "loss"
    assert after[loss] < before[loss]
    assert mine.snapshot().is_file()


@pytest.mark.parametrize("name", ["logistic", "siamese"])
def test_all_of_mnist_is_one_setting_away(name: str, tmp_path: Path) -> None:
    mine = solver(name, tmp_path, all_of_mnist())
    counts = [net.layers[0].sample_count for net in (mine.net, *mine.test_nets)]
    assert counts == [60_000, 10_000]


def test_the_lengths_of_epochs_follow_the_data(tmp_path: Path) -> None:
    assert solver("mlp", tmp_path).param.max_iter == 20 * 4000 // 64
    assert solver("mlp", tmp_path, all_of_mnist()).param.max_iter == 20 * 60_000 // 64


def test_the_sides_of_the_siamese_net_share_their_weights(tmp_path: Path) -> None:
    mine = solver("siamese", tmp_path)
    mine.step(3)
    for layer in ("conv1", "conv2", "ip1", "ip2", "feat"):
        for one, other in zip(mine.net.params[layer], mine.net.params[f"{layer}_p"], strict=True):
            assert np.shares_memory(one.data, other.data)
    # 431,080 in a LeNet, and 10 x 2 + 2 in feat: each once.
    assert sum(param.blob.count for param in mine.net.learnable) == 431_080 + 22


def test_pairs_are_alike_where_their_classes_are(tmp_path: Path) -> None:
    net = solver("siamese", tmp_path).net
    alike = []
    for _ in range(30):
        net.forward()
        left, right, like = (net.blobs[n].data for n in ("left_class", "right_class", "like"))
        np.testing.assert_array_equal(like.reshape(-1), left == right)
        alike.append(like.mean())
    assert 0.06 < np.mean(alike) < 0.14


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, epochs, accuracy", [("logistic", 4, 0.918), ("mlp", 5, 0.977), ("lenet", 0, 0.985)]
)
def test_known_accuracies_on_mnist(name, epochs, accuracy, tmp_path) -> None:
    length = f"solver.max_epoch={epochs}"
    if name == "lenet":  # it counts iterations
        length = "solver.max_iter=1500"
    mine = solver(name, tmp_path, all_of_mnist(), length)
    mine.param.test_interval = 0
    mine.step(mine.param.max_iter)
    net = mine.test_nets[0]
    net.share_with(mine.net)
    assert score_net(net, 100, None)["accuracy"] >= accuracy


@pytest.mark.slow
def test_the_autoencoder_learns_to_draw_digits(tmp_path: Path) -> None:
    mine = solver("autoencoder", tmp_path, "solver.max_iter=1000", "solver.test_interval=10000")
    mine.step(1000)
    scores = mine.test_all()[0]
    assert scores["cross_entropy"] < 115 and scores["squared_error"] < 10


@pytest.mark.slow
def test_the_siamese_net_separates_digits_it_never_saw(tmp_path: Path) -> None:
    mine = solver("siamese", tmp_path, "solver.max_iter=1000", "solver.test_interval=10000")
    mine.step(1000)
    net = mine.test_nets[0]
    net.share_with(mine.net)
    points, classes = [], []
    for _ in range(10):
        net.forward()
        points.append(net.blobs["feat"].data.copy())
        classes.append(net.blobs["left_class"].data.copy())
    points, classes = np.concatenate(points), np.concatenate(classes).astype(int)
    centres = np.stack([points[classes == digit].mean(axis=0) for digit in range(10)])
    nearest = np.linalg.norm(points[:, np.newaxis] - centres, axis=2).argmin(axis=1)
    assert (nearest == classes).mean() > 0.75

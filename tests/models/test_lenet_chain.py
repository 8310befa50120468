"""Training on from a real snapshot of 2014 must end where Caffe ended."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine import Net, Solver
from tests.harness.places import SHARED, needs_shared

MODEL = SHARED / "models" / "lenet_v1_2014"
MNIST = SHARED / "data" / "mnist"


def mnist(layer: int, files: str, batch_size: int) -> list[str]:
    """Overrides that let one of the net's two data layers read the idx files."""
    at = f"net.layer.{layer}"
    return [
        f"{at}.type=ArrayData",
        f"{at}.array_data_param.source={MNIST}/{files}-images-idx3-ubyte.gz",
        f"{at}.array_data_param.label_source={MNIST}/{files}-labels-idx1-ubyte.gz",
        f"{at}.array_data_param.batch_size={batch_size}",
    ]


@needs_shared
def test_iterations_5000_to_10000(tmp_path: Path) -> None:
    solver = Solver(
        MODEL / "solver.prototxt",
        [
            f"solver.net={MODEL}/train_test.prototxt",
            f"solver.snapshot_prefix={tmp_path}/lenet",
            "solver.test_interval=5000",
            *mnist(0, "train", 64),
            *mnist(1, "t10k", 100),
        ],
    )
    solver.restore(MODEL / "lenet_iter_5000.solverstate")
    # 5000 batches of 64 are five epochs and a third: the run goes on at record 20,000.
    assert solver.net.layers[0].position % 60_000 == 20_000  # type: ignore[attr-defined]
    solver.solve()
    (mine,) = solver.test_scores
    found = {name: [b.data.copy() for b in blobs] for name, blobs in solver.net.params.items()}
    solver.net.copy_from(MODEL / "lenet_iter_10000.caffemodel")
    (published,) = solver.test_all()
    differences = [
        np.abs(blob.data - before).max()
        for name, blobs in solver.net.params.items()
        for blob, before in zip(blobs, found[name], strict=True)
    ]
    assert max(differences) < 0.01
    assert abs(mine["accuracy"] - published["accuracy"]) <= 0.001
    assert published["accuracy"] > 0.99


@needs_shared
def test_resumed_model_opens_as_a_net() -> None:
    net = Net(MODEL / "deploy.prototxt", weights=MODEL / "lenet_iter_10000.caffemodel")
    assert net.forward(data=np.zeros((1, 1, 28, 28)))["prob"].shape == (1, 10)

"""The nets of configs/cifar10 are Caffe's: layer for layer, and for the models it trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import Solver
from engine.net import weights
from engine.schema import BlobProto, BlobShape
from engine.spec import read_net, read_solver
from tests.harness.sources import datums, random_images, write_lmdb

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs" / "cifar10"
MODELS = ROOT.parent / "shared" / "models"
CAFFES = {"quick": "cifar10_quick_v1_2014", "full": "cifar10_full_h5"}
TRAINED = {
    "quick": "cifar10_quick_iter_5000.caffemodel",
    "full": "cifar10_full_iter_100000.caffemodel.h5",
}


def caffes(name: str) -> Path:
    folder = MODELS / CAFFES[name]
    if not folder.is_dir():
        pytest.skip("Caffe's files of this net are not here")
    return folder


@pytest.fixture
def small_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few images where `demitasse get cifar10` writes its databases."""
    monkeypatch.chdir(tmp_path)
    folder = Path("data/cifar10")
    folder.mkdir(parents=True)
    images = random_images(12, (3, 32, 32))
    for part in ("train", "test"):
        write_lmdb(folder / f"cifar10_{part}_lmdb", datums(images, np.arange(12) % 10))
    mean = images.mean(axis=0)
    blob = BlobProto(shape=BlobShape(dim=[1, *mean.shape]), data=mean.ravel())
    (folder / "mean.binaryproto").write_bytes(blob.SerializeToString())
    Path("snapshots").mkdir()


@pytest.mark.parametrize("name", CAFFES)
def test_the_layers_are_caffes(name: str) -> None:
    mine = read_solver(CONFIGS / f"{name}.yaml")
    theirs = read_net(caffes(name) / "train_test.prototxt").param
    assert mine.net is not None
    assert list(mine.net.param.layer[2:]) == list(theirs.layer[2:])
    for ours, other in zip(mine.net.param.layer[:2], theirs.layer[:2], strict=True):
        assert (ours.name, ours.top, ours.include) == (other.name, other.top, other.include)
        assert ours.data_param.batch_size == other.data_param.batch_size
        assert ours.transform_param.HasField("mean_file")
    caffe = read_solver(caffes(name) / "solver.prototxt").param
    for field in ("base_lr", "momentum", "weight_decay", "test_iter", "test_interval", "display"):
        assert getattr(mine.param, field) == getattr(caffe, field)
    assert mine.param.stepvalue[0] == caffe.max_iter


@pytest.mark.parametrize("name", CAFFES)
def test_it_trains_on_what_get_writes(name: str, small_set: None) -> None:
    solver = Solver(read_solver(CONFIGS / f"{name}.yaml", ["solver.test_iter=1", "vars.batch=4"]))
    solver.step(2)
    assert np.isfinite(solver.test_all()[0]["loss"])


@pytest.mark.parametrize("name", CAFFES)
def test_models_that_caffe_trained_fit(name: str, small_set: None) -> None:
    solver = Solver(read_solver(CONFIGS / f"{name}.yaml", ["vars.batch=4"]))
    report = weights.copy_from(solver.net, str(caffes(name) / TRAINED[name]))
    assert not report.mismatched and set(solver.net.params) <= set(report.copied)


@pytest.mark.slow
def test_quick_reaches_what_caffe_reports(tmp_path: Path) -> None:
    data = ROOT / "data" / "cifar10"
    if not (data / "mean.binaryproto").is_file():
        pytest.skip("CIFAR-10 is not here: `demitasse get cifar10` in the project's folder")
    prefix = f"solver.snapshot_prefix={tmp_path / 'quick'}"
    settings = [f"vars.data={data}", prefix, "solver.test_interval=10000"]
    solver = Solver(read_solver(CONFIGS / "quick.yaml", settings))
    solver.step(solver.param.max_iter)
    assert solver.test_all()[0]["accuracy"] > 0.73  # about 75 %

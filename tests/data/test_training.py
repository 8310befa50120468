"""Training from a database, read ahead and augmented: a resumed run is the same run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import Solver
from tests.harness.sources import datums, random_images, write_lmdb

SOLVER = """
net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 max_iter: 9
snapshot: 4 snapshot_prefix: "s" random_seed: 3
"""
NET = """
layer { name: "d" type: "Data" top: "data" top: "label"
  transform_param { crop_size: 6 mirror: true scale: 0.01 augment { cutout { size: 2 } } }
  data_param { source: "db" batch_size: 4 backend: LMDB }
  source_param { shuffle: true last_batch: "keep" workers: %d } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 11 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_lmdb(Path("db"), datums(random_images(11)))
    Path("s.prototxt").write_text(SOLVER)


def train(workers: int, resume: str | None = None) -> np.ndarray:
    Path("net.prototxt").write_text(NET % workers)
    solver = Solver("s.prototxt")
    solver.solve(resume)
    source = solver.net.layer_dict["d"]
    assert source.position == 9 * 4 and source.waited > 0
    return solver.net.arena.data.copy()


def test_a_resumed_run_is_the_same_run():
    whole = train(2)
    np.testing.assert_array_equal(train(2, "s_iter_4.solverstate"), whole)
    np.testing.assert_array_equal(train(0, "s_iter_8.solverstate"), whole)
    np.testing.assert_array_equal(train(1), whole)

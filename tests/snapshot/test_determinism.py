"""The same config, seed and number of threads give the same bits, in another process too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.places import ROOT

LENET = ROOT / "configs" / "mnist" / "lenet.yaml"
SETTINGS = [
    "solver.max_iter=6", "solver.test_iter=2", "solver.test_interval=3", "solver.snapshot=0",
    "net.layer.mnist_train.array_data_param.batch_size=16",
]  # fmt: skip


def train(folder: Path, threads: int, hash_seed: str, prefix: str) -> list[bytes]:
    """The files of a run in a process of its own."""
    folder.mkdir(exist_ok=True)
    settings = [*SETTINGS, f"solver.snapshot_prefix={prefix}"]
    command = [sys.executable, "-m", "tools.commands.train", "--config", str(LENET)]
    for setting in settings:
        command += ["--set", setting]
    count = str(threads)
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed,
        "OPENBLAS_NUM_THREADS": count, "OMP_NUM_THREADS": count,
    }  # fmt: skip
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return [path.read_bytes() for path in sorted(folder.glob(f"{prefix}_iter_6.*"))]


@pytest.mark.parametrize("threads", [1, 2])
def test_twice_the_same(tmp_path: Path, threads: int) -> None:
    first = train(tmp_path / "a", threads, "1", "x")
    second = train(tmp_path / "b", threads, "2", "x")
    assert len(first) == 2 and first == second

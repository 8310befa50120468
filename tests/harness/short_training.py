"""A training that is over at once, and leaves what a whole one leaves."""

from __future__ import annotations

from pathlib import Path

from tests.harness.places import ROOT
from tools import cli


def train_lenet_shortly(folder: Path) -> None:
    """Fills FOLDER/snapshots as ``train --config configs/mnist/lenet.yaml`` does there.

    Two iterations are trained; the files have the names that they get after all thousand.
    """
    (folder / "snapshots").mkdir(exist_ok=True)
    settings = {
        "snapshot_prefix": folder / "snapshots" / "lenet", "max_iter": 2, "test_iter": 1,
    }  # fmt: skip
    words = [
        word for name, value in settings.items() for word in ("--set", f"solver.{name}={value}")
    ]
    config = ROOT / "configs" / "mnist" / "lenet.yaml"
    assert cli.main(["train", "--config", str(config), *words]) == 0
    for file in (folder / "snapshots").glob("*_iter_2.*"):
        file.rename(file.with_name(file.name.replace("_iter_2.", "_iter_1000.")))

"""HDF5Output: all batches in one file, which appears whole or not at all."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import DemitasseError, LayerError, Net
from engine.data.writers.hdf5 import Hdf5Writer
from engine.spec import parse_net
from tests.harness.places import ROOT
from tools.commands import train

h5py = pytest.importorskip("h5py")
NET = """
layer { name: "in" type: "Input" top: "x" top: "y"
  input_param { shape { dim: [2, 3] } shape { dim: 2 } } }
layer { name: "out" type: "HDF5Output" bottom: "x" bottom: "y"
  hdf5_output_param { file_name: "%s" } }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_batches_follow_each_other():
    net = Net(parse_net(NET % "o.h5"))
    batches = [np.random.default_rng(n).random((2, 3)) for n in range(3)]
    for number, batch in enumerate(batches):
        net.forward(x=batch, y=[number, -number])
    net.layer_dict["out"].close()
    with h5py.File("o.h5") as file:
        np.testing.assert_array_equal(
            file["data"][..., 0, 0], np.concatenate(batches).astype("f4"), strict=True
        )
        assert file["label"].shape == (6, 1, 1, 1)
        np.testing.assert_array_equal(file["label"][:, 0, 0, 0], [0, 0, 1, -1, 2, -2])
    assert [path.name for path in Path().iterdir()] == ["o.h5"]
    with pytest.raises(LayerError, match="has been closed"):
        net.forward(x=batches[0], y=[0, 0])


def test_an_older_file_stays_until_the_new_one_is_whole():
    Path("o.h5").write_text("older")
    net = Net(parse_net(NET % "o.h5"))
    net.forward(x=np.zeros((2, 3)), y=np.zeros(2))
    assert Path("o.h5").read_text() == "older"
    net.layer_dict["out"].close()
    assert h5py.is_hdf5("o.h5")


def test_without_a_batch_there_is_no_file():
    Net(parse_net(NET % "o.h5")).layer_dict["out"].close()
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    "name, message", [("", "needs hdf5_output_param.file_name"), ("no/o.h5", "no writable folder")]
)
def test_wrong_names(name, message):
    with pytest.raises(LayerError, match=message):
        Net(parse_net(NET % name))


def test_labels_must_be_as_many():
    with pytest.raises(LayerError, match="as many labels as samples"):
        Net(parse_net((NET % "o.h5").replace("shape { dim: 2 }", "shape { dim: 3 }")))


_FULL = """
import resource, sys
import numpy as np
from engine import Net
from engine.errors import DemitasseError
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
net = Net("net.prototxt")
try:
    for _ in range(1000):
        net.forward(x=np.zeros((2, 3)), y=np.zeros(2))
except DemitasseError as problem:
    print(problem)
"""


def test_a_full_disk():
    Path("net.prototxt").write_text(NET % "o.h5")
    ended = subprocess.run(
        [sys.executable, "-c", _FULL], capture_output=True, text=True,
        env={"PYTHONPATH": str(ROOT)}, timeout=60,
    )  # fmt: skip
    assert "o.h5.part: [Errno 27] File too large" in ended.stdout, ended.stderr
    assert ended.returncode == 0 and not Path("o.h5").exists()


def closed_on_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> Net:
    """A net whose file can no longer be given its name."""
    net = Net(parse_net(NET % "o.h5"))
    net.forward()

    def full(file: Hdf5Writer) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Hdf5Writer, "close", full)
    return net


def test_what_cannot_be_completed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    net = closed_on_a_full_disk(monkeypatch)
    with pytest.raises(DemitasseError, match="o.h5: cannot write the file: No space left"):
        net.close()


def test_what_cannot_be_completed_when_nobody_is_left_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    net = closed_on_a_full_disk(monkeypatch)
    del net
    gc.collect()
    assert "o.h5: cannot write the file: No space left" in caplog.text


def test_train_completes_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    data = 'layer { name: "in" type: "DummyData" top: "x" top: "y" dummy_data_param {'
    data += " shape { dim: [2, 3] } shape { dim: [2, 3] } } }"
    ip = 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p" '
    ip += "inner_product_param { num_output: 3 } }"
    loss = 'layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "l" }'
    out = NET % "o.h5"
    net = data + ip + loss + out[out.index('layer { name: "out"') :]
    Path("net.prototxt").write_text(net)
    Path("solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 2'
    )
    assert train.main(["--config", "solver.prototxt"]) == 0
    with h5py.File("o.h5") as file:
        assert file["data"].shape == (4, 3, 1, 1)
    monkeypatch.setattr(Hdf5Writer, "close", lambda file: os.stat("nowhere"))
    assert train.main(["--config", "solver.prototxt"]) == 2

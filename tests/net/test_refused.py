"""What real Caffe refuses is refused here, with an error and never a traceback."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from engine import TEST, TRAIN, DemitasseError, Net, Solver
from engine.spec import parse_net
from layers import find_layer
from tests.harness.places import GOLDEN, SHARED, needs_shared

LIST = SHARED / "caffe_golden" / "refused.md"
pytestmark = needs_shared

# Plainly better accepted than refused; docs/differences.md says why.
ACCEPTED = {
    "pool_stochastic_train",
    "pool_stochastic_test",
    "embed_force_backward",
    "batchreindex_force_backward",
    "filter_force_backward",
    "infogain_force_backward_H",
    "swl_two_tops_no_weight",
    "swl_two_tops_two_weights",
    "infogain_two_tops_no_weight",
    "solver_unknown_policy",  # cosine, which we have
    "hdf5data_transform",  # which every source of ours has
}

# What the values were that Caffe refused; every other case is refused with zeros as well.
VALUES = {"batchreindex_out_of_range": {"b1": 4}}


def sections() -> dict[str, tuple[int, str]]:
    """The phase and the text of every refused net or solver."""
    if not LIST.exists():
        return {}
    pattern = r"^## (\S+)\nphase (\w+), exit.*?\n```\n(.*?)\n?```"
    found = re.findall(pattern, LIST.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {name: (TRAIN if phase == "TRAIN" else TEST, text) for name, phase, text in found}


def run_net(name: str, text: str, phase: int) -> None:
    net = Net(parse_net(text, "net.prototxt"), phase=phase, allow_code=True)
    for blob, value in VALUES.get(name, {}).items():
        net.blobs[blob].data[...] = value
    net.forward()
    net.backward()


def run_solver(text: str) -> None:
    Path("s.prototxt").write_text(text)
    solver = Solver("s.prototxt")
    solver.net.copy_from("init.caffemodel")
    solver.solve()


def run(name: str, text: str, phase: int) -> None:
    if name.startswith("solver_"):
        run_solver(text)
    else:
        run_net(name, text, phase)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the refused nets name."""
    for folder in (GOLDEN / "solvers" / "sgd_l2", SHARED / "caffe_golden/files/db_lmdb_raw_color"):
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", sections())
def test_refused(name: str, workplace: Path) -> None:
    phase, text = sections()[name]
    wanted = re.search(r'name: "[ld]"\s+type: "(\w+)"', text)
    if wanted and name != "net_unknown_type" and find_layer(wanted.group(1)) is None:
        pytest.skip(f"no layer {wanted.group(1)} yet")
    if name in ACCEPTED:
        run(name, text, phase)
        return
    with pytest.raises(DemitasseError) as refusal:
        run(name, text, phase)
    message = str(refusal.value)
    assert len(message) > 20 and "Traceback" not in message

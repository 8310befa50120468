"""docs/pycaffe.md: every name in its table is there."""

from __future__ import annotations

import re
import subprocess
import sys

from engine import Net, Solver, caffe
from engine.caffe import io
from tests.harness.places import ROOT

PAGE = (ROOT / "docs" / "pycaffe.md").read_text()
ROWS = [line.split("|")[1:3] for line in PAGE.splitlines() if line.startswith("| `")]


def test_every_name_of_the_package_is_listed() -> None:
    named = {name for row in ROWS for name in re.findall(r"`([\w.]+)`", row[0])}
    assert named == {"proto.caffe_pb2", *caffe.__all__} - {"proto"}


def test_members() -> None:
    rows = {first.strip(): re.findall(r"`(\w+)`", second) for first, second in ROWS}
    net = Net(caffe.layers.Input(shape={"dim": [1]}).to_proto())
    assert all(hasattr(net, name) for name in rows["`Net`"])
    (solver,) = (members for first, members in rows.items() if "SGDSolver" in first)
    assert set(solver) - set(dir(Solver)) == {"net", "test_nets", "iter"}
    assert all(hasattr(io, name) for name in rows["`io`"])


def test_the_code_runs() -> None:
    code = next(re.finditer(r"```python\n(.*?)```", PAGE, re.DOTALL))[1]
    code += "assert caffe.NetSpec and L.ReLU and P.Pooling.MAX == 0 and caffe_pb2.NetParameter\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

"""The time command as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine import Net
from engine.net.fast_passes import VARIABLE
from engine.plan.operations.lrn import LRN
from engine.spec import read_net
from tests.harness.engines import needs_onednn
from tests.harness.places import ROOT
from tools import cli
from tools.timing.inputs import fill_inputs
from tools.timing.stopwatch import Stopwatch

LENET = ROOT / "configs" / "bench" / "lenet.yaml"


@pytest.mark.parametrize("engine", ["numpy", pytest.param("onednn", marks=needs_onednn)])
def test_table_and_trace(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
) -> None:
    trace = tmp_path / "trace.json"
    monkeypatch.setenv(VARIABLE, "default")  # what the option sets is undone
    options = ["--iterations", "2", "--engine", engine, "--chrome-trace", str(trace)]
    assert cli.main(["time", "--config", str(LENET), *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("LeNet, phase train, ")
    conv = next(line for line in lines if line.startswith("conv1"))
    assert conv.split()[1] == "Convolution" and " 2.8M   2.0K " in conv
    assert conv.endswith({"numpy": " Correlation", "onednn": " oneDNN"}[engine])
    total = next(index for index, line in enumerate(lines) if line.startswith("all layers"))
    assert lines[total].rstrip().endswith("1.6M")
    assert lines[total + 1].endswith("median of 2 passes")
    events = json.loads(trace.read_text())["traceEvents"]
    backward = [e["name"] for e in events if e["cat"] == "backward"]
    assert backward.count("conv1") == 2 and "data" not in backward
    assert min(e["dur"] for e in events) >= 0 and min(e["ts"] for e in events) == 0


LAYERS = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [2, 4, 6, 6] } } }
layer { name: "a" type: "Convolution" bottom: "x" top: "a"
        convolution_param { num_output: 5 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }
layer { name: "b" type: "Convolution" bottom: "a" top: "b"
        convolution_param { num_output: 5 kernel_size: 3 engine: NUMPY } }
layer { name: "within" type: "LRN" bottom: "b" top: "c"
        lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 } }
layer { name: "root" type: "LRN" bottom: "c" top: "d" lrn_param { local_size: 3 beta: 0.5 } }
layer { name: "exp" type: "Exp" bottom: "d" top: "e" }
"""


@needs_onednn
def test_which_engine_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "onednn")
    net = tmp_path / "net.prototxt"
    net.write_text(LAYERS)
    assert cli.main(["time", "--config", str(net), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["engine"] == "ONEDNN"
    layers = {layer["name"]: layer for layer in record["layers"]}
    assert layers["a"]["engine"] == "ONEDNN" and layers["a"]["kernel"]["forward"]
    assert layers["relu"]["why"] == "in a" and layers["relu"]["forward"] is None
    whys = {name: layers[name]["why"] for name in ("b", "within", "root", "exp")}
    assert whys == {
        "b": "engine: NUMPY in the config",
        "within": f"oneDNN here: {LRN.limits}",
        "root": "oneDNN: lrn_forward: only ref:any",
        "exp": "no operation for this type",
    }
    assert {layers[name]["engine"] for name in whys} == {"NUMPY"}
    assert layers["b"]["kernel"]["forward"] == "Correlation"


@needs_onednn
def test_to_be_timed_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "onednn")
    timed, other = (Net(read_net(LENET), seed=1) for _ in range(2))
    for net in (timed, other):
        fill_inputs(net)
    watch = Stopwatch(timed)
    watch.run(3)
    other.forward_backward(fresh=True)
    assert watch.compiled and [len(p.seconds) for p in watch.forward[:2]] == [3, 3]
    assert np.array_equal(timed.arena.diff, other.arena.diff)
    assert np.array_equal(timed.blobs["ip2"].data, other.blobs["ip2"].data)


def test_phase_and_net_without_solver(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = tmp_path / "net.prototxt"
    net.write_text(
        'layer { name: "data" type: "Input" top: "x" input_param { shape { dim: [2, 3] } } }'
        'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" include { phase: TEST }'
        "  inner_product_param { num_output: 2 } }"
    )
    assert cli.main(["time", "--model", str(net), "--phase", "TEST", "--threads", "1"]) == 0
    text = capsys.readouterr().out
    assert "phase test, 1 thread, " in text and "ip " in text
    for option in ("--threads", "--iterations"):
        assert cli.main(["time", "--model", str(net), option, "0"]) == 2
        assert f"{option} needs a number of" in capsys.readouterr().err
    assert cli.main(["time", "--model", str(net), "--threads", "100000"]) == 2
    assert "expected: 1 to 1024" in capsys.readouterr().err

"""The time command as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness.places import ROOT
from tools import cli

LENET = ROOT / "configs" / "bench" / "lenet.yaml"


def test_table_and_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "trace.json"
    options = ["--iterations", "2", "--chrome-trace", str(trace)]
    assert cli.main(["time", "--config", str(LENET), *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("LeNet, phase train, ")
    conv = next(line for line in lines if line.startswith("conv1"))
    assert conv.split()[1] == "Convolution" and conv.endswith(" 2.8M   2.0K Correlation")
    assert lines[-2].startswith("all layers") and lines[-2].rstrip().endswith("1.6M")
    assert lines[-1].endswith("median of 2 passes")
    events = json.loads(trace.read_text())["traceEvents"]
    backward = [e["name"] for e in events if e["cat"] == "backward"]
    assert backward.count("conv1") == 2 and "data" not in backward


def test_phase_and_net_without_solver(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = tmp_path / "net.prototxt"
    net.write_text(
        'layer { name: "data" type: "Input" top: "x" input_param { shape { dim: [2, 3] } } }'
        'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" include { phase: TEST }'
        "  inner_product_param { num_output: 2 } }"
    )
    assert cli.main(["time", "--model", str(net), "--phase", "TEST", "--threads", "1"]) == 0
    text = capsys.readouterr().out
    assert "phase test, 1 thread\n" in text and "ip " in text
    assert cli.main(["time", "--model", str(net), "--threads", "0"]) == 2
    assert "--threads needs a number of threads" in capsys.readouterr().err

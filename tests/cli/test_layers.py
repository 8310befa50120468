"""The layers command as a reader meets it."""

from __future__ import annotations

import pytest

from tests.harness.places import ROOT
from tools import cli


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["layers", *arguments]) == 0
    return capsys.readouterr().out


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys)
    assert "activation: Layers that work element by element" in text
    assert "  EuclideanLoss              L = sum (a - b)^2 / 2N" in text


@pytest.mark.parametrize("name", ["Convolution", "convolution"])
def test_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, name)
    for words in (
        "Formula     y[o, i] = b[o] + sum",
        "Derivative  dL/dx[c, j]",
        "  bias_term         bool ",
        'prototxt    layer {\n              name: "conv"',
        "YAML        layer:\n            - name: conv",
        "File  ",
        "layers/vision/convolution.py",
    ):
        assert words in text


def test_source(capsys: pytest.CaptureFixture[str]) -> None:
    file = ROOT / "layers" / "activation" / "relu.py"
    assert out(capsys, "ReLU", "--source") == file.read_text()


def test_markdown_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert out(capsys, "ReLU", "--markdown").startswith("### ReLU\n")


def test_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["layers", "Convolutoin"]) == 2
    err = capsys.readouterr().err
    assert 'no layer type "Convolutoin"' in err and "did you mean Convolution or " in err
    assert cli.main(["layers", "Loss"]) == 2
    assert "HingeLoss" in capsys.readouterr().err


def test_source_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["layers", "--source"]) == 2
    assert "needs a layer type" in capsys.readouterr().err


def test_one_form_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["layers", "Sigmoid", "--source", "--json"]) == 2
    assert "exclude each other" in capsys.readouterr().err

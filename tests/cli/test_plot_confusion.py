"""The plot command's confusion matrix: exact counts, of every sample of the set once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import TEST, Net
from engine.spec import parse_net
from tests.harness.places import ROOT
from tools import cli
from tools.plotting.confusion import Confusion, confusion_figure, count_confusions

# Three scores and a label a row; what scores highest is taken for the class.
ROWS = """a,b,c,label
9,1,2,0
8,3,1,0
1,2,3,0
0,5,1,1
0,1,5,1
1,0,7,2
2,1,8,2
"""
COUNTS = [[2, 0, 1], [0, 1, 1], [0, 0, 2]]
NET = """
layer:
  - name: rows
    type: CSVData
    top: [score, label]
    csv_data_param: {source: rows.csv, batch_size: 3, label_column: label}
  - {name: accuracy, type: Accuracy, bottom: [score, label]}
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(ROWS)
    Path("net.yaml").write_text(NET)
    return tmp_path


def net(text: str = NET) -> Net:
    return Net(parse_net(text), phase=TEST)


def test_every_sample_once() -> None:
    confusion = count_confusions(net())
    assert confusion.counts.tolist() == COUNTS
    assert (confusion.total, confusion.right) == (7, 5)
    np.testing.assert_allclose(confusion.class_accuracy, [2 / 3, 1 / 2, 1])
    assert confusion.confused() == [(0, 2, 1), (1, 2, 1)]


def test_batches() -> None:
    assert count_confusions(net(), batches=1).counts.tolist() == [[2, 0, 1], [0, 0, 0], [0, 0, 0]]
    again = count_confusions(net(), batches=3).counts  # nine rows of seven: two once more
    assert again.tolist() == [[4, 0, 1], [0, 1, 1], [0, 0, 2]]


@pytest.mark.parametrize("judge", ["SoftmaxWithLoss", "HingeLoss"])
def test_a_loss_compares_as_well(judge: str) -> None:
    assert count_confusions(net(NET.replace("Accuracy", judge))).counts.tolist() == COUNTS


def test_ignored_labels_are_left_out() -> None:
    ignoring = NET.replace("[score, label]}", "[score, label], accuracy_param: {ignore_label: 1}}")
    assert count_confusions(net(ignoring)).counts.tolist() == [[2, 0, 1], [0, 0, 0], [0, 0, 2]]


def test_classes_along_another_axis() -> None:
    text = """
layer:
  - {name: score, type: DummyData, top: [score, label], dummy_data_param: {shape: [
      {dim: [2, 2, 3]}, {dim: [2, 2]}], data_filler: [{type: constant}, {value: 1}]}}
  - {name: accuracy, type: Accuracy, bottom: [score, label], accuracy_param: {axis: -1}}
"""
    assert count_confusions(net(text), batches=1).counts.tolist() == [[0, 0, 0], [4, 0, 0], [0] * 3]


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plot", "confusion", "net.yaml"]) == 0
    out, err = capsys.readouterr()
    assert out == (
        "class  samples  right  accuracy\n"
        "    0        3      2     66.7%\n"
        "    1        2      1     50.0%\n"
        "    2        2      2    100.0%\n"
        "  all        7      5     71.4%\n"
        "\n"
        "class  taken for  times\n"
        "    0          2      1\n"
        "    1          2      1\n"
        "\n"
        "confusion.png\n"
    )
    assert "learned nothing" not in err  # there is nothing to learn in this net
    assert Path("confusion.png").read_bytes().startswith(b"\x89PNG")


def test_untrained_net_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    tiny = str(ROOT / "configs" / "mnist" / "tiny.yaml")
    assert cli.main(["plot", "confusion", tiny, "--batches", "1"]) == 0
    assert "learned nothing" in capsys.readouterr().err


def test_picture_says_the_numbers() -> None:
    matrix, bars, *_ = confusion_figure(Confusion(np.array(COUNTS))).axes
    assert sorted(text.get_text() for text in matrix.texts) == ["1", "1", "1", "2", "2"]
    assert [text.get_text() for text in bars.texts] == ["66.7", "50.0", "100.0"]
    assert matrix.get_xlabel() == "predicted class" and bars.get_xlabel() == "accuracy (%)"


def test_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("input.yaml").write_text("""
layer:
  - {name: score, type: Input, top: [score, label], input_param: {shape: [{dim: [1, 2]}, {dim: 1}]}}
  - {name: accuracy, type: Accuracy, bottom: [score, label]}
""")
    for arguments, words in [
        (["input.yaml"], "every sample once"),
        (["net.yaml", "--layer", "acuracy"], 'did you mean "accuracy"'),
        (["net.yaml", "--layer", "rows"], "no layer here compares"),
        (["net.yaml", "--batches", "0"], "--batches"),
    ]:
        with_code = None
        try:
            with_code = cli.main(["plot", "confusion", *arguments])
        except SystemExit as end:  # argparse's own refusals
            with_code = end.code
        assert with_code == 2
        assert words in capsys.readouterr().err

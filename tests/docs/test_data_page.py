"""The settings on the page about data are real ones, with the defaults it says."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import numpy as np
import pytest

from engine import TRAIN, Net
from engine.schema import SourceParameter
from engine.spec import parse_net
from layers import layer_types
from tests.harness.places import ROOT
from tests.harness.sources import random_images, write_images
from tools import cli

PAGE = (ROOT / "docs" / "data.md").read_text()
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"(?:^    .*\n)+", PAGE, re.MULTILINE)]


def test_the_settings_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cv2")
    monkeypatch.chdir(tmp_path)
    for name in ("cat", "dog"):
        write_images(Path("train", name), random_images(3, (3, 40, 30)))
    source, augment = BLOCKS
    fields = {
        "transform_param": "mirror: true\nmean_value: 120\n" + augment,
        "image_folder_param": "source: train\nbatch_size: 4\n",
    }
    layer = "name: data\ntype: ImageFolder\ntop: [data, label]\n" + source
    for name, text in fields.items():
        layer += f"{name}:\n{textwrap.indent(text, '  ')}"
    net = Net(parse_net("layer:\n  -\n" + textwrap.indent(layer, "    "), "n.yaml"), phase=TRAIN)
    net.forward()
    assert net.blobs["data"].shape == (4, 3, 224, 224)
    np.testing.assert_allclose(net.blobs["label"].data.sum(axis=1), 1, 1e-6)


def test_the_defaults_are_right() -> None:
    stated = dict(re.findall(r"^  (\w+): (\w+)", BLOCKS[0], re.MULTILINE))
    for name in ("last_batch", "on_bad_record", "max_bad_records", "prefetch", "rand_skip"):
        assert str(getattr(SourceParameter(), name)) == stated[name]


def test_all_layers_named_exist() -> None:
    rows = re.findall(r"^\| (\w+(?:, \w+)*) \|", PAGE, re.MULTILINE)
    named = {name for row in rows[1:] for name in row.split(", ")}
    assert named <= set(layer_types()) and {"Data", "ImageFolder", "WindowData"} <= named


def test_the_commands_are_spelt_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "run_command", lambda run, arguments: 0)
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "demitasse" and cli.main(words) == 0, line
    assert len(lines) >= 9

"""Configs with lines lost, doubled and words exchanged: a report of known kinds, never a crash."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.check import RULES, check_config
from tests.harness.bad_configs import bad_configs
from tests.harness.places import ROOT
from tools.checking.summary import as_data, summary

FILES = [
    *sorted((ROOT / "configs" / "course").glob("*.yaml")),
    *sorted((ROOT / "configs" / "mnist").glob("*.prototxt")),
    *sorted((ROOT / "tests" / "golden" / "layers").glob("*.prototxt")),
    *bad_configs(),
]
WORDS = (
    ["-1", "0", "1e9", "99999999999", "2.5", "true", "null", '"x"', "{", "}", "[]", "${x}"]
    + ["TRAIN", "data", "label", "name", "layer", "bottom:", '"data"', "Python"]
    + ["InnerProduct", "Convolution", "Split", "Eltwise", "SoftmaxWithLoss"]
)


def mutated(text: str, rng: random.Random) -> str:
    lines = text.splitlines() or [""]
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        action = rng.choice(["lose", "double", "exchange", "exchange"])
        if action == "lose" and len(lines) > 1:
            del lines[at]
        elif action == "double":
            lines.insert(at, rng.choice(lines))
        else:
            words = lines[at].split(" ")
            words[rng.randrange(len(words))] = rng.choice(WORDS)
            lines[at] = " ".join(words)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("seed", range(120))
def test_a_report_whatever_the_file(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    for _ in range(2):
        file = rng.choice(FILES)
        config = tmp_path / f"c{file.suffix}"
        config.write_text(mutated(file.read_text(), rng))
        report = check_config(config)
        summary(report)
        as_data(report)
        assert {problem.id for problem in report.distinct} <= set(RULES), config.read_text()

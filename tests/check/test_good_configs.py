"""Good configs pass: our own, real models, and every net that real Caffe has run."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.check import check_config
from tests.harness.places import ROOT, SHARED, golden_folders, needs_shared
from tools import cli

OURS = sorted(
    path
    for pattern in ("*.yaml", "*.prototxt")
    for path in (ROOT / "configs").rglob(pattern)
    if "imagenet" not in path.parts
)
IMAGENET = sorted((ROOT / "configs" / "imagenet").glob("*.yaml"))
# The layer that a topic of the course has its readers write.
KNOWN_ERRORS = {"course/08_own_layer.yaml": {"DM204"}}
# True of some, and meant: nets of the benchmark have no max_iter, a topic runs Python code, and
# schedules for large data sets are cut short.
KNOWN_WARNINGS = {"DM303", "DM412", "DM613"}
TO_FETCH = ("cifar10", "imagenet")  # their data is not in the repository
MODELS = sorted((SHARED / "models").glob("*/*.prototxt"))


def ids(path: Path) -> set[str]:
    report = check_config(path)
    return {problem.id for problem in report.distinct}


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshot prefixes are seen from the working directory."""
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("path", OURS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_ours(path: Path) -> None:
    report = check_config(path)
    known = KNOWN_ERRORS.get(f"{path.parent.name}/{path.name}", set())
    missing = {"DM001"} if path.parent.name in TO_FETCH else set()
    assert {problem.id for problem in report.errors} <= known | missing
    assert {problem.id for problem in report.warnings} <= KNOWN_WARNINGS


@pytest.mark.parametrize("path", IMAGENET, ids=lambda path: path.name)
def test_imagenet_without_its_images(path: Path) -> None:
    report = check_config(path)
    assert {problem.id for problem in report.errors} == {"DM001"}
    assert {problem.id for problem in report.warnings} <= {"DM601", "DM602"}
    assert all(net.whole and net.assumed for net in report.nets)
    assert report.nets


@needs_shared
@pytest.mark.parametrize("path", MODELS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_real_models(path: Path) -> None:
    """Their data and folders are elsewhere, and many are in older forms."""
    found = ids(path)
    allowed = {"DM108"}
    if "deploy" not in path.name:
        allowed |= {"DM001", "DM411"}
    if path.parent.name == "simplenet310k_svhn":
        allowed.add("DM602")  # it does have biases before BatchNorm
    assert found <= allowed


@pytest.mark.parametrize("kind", ["mlp", "lenet", "cifar", "resnet", "autoencoder", "lstm"])
def test_starters(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snapshots").mkdir()
    assert cli.main(["init", kind]) == 0
    assert ids(tmp_path / f"{kind}.yaml") == set()


GOLDEN = [path for folder in golden_folders("layers") for path in sorted(folder.glob("*.prototxt"))]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_what_caffe_ran(path: Path) -> None:
    """Single layers make poor nets, but no error, and none has parameters that it does not read."""
    report = check_config(path, allow_code=True)
    assert not [str(problem) for problem in report.errors if problem.id != "DM209"]
    assert "DM605" not in {problem.id for problem in report.warnings}

"""What the README says is so: its layer and solver tables, its config and its Python code."""

from __future__ import annotations

import re

import pytest

from engine.solver.schedules import POLICIES
from engine.solver.updates import solver_types
from engine.spec import parse_solver, read_solver
from layers import layer_types
from tests.harness.places import ROOT

README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title}"
    return found.group(1)


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found, f"no {language} block"
    return found.group(1)


def test_layer_table_is_complete() -> None:
    table = "\n".join(line for line in section("Layers").splitlines() if line.startswith("|"))
    cells = [line.split("|")[2] for line in table.splitlines()[2:]]
    named = [name.strip() for cell in cells for name in cell.split(",")]
    assert sorted(named) == layer_types()


def test_solver_table_is_complete() -> None:
    rows = re.findall(r"^\| (\w+) \|", section("Solvers"), re.MULTILINE)
    assert sorted(set(rows) - {"type"}) == solver_types()
    policies = re.search(r"policies: (.*?)\.\n", section("Solvers"), re.DOTALL)
    assert policies and set(re.findall(r"`(\w+)`", policies.group(1))) == set(POLICIES)


def test_config_is_the_one_that_ships() -> None:
    explained = parse_solver(block("yaml"), "README.yaml")
    shipped = read_solver(ROOT / "configs" / "mnist" / "tiny.yaml")
    assert explained.param == shipped.param
    assert explained.net and shipped.net and explained.net.param == shipped.net.param


def test_python_code_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    code = block("python").replace("solver.step(100)", "solver.step(1)")
    names: dict[str, object] = {}
    try:
        exec(compile(code, "README.md", "exec"), names)
    finally:
        for file in (ROOT / "snapshots").glob("lenet_iter_1.*"):
            file.unlink()
    assert names["net"].blobs["conv1"].data.shape == (100, 20, 24, 24)  # type: ignore[attr-defined]

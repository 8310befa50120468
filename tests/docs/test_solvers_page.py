"""docs/solvers.md: its rules, policies, formulas, defaults and examples are those of the code."""

from __future__ import annotations

import re

from engine.schema import SolverParameter
from engine.solver.checks import check_settings
from engine.solver.schedules import POLICIES, formula
from engine.solver.updates import find_rule, solver_types
from engine.spec import parse_solver
from tests.harness.places import ROOT

PAGE = (ROOT / "docs" / "solvers.md").read_text()
FIELDS = SolverParameter.DESCRIPTOR.fields_by_name


def rows(title: str) -> list[list[str]]:
    """The cells of all table rows of a section, header rows left out."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title}"
    lines = [line for line in found.group(1).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in ("type", "policy", "setting", "---")]


def settings() -> dict[str, str]:
    """Every setting in a table, with the default that the page gives."""
    found = {}
    for title in re.findall(r"^## (.+)$", PAGE, re.MULTILINE):
        for row in rows(title):
            for name in re.findall(r"`(\w+)`", row[0]):
                found[name] = row[1]
    return found


def test_rules() -> None:
    table = {row[0]: row for row in rows("Update rules") if not row[0].startswith("`")}
    assert sorted(table) == solver_types()
    for name, row in table.items():
        assert len(row[2].split(",")) == len(find_rule(name).slots), name


def test_policies_and_their_formulas() -> None:
    table = {row[0]: row[1] for row in rows("Learning rates") if not row[0].startswith("`")}
    assert table == {name: formula(name) for name in POLICIES}


def test_defaults() -> None:
    for name, given in settings().items():
        field = FIELDS[name]
        default = field.default_value
        if field.enum_type is not None:
            default = field.enum_type.values_by_number[default].name if given else ""
        if isinstance(default, bool):
            default = str(default).lower()
        shown = f"{default:g}" if isinstance(default, (int, float)) else default
        assert given == shown, name


def test_every_setting_of_ours_is_there() -> None:
    mine = {name for name, field in FIELDS.items() if 5000 <= field.number < 5100}
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert mine <= named, mine - named


def test_examples_are_good() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) >= 3
    for index, block in enumerate(blocks):
        check_settings(parse_solver(block, f"example{index}.yaml"))

"""Nothing is unpickled, and no data is run as code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.harness.places import ROOT

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
CALLS = {"eval", "exec", "compile", "__import__"}
UNSAFE_YAML = {"load", "full_load", "unsafe_load", "Loader", "UnsafeLoader", "FullLoader"}


def offences(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names]
            names.append(getattr(node, "module", "") or "")
            for name in names:
                if name.split(".")[0] in MODULES:
                    yield f"{where}: imports {name}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in CALLS:
                yield f"{where}: calls {node.func.id}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "yaml" and node.attr in UNSAFE_YAML:
                yield f"{where}: uses yaml.{node.attr}"
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            yield f"{where}: speaks of pickles"


def test_no_code_in_data() -> None:
    files = [path for part in ("engine", "layers", "tools") for path in (ROOT / part).rglob("*.py")]
    assert len(files) > 100
    found = [line for path in files for line in offences(path)]
    assert not found, "\n".join(found)


def test_numpy_files_are_read_without_pickle() -> None:
    """``numpy.load`` unpickles only when asked to; here nothing asks, and little calls it."""
    for part in ("engine", "layers", "tools"):
        for path in (ROOT / part).rglob("*.py"):
            assert "allow_pickle=True" not in path.read_text(encoding="utf-8"), path

"""Whatever a config says in the language, it is read or refused with a message; nothing crashes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import DemitasseError
from engine.spec import read_net, read_solver, to_yaml

_TEXT = st.sampled_from(
    [
        "a",
        "b",
        "in",
        "in2",
        "in0",
        "out",
        "name",
        "/a",
        "/",
        "",
        "no.yaml",
        "ReLU",
        "Input",
        "TRAIN",
    ]
    + ["${a}", "${b}", "${name}", "${i}", "${item}", "${2 * a}", "${a / b}", "x${a}y", "${", "${}"]
    + ["$${a}", "${-a}", "${a % 0}", "${env:HOME}", "${env:NO_SUCH:1}", "Eltwise", "TRAIN"]
)
_SCALAR = _TEXT | st.integers(-2, 3) | st.none() | st.booleans() | st.floats(-1, 1)
_ANY = st.recursive(
    _SCALAR,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)
_USE = st.fixed_dictionaries(
    {"block": _TEXT | _ANY},
    optional={key: _ANY for key in ("name", "bottom", "top", "repeat", "a", "b")},
)
_LAYER = st.fixed_dictionaries(
    {}, optional={key: _ANY for key in ("name", "type", "bottom", "top", "include", "phase")}
)
_LAYERS = st.lists(_USE | _LAYER | _ANY, max_size=4) | _ANY
_BLOCK = st.fixed_dictionaries(
    {"layer": _LAYERS},
    optional={"params": st.dictionaries(_TEXT, _ANY, max_size=2) | _ANY, "x": _ANY},
)
_CONFIG = st.fixed_dictionaries(
    {"layer": _LAYERS},
    optional={
        "vars": st.dictionaries(_TEXT, _ANY, max_size=3) | _ANY,
        "blocks": st.dictionaries(_TEXT, _BLOCK | _ANY, max_size=3) | _ANY,
        "include": _ANY,
        "name": _TEXT,
    },
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(_CONFIG, st.booleans())
def test_read_or_refused(tmp_path: Path, config: dict[str, Any], in_sections: bool) -> None:
    if in_sections:
        net = {key: config.pop(key) for key in ("layer", "name") if key in config}
        config |= {"net": net, "solver": {"base_lr": 1}}
    file, written = tmp_path / "net.yaml", tmp_path / "again.yaml"
    file.write_text(json.dumps(config))  # which is YAML
    for read in (read_net, read_solver):
        try:
            spec = read(file)
        except DemitasseError as error:
            assert error.exit_code == 2 and str(error)
            continue
        if spec.param.ListFields():
            written.write_text(to_yaml(spec.param))
            assert read(written).param == spec.param

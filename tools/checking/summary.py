"""The nets of a check as tables and as data: shapes, parameters, multiply-adds, memory."""

from __future__ import annotations

from typing import Any

from engine.check import RULES, CheckedNet, Report
from engine.net.gradient_flow import Node
from engine.net.work import multiply_adds, param_bytes, top_bytes
from engine.schema import TRAIN
from layers.errors import DemitasseError
from tools.console.table import table
from tools.console.units import in_bytes, in_thousands

_HEAD = (
    "layer", "type", "top shapes", "parameters", "multiply-adds",
    "data bytes", "diff bytes", "param bytes",
)  # fmt: skip
_NUMBERS = range(3, len(_HEAD))
_SUMMED = ("parameters", "multiply_adds", "data_bytes", "diff_bytes", "parameter_bytes")


def summary(report: Report) -> str:
    """A table of the layers of the first net, and what the others come to."""
    built = [net for net in report.nets if net.written]
    return "".join(_of_net(net, rows=net is built[0]) for net in built)


def as_data(report: Report) -> dict[str, Any]:
    """The report for programs: problems, and a row of numbers for each layer of each net."""
    return {
        "config": report.path,
        "errors": [_problem(problem) for problem in report.errors],
        "warnings": [_problem(problem) for problem in report.warnings],
        "nets": [
            {
                "name": net.spec.param.name,
                "state": net.title,
                "complete": net.whole,
                "assumed": net.assumed,
                "layers": [_layer(net, node) for node in net.written],
            }
            for net in report.nets
        ],
    }


def _problem(problem: DemitasseError) -> dict[str, str]:
    rule = RULES.get(problem.id)
    return {
        "id": problem.id,
        "title": rule.title if rule else "",
        "what": problem.what,
        "where": problem.where,
        "got": problem.got,
        "expected": problem.expected,
        "hint": problem.hint,
    }


def _layer(net: CheckedNet, node: Node) -> dict[str, Any]:
    return {
        "name": node.layer.name,
        "type": node.layer.type,
        "tops": {blob.name: list(blob.shape) for blob in node.top},
        "parameters": _own_parameters(net, node),
        "multiply_adds": multiply_adds(node),
        "data_bytes": top_bytes(node),
        "diff_bytes": diff_bytes(net, node),
        "parameter_bytes": _parameter_bytes(net, node),
    }


def _of_net(net: CheckedNet, rows: bool) -> str:
    layers = [_layer(net, node) for node in net.written]
    total = [sum(layer[name] for layer in layers) for name in _SUMMED]
    lines = [f"{net.spec.param.name or 'net'}, {net.title}: {_in_words(net, total)}"]
    if net.assumed:
        lines.append(f"with {', '.join(net.assumed)} in place of sources that are missing")
    text = "\n".join(lines) + "\n"
    if not rows:
        return text + "\n"
    cells = [
        [layer["name"], layer["type"], _shapes(layer["tops"]), *_cells(layer)] for layer in layers
    ]
    cells.append(["total", "", "", *_cells(dict(zip(_SUMMED, total, strict=True)))])
    return text + table(_HEAD, cells, _NUMBERS) + "\n"


def _in_words(net: CheckedNet, total: list[int]) -> str:
    """The sums, and the memory for data, gradients and parameters together."""
    parameters, products, data, diff, params = total
    trained = net.spec.param.state.phase == TRAIN
    held = data + diff + (2 if trained else 1) * params
    return (
        f"{len(net.written)} layers, {in_thousands(parameters) or 'no'} parameters, "
        f"{in_thousands(products) or 'no'} multiply-adds forward, "
        f"{in_bytes(held) or 'no'} of memory"
    )


def _cells(row: dict[str, Any]) -> list[str]:
    counts, sizes = _SUMMED[:2], _SUMMED[2:]
    return [in_thousands(row[name]) for name in counts] + [in_bytes(row[name]) for name in sizes]


def _shapes(tops: dict[str, list[int]]) -> str:
    return " ".join("x".join(map(str, shape)) or "scalar" for shape in tops.values())


def diff_bytes(net: CheckedNet, node: Node) -> int:
    """Bytes of the tops' gradients, where training asks for them; they exist from then on."""
    if net.spec.param.state.phase != TRAIN:
        return 0
    wanted = {
        blob.name
        for reader in net.nodes
        for blob, asked in zip(reader.bottom, reader.propagate_down, strict=True)
        if asked
    }
    own = [blob for blob in node.top if all(blob is not other for other in node.bottom)]
    return sum(blob.count * blob.dtype.itemsize for blob in own if blob.name in wanted)


def _own_parameters(net: CheckedNet, node: Node) -> int:
    """Numbers in the layer's parameters, without those that belong to another layer."""
    return sum(param.blob.count for param in net.params if param.layer == node.layer.name)


def _parameter_bytes(net: CheckedNet, node: Node) -> int:
    owned = _own_parameters(net, node)
    return param_bytes(node) if owned else 0

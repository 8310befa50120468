"""demitasse gradcheck: compare the gradients of a net's backward with numerical ones."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine import DemitasseError, Net
from engine.errors import did_you_mean
from engine.net.derivatives import Comparison
from engine.net.example_values import fill_inputs
from engine.net.gradient_check import NetCheck, check_layers
from tools.completion.names import complete_layer
from tools.console.json_text import add_json_option, json_text
from tools.console.table import table
from tools.drawing.values import tell_of_ends
from tools.options.net import add_net_options, build_net

WRONG = 1
_HEAD = ["layer", "by", "shape", "checked", "worst at", "analytic", "numerical", "rel. error", ""]
_NUMBERS = (3, 5, 6, 7)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_net_options(parser)
    layer = parser.add_argument(
        "--layer", action="append", metavar="NAME", help="check this layer only; may be repeated"
    )
    layer.completer = complete_layer  # type: ignore[attr-defined]
    parser.add_argument(
        "--elements", type=_elements, default=50, metavar="N",
        help="elements of each parameter and bottom to check, drawn at random: 50 unless told, "
        "or `all`",
    )  # fmt: skip
    parser.add_argument(
        "--whole", action="store_true",
        help="differentiate the loss through the whole net, instead of each layer on its own",
    )  # fmt: skip
    add_json_option(parser, "the comparison")


def run(arguments: argparse.Namespace) -> int:
    """Prints the comparison; returns 0, or 1 where a derivative is wrong."""
    if arguments.whole and arguments.layer:
        raise DemitasseError("--whole and --layer exclude each other")
    most = None if arguments.elements == math.inf else int(arguments.elements)
    net = build_net(arguments, np.float64, force_backward=arguments.whole)
    fill_inputs(net, np.random.default_rng(arguments.seed))
    found, seconds = _whole(net, most) if arguments.whole else _layers(net, arguments.layer, most)
    if not found:
        raise DemitasseError("nothing to check: no layer here has a derivative")
    if arguments.json:
        sys.stdout.write(json_text([_record(one) for one in found]))
    else:
        sys.stdout.write(comparison_table(found) + summary(found, seconds))
    return 0 if all(one.passed for one in found) else WRONG


def _elements(text: str) -> float:
    if text == "all":
        return math.inf
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number above 0 nor `all`")
    return count


def _layers(
    net: Net, names: Sequence[str] | None, most: int | None
) -> tuple[list[Comparison], float]:
    """Each layer on its own; and the seconds of their forwards and backwards."""
    for name in names or ():
        if name not in net.layer_names:
            raise DemitasseError(
                f'the net has no layer "{name}"', hint=did_you_mean(name, net.layer_names)
            )
    found: list[Comparison] = []
    seconds = 0.0
    for check, comparisons in check_layers(net, set(names) if names else None, most):
        found += comparisons
        seconds += check.seconds
    return found, seconds


def _whole(net: Net, most: int | None) -> tuple[list[Comparison], float]:
    if not any(any(node.loss_weights) for node in net.nodes):
        raise DemitasseError(
            "this net has no loss to differentiate", hint="leave out --whole: layers need none"
        )
    check = NetCheck(net)
    tell_of_ends(check.ended_at)
    return check.compare(most), check.seconds


def comparison_table(found: Sequence[Comparison]) -> str:
    """A row for each variable, with the element that differs most."""
    return table(_HEAD, [_row(one) for one in found], _NUMBERS)


def _row(found: Comparison) -> list[str]:
    size, shape = found.variable.values.size, found.variable.values.shape
    checked = str(size) if len(found.places) == size else f"{len(found.places)} of {size}"
    row = [found.layer or "(net)", found.variable.name, "x".join(map(str, shape)) or "1", checked]
    if not len(found.places):
        return [*row, "", "", "", "", ""]
    at = found.worst
    kinks = int(found.kinks.sum())
    remark = f"{kinks} at a kink" if kinks else ""
    return [
        *row,
        ",".join(map(str, found.worst_place)),
        f"{found.analytic[at]:.8g}",
        f"{found.numeric[at]:.8g}",
        f"{found.error:.1e}",
        remark if found.passed else "WRONG",
    ]


def _record(found: Comparison) -> dict[str, Any]:
    """A variable for programs."""
    compared: dict[str, Any] = {
        "layer": found.layer or None,
        "by": found.variable.name,
        "shape": list(found.variable.values.shape),
        "checked": len(found.places),
        "passed": found.passed,
        "relative_error": found.error,
        "tolerance": found.tolerance,
        "at_kinks": int(found.kinks.sum()),
    }
    if len(found.places):
        analytic, numerical = float(found.analytic[found.worst]), float(found.numeric[found.worst])
        at = list(found.worst_place)
        compared["worst"] = {"at": at, "analytic": analytic, "numerical": numerical}
    return compared


def summary(found: Sequence[Comparison], seconds: float) -> str:
    """The verdict, and what the same derivatives cost either way."""
    wrong = [f"{one.layer} by {one.variable.name}".lstrip() for one in found if not one.passed]
    count = sum(one.variable.values.size for one in found)
    numeric = sum(
        one.seconds / len(one.places) * one.variable.values.size for one in found if one.seconds
    )
    verdict = f"WRONG: {', '.join(wrong)}" if wrong else "All gradients are right."
    return (
        f"\n{verdict}\nCost of all {count:,} derivatives: analytic {_time(seconds)}, one forward "
        f"and one backward;\n  numerical {_time(numeric)}, two forwards each, "
        f"{numeric / max(seconds, 1e-9):,.0f} times as long.\n"
    )


def _time(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60), ("s", 1), ("ms", 1e-3)):
        if seconds >= (2 * length if length > 1 else length) or unit == "ms":
            return f"{seconds / length:.3g} {unit}"
    return ""

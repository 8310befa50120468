"""demitasse check: find everything wrong with a config, and show what it comes to."""

from __future__ import annotations

import argparse
import json
import sys

from engine.check import RULES, Report, check_config
from layers.errors import DemitasseError, did_you_mean
from tools.checking.summary import as_data, summary
from tools.console.problems import listed
from tools.options.overrides import add_set_option

FAILED = DemitasseError.exit_code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "config", metavar="CONFIG", nargs="?", help="a solver with its nets, or a net"
    )
    add_set_option(parser, "solver.base_lr=0.005 or vars.batch=8")
    parser.add_argument(
        "--stage", action="append", default=[], metavar="NAME",
        help="a stage that a net without a solver is in; may be repeated",
    )  # fmt: skip
    parser.add_argument("--strict", action="store_true", help="fail on warnings as well")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--explain", metavar="ID", help="say what a problem's id means, DM101 for example"
    )
    parser.add_argument(
        "--allow-code", action="store_true", help="let the config name Python code to run"
    )


def run(arguments: argparse.Namespace) -> int:
    """Reports problems on stderr and the net on stdout; 2 where there are errors, else 0."""
    if arguments.explain:
        print(_explained(arguments.explain))
        return 0
    if not arguments.config:
        raise DemitasseError("no config is given", expected="demitasse check CONFIG")
    report = check_config(
        arguments.config, arguments.overrides, arguments.stage, arguments.allow_code
    )
    if arguments.json:
        print(json.dumps(as_data(report), indent=1))
    else:
        _print(report)
    return FAILED if report.errors or (arguments.strict and report.warnings) else 0


def _print(report: Report) -> None:
    if all(net.whole for net in report.nets):
        sys.stdout.write(summary(report))
        sys.stdout.flush()  # the problems are to stand below the table, not above it
    for problems, severity in ((report.errors, "error"), (report.warnings, "warning")):
        if problems:
            print(listed(problems, severity), file=sys.stderr)
    counts = [_count(len(report.errors), "error"), _count(len(report.warnings), "warning")]
    told = f"{report.path}: {', '.join(count for count in counts if count) or 'no problems'}"
    print(told, file=sys.stderr if any(counts) else sys.stdout)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def _explained(id: str) -> str:
    rule = RULES.get(id.upper())
    if rule is None:
        hint = did_you_mean(id.upper(), RULES) or "docs/errors.md lists them all"
        raise DemitasseError(f'no problem has the id "{id}"', hint=hint)
    return f"{rule.id} ({rule.severity}): {rule.title}\n{rule.meaning}"

"""demitasse plot: draw decision regions, filters, or the course of training runs."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tools.options.net import add_net_options, build_net
from tools.plotting import figures
from tools.plotting.decision import decision_figure
from tools.plotting.filters import filters_figure
from tools.plotting.run_page import runs_page
from tools.plotting.run_panels import runs_figure
from tools.plotting.runs import read_runs

log = logging.getLogger("demitasse")

_PAGE = ".html"  # of runs: the values are read off it by pointing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the pictures and their options."""
    kinds = parser.add_subparsers(dest="picture", metavar="PICTURE", required=True)
    _decision(kinds.add_parser("decision", help="the regions that a net of two inputs tells apart"))
    _filters(kinds.add_parser("filters", help="the weights of a layer as images"))
    _runs(kinds.add_parser("run", help="loss, test scores and learning rate of training runs"))


def run(arguments: argparse.Namespace) -> int:
    """Draws, and says where the picture is."""
    make: Callable[[argparse.Namespace], Any] = arguments.make
    path = Path(arguments.output)
    figures.picture_form(path, arguments.forms)  # before the work, not after it
    if path.suffix.lower() == _PAGE:
        figures.write_picture(path, arguments.make_page(arguments).encode())
    else:
        figures.save(make(arguments), path)
    log.info("%s", path)
    return 0


def _output(
    parser: argparse.ArgumentParser, name: str, forms: Sequence[str] = figures.FORMS
) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE", default=name,
        help=f"an {', '.join(forms[:-1])} or {forms[-1]}; {name} unless told",
    )  # fmt: skip
    parser.set_defaults(forms=forms)


def _decision(parser: argparse.ArgumentParser) -> None:
    add_net_options(parser, "TEST")
    _output(parser, "decision.png")
    parser.add_argument("--blob", help="the scores; what the loss reads unless told")
    parser.add_argument(
        "--range", type=float, nargs=2, metavar=("LOW", "HIGH"),
        help="of both inputs; that of the data unless told, or -2 to 2",
    )  # fmt: skip
    parser.add_argument(
        "--threshold", type=float, default=0.5, help="of a single score; 0.5 unless told"
    )

    def make(arguments: argparse.Namespace) -> Any:
        net = build_net(arguments)
        limits = tuple(arguments.range) if arguments.range else None
        return decision_figure(net, arguments.blob, limits, arguments.threshold)

    parser.set_defaults(make=make)


def _filters(parser: argparse.ArgumentParser) -> None:
    add_net_options(parser, "TEST")
    _output(parser, "filters.png")
    parser.add_argument("--layer", help="the first layer with weights unless told")
    parser.add_argument("--most", type=int, default=64, help="images at most; 64 unless told")
    parser.set_defaults(
        make=lambda arguments: filters_figure(build_net(arguments), arguments.layer, arguments.most)
    )


def _runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="a folder with *_log.jsonl files, or such a file"
    )
    _output(parser, "run.png", (*figures.FORMS, _PAGE))
    parser.set_defaults(
        make=lambda arguments: runs_figure(read_runs(arguments.runs)),
        make_page=lambda arguments: runs_page(read_runs(arguments.runs)),
    )
